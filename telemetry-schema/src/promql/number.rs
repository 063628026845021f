//! Numbers and durations.

/// Units of durations, the longest first, in seconds.
const UNITS: [(&str, f64); 7] = [
    ("y", 365.0 * 86_400.0),
    ("w", 7.0 * 86_400.0),
    ("d", 86_400.0),
    ("h", 3_600.0),
    ("m", 60.0),
    ("s", 1.0),
    ("ms", 0.001),
];

/// The length of the longest part of `text`, from its start, that may be a number or a duration.
pub(super) fn length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_hex = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let after_exponent = end > 0 && !is_hex && bytes[end - 1].eq_ignore_ascii_case(&b'e');
        let signs = after_exponent && matches!(byte, b'+' | b'-');
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || signs) {
            break;
        }
        end += 1;
    }
    end
}

/// The value of a number, or of a duration in seconds.
pub(super) fn value(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(|number| number as f64);
    }
    let is_decimal = |char: char| char.is_ascii_digit() || matches!(char, '.' | 'e' | '+' | '-');
    if text.chars().all(|char| is_decimal(char.to_ascii_lowercase())) {
        return text.parse().ok();
    }
    duration(text)
}

/// `1h30m`: units from long to short, each at most once.
fn duration(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut seconds = 0.0;
    let mut units = UNITS.as_slice();
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|char: char| char.is_ascii_digit()).unwrap_or(rest.len());
        let at = units.iter().position(|(unit, _)| *unit == &rest[..letters])?;
        seconds += number * units[at].1;
        units = &units[at + 1..];
        rest = &rest[letters..];
    }
    Some(seconds)
}
