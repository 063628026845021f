//! How a scalar without quotes is typed: as the Go collector's YAML reader does, which is YAML 1.2's core schema plus
//! octal numbers with a leading zero, binary numbers, and underscores in numbers.

use crate::Content;

/// The value of a plain scalar.
pub(crate) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Content::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Content::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Content::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Content::String(text.to_owned());
    }
    let digits = text.replace('_', "");
    if let Some(int) = integer(&digits) {
        return Content::Int(int);
    }
    match float(&digits) {
        Some(float) => Content::Float(float),
        None => Content::String(text.to_owned()),
    }
}

/// Whether a plain scalar of this text is this string.
pub(crate) fn reads_as_string(text: &str) -> bool {
    text != "<<" && matches!(plain(text), Content::String(_))
}

/// `-12`, `0x1F`, `0o17`, `017`, `0b11`; nothing when it does not fit 64 bits.
pub(crate) fn integer(text: &str) -> Option<i128> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&unsigned[2..], 16),
        [b'0', b'o' | b'O', ..] => (&unsigned[2..], 8),
        [b'0', b'b' | b'B', ..] => (&unsigned[2..], 2),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let int = sign * i128::from(u64::from_str_radix(digits, radix).ok()?);
    (int >= i128::from(i64::MIN)).then_some(int)
}

/// Decimal digits with a point, an exponent, both or neither.
pub(crate) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is_right = all_digits(whole)
        && fraction.is_none_or(all_digits)
        && (!whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty()));
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    (mantissa_is_right && exponent_is_right)
        .then(|| text.parse().ok())
        .flatten()
        .filter(|float: &f64| float.is_finite())
}
