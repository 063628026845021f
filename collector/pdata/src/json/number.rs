//! Decimal numbers.

use super::error::Problem;
use crate::table::Kind;

/// A whole number: sign and magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Integer {
    pub(super) negative: bool,
    pub(super) magnitude: u64,
}

/// A number as it goes on the wire.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
}

/// What a number of `kind` is called in errors.
pub(super) fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Enum(_) => "a signed 32-bit integer",
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "a signed 64-bit integer",
        Kind::Uint32 | Kind::Fixed32 => "an unsigned 32-bit integer",
        Kind::Uint64 | Kind::Fixed64 => "an unsigned 64-bit integer",
        Kind::Float => "a 32-bit float",
        Kind::Double => "a 64-bit float",
        Kind::Bool => "true or false",
        Kind::String | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => "a number",
    }
}

/// Whether `token` is a number as JSON writes it (RFC 8259 §6).
pub(super) fn is_json(token: &[u8]) -> bool {
    let rest = token.strip_prefix(b"-").unwrap_or(token);
    let rest = match rest {
        [b'0', rest @ ..] => rest,
        [b'1'..=b'9', ..] => after_digits(rest),
        _ => return false,
    };
    let rest = match rest {
        [b'.', fraction @ ..] => {
            let rest = after_digits(fraction);
            if rest.len() == fraction.len() {
                return false;
            }
            rest
        }
        _ => rest,
    };
    match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let digits = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
            !digits.is_empty() && after_digits(digits).is_empty()
        }
        _ => false,
    }
}

/// The whole number that a decimal text stands for: sign, digits, fraction and exponent, as long as
/// the value is integral. Leading zeros and a plus sign pass, as they do in text form in Go.
pub(super) fn integer(text: &[u8], expected: &'static str) -> Result<Integer, Problem> {
    let invalid = Problem::Expected(expected);
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let after = after_digits(rest);
    let whole = &rest[..rest.len() - after.len()];
    let (fraction, after) = match after {
        [b'.', rest @ ..] => {
            let after = after_digits(rest);
            (&rest[..rest.len() - after.len()], after)
        }
        _ => (&[][..], after),
    };
    if whole.is_empty() {
        return Err(invalid);
    }
    let exponent = match after {
        [] => 0,
        [b'e' | b'E', digits @ ..] => exponent(digits).ok_or(invalid)?,
        _ => return Err(invalid),
    };
    // The value is 0.DIGITS times ten to the `point`.
    let point = exponent.saturating_add(i64::try_from(whole.len()).unwrap_or(i64::MAX));
    let magnitude = shift(whole.iter().chain(fraction), point, expected)?;
    Ok(Integer { negative, magnitude })
}

/// The first `point` of the digits as a number; the digits after that must be zeros.
fn shift<'a>(
    digits: impl Iterator<Item = &'a u8>,
    point: i64,
    expected: &'static str,
) -> Result<u64, Problem> {
    let range = || Problem::Range(expected);
    let mut magnitude = 0u64;
    let mut left = point;
    for digit in digits {
        let digit = u64::from(digit - b'0');
        if left > 0 {
            magnitude = magnitude.checked_mul(10).and_then(|m| m.checked_add(digit)).ok_or_else(range)?;
        } else if digit != 0 {
            return Err(Problem::Fraction(expected));
        }
        left -= 1;
    }
    while left > 0 && magnitude != 0 {
        magnitude = magnitude.checked_mul(10).ok_or_else(range)?;
        left -= 1;
    }
    Ok(magnitude)
}

/// An exponent; one that does not fit is as good as the largest that does.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() || !after_digits(digits).is_empty() {
        return None;
    }
    let magnitude = digits
        .iter()
        .fold(0i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    // Half of the range: lengths are added to it later.
    let magnitude = magnitude.min(i64::MAX / 2);
    Some(if negative { -magnitude } else { magnitude })
}

fn after_digits(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &text[digits..]
}

impl Integer {
    /// As a value of `kind` on the wire.
    pub(super) fn into_scalar(self, kind: Kind) -> Result<Scalar, Problem> {
        Ok(match kind {
            Kind::Int32 | Kind::Enum(_) => Scalar::Varint(i64::from(self.signed32(kind)?).cast_unsigned()),
            Kind::Int64 => Scalar::Varint(self.signed64(kind)?.cast_unsigned()),
            Kind::Sint32 => Scalar::Varint(zigzag(i64::from(self.signed32(kind)?))),
            Kind::Sint64 => Scalar::Varint(zigzag(self.signed64(kind)?)),
            Kind::Sfixed32 => Scalar::Fixed32(self.signed32(kind)?.cast_unsigned()),
            Kind::Sfixed64 => Scalar::Fixed64(self.signed64(kind)?.cast_unsigned()),
            Kind::Uint32 => Scalar::Varint(u64::from(self.unsigned32(kind)?)),
            Kind::Fixed32 => Scalar::Fixed32(self.unsigned32(kind)?),
            Kind::Uint64 => Scalar::Varint(self.unsigned64(kind)?),
            Kind::Fixed64 => Scalar::Fixed64(self.unsigned64(kind)?),
            _ => return Err(Problem::Expected(describe(kind))),
        })
    }

    fn signed64(self, kind: Kind) -> Result<i64, Problem> {
        let value = if self.negative {
            0i64.checked_sub_unsigned(self.magnitude)
        } else {
            i64::try_from(self.magnitude).ok()
        };
        value.ok_or(Problem::Range(describe(kind)))
    }

    fn signed32(self, kind: Kind) -> Result<i32, Problem> {
        self.signed64(kind)?.try_into().map_err(|_| Problem::Range(describe(kind)))
    }

    fn unsigned64(self, kind: Kind) -> Result<u64, Problem> {
        if self.negative && self.magnitude != 0 {
            return Err(Problem::Range(describe(kind)));
        }
        Ok(self.magnitude)
    }

    fn unsigned32(self, kind: Kind) -> Result<u32, Problem> {
        self.unsigned64(kind)?.try_into().map_err(|_| Problem::Range(describe(kind)))
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

impl Scalar {
    /// Whether all bits are zero: the value that absence stands for. Negative zero is not.
    pub(super) fn is_zero(self) -> bool {
        matches!(self, Self::Varint(0) | Self::Fixed64(0) | Self::Fixed32(0))
    }
}
