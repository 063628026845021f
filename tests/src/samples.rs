//! Data to send, in which every item can be told from every other.

use std::collections::BTreeMap;

use serde_json::json;

const TOKEN: &str = "item:";
const DIGITS: usize = 8;

/// An OTLP/JSON request of log records, one for each number; the body of each is its token.
pub fn logs(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let records: Vec<_> = numbers
        .map(|number| json!({"timeUnixNano": "1", "body": {"stringValue": format!("{TOKEN}{number:0DIGITS$}")}}))
        .collect();
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "black box"}}]});
    json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]})
        .to_string()
        .into_bytes()
}

/// How often each token of [`logs`] occurs in a body that is not compressed. Protobuf keeps strings as
/// they are, so that it need not be decoded.
pub fn tokens(body: &[u8]) -> BTreeMap<u32, usize> {
    let mut found = BTreeMap::new();
    for window in body.windows(TOKEN.len() + DIGITS) {
        if let Some(digits) = window.strip_prefix(TOKEN.as_bytes())
            && let Some(number) = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok())
        {
            *found.entry(number).or_default() += 1;
        }
    }
    found
}
