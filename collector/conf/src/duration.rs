//! A span of time, written as Go writes it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::TYPE_KEYWORD;

/// The name under which this crate's serializer knows a [`Duration`].
pub(crate) const DURATION: &str = "$etalon_conf::Duration";

/// A span of time in nanoseconds, negative ones included; about ±292 years.
///
/// Written as Go writes it (`1m30s`, `-1.5h`, `250ms`); in a configuration, a whole number counts nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

/// A text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a number and a unit, repeated.
    #[error("invalid duration {0:?}: write numbers with units, such as 30s or 1m30s")]
    Syntax(String),
    /// A number stands alone.
    #[error("invalid duration {0:?}: a unit is missing; write {0}s for seconds, {0}ms for milliseconds")]
    UnitMissing(String),
    /// A unit that does not exist.
    #[error("invalid duration {text:?}: unknown unit {unit:?}; use ns, us, ms, s, m or h")]
    UnitUnknown {
        /// The whole text.
        text: String,
        /// The unit in it.
        unit: String,
    },
    /// More than 64 bits of nanoseconds.
    #[error("invalid duration {0:?}: longer than about 292 years")]
    TooLong(String),
}

const NANOS_PER_MICRO: i64 = 1_000;
const NANOS_PER_MILLI: i64 = 1_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MINUTE: i64 = 60 * NANOS_PER_SECOND;
const NANOS_PER_HOUR: i64 = 60 * NANOS_PER_MINUTE;
/// Decimals are summed in this part of a nanosecond.
const FRACTION_SCALE: i128 = 10_000;

impl Duration {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// `nanos` nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// `millis` milliseconds; the longest duration when that is more.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// `secs` seconds; the longest duration when that is more.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SECOND))
    }

    /// All of it in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As the standard library has it. It has no negative durations: they become zero.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(if self.0 < 0 { 0 } else { self.0.unsigned_abs() })
    }
}

/// Longer ones than 64 bits of nanoseconds become the longest.
impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if unsigned == "0" {
            return Ok(Self::ZERO);
        }
        if unsigned.is_empty() {
            return Err(DurationError::Syntax(text.to_owned()));
        }
        let mut nanos: i128 = 0;
        let mut rest = unsigned;
        while !rest.is_empty() {
            let (part, after) = leading_part(rest, text)?;
            nanos += part;
            rest = after;
            if nanos > i128::from(u64::MAX) {
                return Err(DurationError::TooLong(text.to_owned()));
            }
        }
        let nanos = if negative { -nanos } else { nanos };
        i64::try_from(nanos).map(Self).map_err(|_| DurationError::TooLong(text.to_owned()))
    }
}

/// The first number with its unit, in nanoseconds, and what follows them.
fn leading_part<'a>(rest: &'a str, text: &str) -> Result<(i128, &'a str), DurationError> {
    let (whole, after) = digits(rest);
    let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Syntax(text.to_owned()));
    }
    let end = after.find(|char: char| char == '.' || char.is_ascii_digit()).unwrap_or(after.len());
    let (unit, after) = after.split_at(end);
    let scale = match unit {
        "" => return Err(DurationError::UnitMissing(text.to_owned())),
        "ns" => 1,
        // Both signs for micro: U+00B5 and U+03BC.
        "us" | "\u{b5}s" | "\u{3bc}s" => NANOS_PER_MICRO,
        "ms" => NANOS_PER_MILLI,
        "s" => NANOS_PER_SECOND,
        "m" => NANOS_PER_MINUTE,
        "h" => NANOS_PER_HOUR,
        _ => return Err(DurationError::UnitUnknown { text: text.to_owned(), unit: unit.to_owned() }),
    };
    let too_long = || DurationError::TooLong(text.to_owned());
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_long())? };
    let mut part = 0;
    let mut place = i128::from(scale) * FRACTION_SCALE;
    for digit in fraction.bytes() {
        place /= 10;
        part += i128::from(digit - b'0') * place;
    }
    Ok((i128::from(whole) * i128::from(scale) + part / FRACTION_SCALE, after))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len()))
}

/// As Go prints it: `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        let [micro, milli, second] =
            [NANOS_PER_MICRO, NANOS_PER_MILLI, NANOS_PER_SECOND].map(i64::unsigned_abs);
        if nanos == 0 {
            f.write_str("0s")
        } else if nanos < micro {
            write!(f, "{nanos}ns")
        } else if nanos < milli {
            decimal(f, nanos, micro, "\u{b5}s")
        } else if nanos < second {
            decimal(f, nanos, milli, "ms")
        } else {
            let minutes = nanos / (60 * second);
            if minutes >= 60 {
                write!(f, "{}h", minutes / 60)?;
            }
            if minutes > 0 {
                write!(f, "{}m", minutes % 60)?;
            }
            decimal(f, nanos % (60 * second), second, "s")
        }
    }
}

/// `nanos` in units of `scale`, with as many decimals as it needs.
fn decimal(f: &mut fmt::Formatter<'_>, nanos: u64, scale: u64, unit: &str) -> fmt::Result {
    let places = scale.ilog10() as usize;
    let fraction = format!("{:0places$}", nanos % scale);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    write!(f, "{}{point}{fraction}{unit}", nanos / scale)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DURATION, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Span;

        impl Visitor<'_> for Span {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration, such as 30s or 1m30s")
            }

            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<Duration, E> {
                Ok(Duration(nanos))
            }

            fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<Duration, E> {
                i64::try_from(nanos)
                    .map(Duration)
                    .map_err(|_| E::custom(DurationError::TooLong(format!("{nanos}ns"))))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Duration, E> {
                Ok(Duration::ZERO)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Span)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], TYPE_KEYWORD: "duration" })
    }
}

#[cfg(test)]
mod tests;
