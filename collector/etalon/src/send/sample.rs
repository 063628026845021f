//! What is sent: one item of a signal, recognisable and different each time.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use etalon_component::BoxError;
use etalon_pdata::{Payload, Signal, Utf8Policy, json};

/// How long the sample span lasted.
const SPAN_DURATION: Duration = Duration::from_millis(42);

/// Templates in OTLP/JSON, by the name of the signal. `@…@` marks what is filled in.
const TEMPLATES: [(&str, &str); 3] = [
    ("traces", include_str!("sample/traces.json")),
    ("metrics", include_str!("sample/metrics.json")),
    ("logs", include_str!("sample/logs.json")),
];

/// There is no sample of this signal.
#[derive(Debug, thiserror::Error)]
#[error("there is no sample of this signal")]
struct NoSample;

/// A request with one item. `number` tells the requests of one run apart.
pub(super) fn payload(signal: Signal, service_name: &str, number: u64) -> Result<Payload, BoxError> {
    let (_, template) = TEMPLATES.iter().find(|(name, _)| *name == signal.name).ok_or(NoSample)?;
    let request = json::decode(signal.request, filled(template, service_name, number).as_bytes())?;
    let (payload, _) =
        Payload::decode(signal, BytesMut::from(bytes::Bytes::from(request)), Utf8Policy::Refuse)?;
    Ok(payload)
}

fn filled(template: &str, service_name: &str, number: u64) -> String {
    #[expect(clippy::disallowed_methods, reason = "a sample is of now, whatever the clock says")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let random = || RandomState::new().hash_one(number);
    let quoted = serde_json::Value::from(service_name).to_string();
    template
        .replace("@service_name@", quoted.trim_matches('"'))
        .replace("@trace_id@", &format!("{:016x}{:016x}", random(), random()))
        .replace("@span_id@", &format!("{:016x}", random()))
        .replace("@start@", &now.saturating_sub(SPAN_DURATION).as_nanos().to_string())
        .replace("@now@", &now.as_nanos().to_string())
        .replace("@number@", &number.to_string())
}

#[cfg(test)]
mod tests {
    use etalon_pdata::{LOGS, METRICS, TRACES};

    use super::*;

    #[test]
    fn each_stable_signal_has_a_sample_of_one_item() {
        for signal in [TRACES, METRICS, LOGS] {
            let payload = payload(signal, "a \"quoted\" name", 7).unwrap();
            assert_eq!(payload.items(), 1, "{signal}");
        }
    }

    #[test]
    fn two_samples_differ() {
        let bytes = |number| payload(TRACES, "x", number).unwrap().contiguous();
        assert_ne!(bytes(0), bytes(0));
    }
}
