//! The `Retry-After` field (RFC 9110 §10.2.3).

use std::time::{Duration, SystemTime};

use crate::status::PEER_DELAY_MAX;

/// The delay that the field asks for: seconds, or a date in one of HTTP's three formats. What is over,
/// or negative, is no delay; what is too long is cut to [`PEER_DELAY_MAX`]; anything else is no hint.
pub(super) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let (negative, digits) = value.strip_prefix('-').map_or((false, value), |digits| (true, digits));
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = if negative { 0 } else { digits.parse().unwrap_or(u64::MAX) };
        return Some(Duration::from_secs(seconds).min(PEER_DELAY_MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default().min(PEER_DELAY_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = |value| parse(value, now).map(|delay| delay.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("-5"), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(PEER_DELAY_MAX.as_secs()));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun Nov  6 08:50:37 1994"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(seconds("Sat, 06 Nov 2094 08:49:37 GMT"), Some(PEER_DELAY_MAX.as_secs()));
        for none in ["", "soon", "1.5", "-", "+3", "1994-11-06T08:49:37Z"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }
}
