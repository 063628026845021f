//! Numbers, times and ids as Go prints them.

use std::fmt;

use time::OffsetDateTime;

/// A 64-bit float as `%f` prints it: six digits after the point.
pub(super) struct Fixed(pub(super) f64);

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match infinity(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "{:.6}", self.0),
        }
    }
}

/// A 64-bit float as `%v` prints it: shortest, with an exponent below 1e-4 and from 1e6.
pub(super) struct General(pub(super) f64);

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = infinity(self.0) {
            return f.write_str(name);
        }
        let scientific = format!("{:e}", self.0);
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        match exponent.parse::<i32>() {
            Ok(-4..6) => write!(f, "{}", self.0),
            // The exponent has a sign and at least two digits.
            Ok(exponent @ 0..) => write!(f, "{digits}e+{exponent:02}"),
            Ok(exponent) => write!(f, "{digits}e-{:02}", exponent.abs()),
            Err(_) => f.write_str(&scientific),
        }
    }
}

/// A 64-bit float as an attribute is printed: shortest, with an exponent below 1e-6 and from 1e21.
pub(super) struct Shortest(pub(super) f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        if magnitude.is_nan() {
            f.write_str("NaN")
        } else if magnitude.is_infinite() {
            f.write_str(if self.0 > 0.0 { "Infinity" } else { "-Infinity" })
        } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
            let scientific = format!("{:e}", self.0);
            match scientific.split_once('e') {
                Some((digits, exponent)) if !exponent.starts_with('-') => write!(f, "{digits}e+{exponent}"),
                _ => f.write_str(&scientific),
            }
        } else {
            write!(f, "{}", self.0)
        }
    }
}

fn infinity(value: f64) -> Option<&'static str> {
    match value.is_infinite() {
        true if value > 0.0 => Some("+Inf"),
        true => Some("-Inf"),
        false => None,
    }
}

/// Nanoseconds since 1970 as `2020-02-11 20:26:12.000000321 +0000 UTC`. Numbers from 2^63 on are
/// times before 1970, as they are to Go.
pub(super) struct Timestamp(pub(super) u64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All of them are within the years that the library knows.
        let time = OffsetDateTime::from_unix_timestamp_nanos(self.0.cast_signed().into());
        let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, nanosecond) = time.to_hms_nano();
        let month = u8::from(month);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        if nanosecond != 0 {
            let digits = format!("{nanosecond:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str(" +0000 UTC")
    }
}

/// An id in hexadecimal; one that is all zeros is empty.
pub(super) struct Id<'a>(pub(super) &'a [u8]);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
