//! Numbers and times, as people read them.

use std::time::{Duration, SystemTime};

/// `1,234`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many a second: `0`, `0.4`, `1,234`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second == 0.0 {
        "0".to_owned()
    } else if per_second < 9.95 {
        // Something that is rare is not nothing.
        format!("{:.1}", per_second.max(0.1))
    } else {
        count(whole(per_second.round()))
    }
}

/// `12.5 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "told to people")]
    let mut size = number as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// The two largest units: `4 d 2 h`, `3 s`.
pub(crate) fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let pair = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// How long ago something was. A clock that was set back tells of no time.
pub(crate) fn ago(time: SystemTime) -> String {
    format!("{} ago", duration(time.elapsed().unwrap_or_default()))
}

/// Of a text that has no more room than this.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "told to people")]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rare_things_are_not_nothing() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.01, 3.26, 9.96, 12_345.6].map(rate), ["0", "0.1", "3.3", "10", "12,346"]);
        assert_eq!(
            [1023, 1024, 1_048_575, 67_108_864].map(bytes),
            ["1023 B", "1.0 KiB", "1.0 MiB", "64.0 MiB"]
        );
    }

    #[test]
    fn times_have_two_units_at_most() {
        let told = [3, 60, 125, 7260, 86_400, 357_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(told, ["3 s", "1 min", "2 min 5 s", "2 h 1 min", "1 d", "4 d 3 h"]);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(shortened("otlp/äöü", 8), "otlp/äöü");
        assert_eq!(shortened("otlp/äöüß", 8), "otlp/äö…");
    }
}
