//! Values as JSON text.

use std::io::Write;

use super::base64;
use super::plain::plain;

/// Appends a string in quotes. Bytes that are not UTF-8 become U+FFFD.
#[inline]
pub(crate) fn put_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    if text.is_ascii() || simdutf8::basic::from_utf8(text).is_ok() {
        put_escaped(text, out);
    } else {
        put_escaped(String::from_utf8_lossy(text).as_bytes(), out);
    }
    out.push(b'"');
}

/// Appends text with what JSON demands escaped (RFC 8259 §7), and nothing else.
#[inline]
fn put_escaped(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let (before, rest) = text.split_at(plain(text));
        out.extend_from_slice(before);
        let Some((&byte, after)) = rest.split_first() else { return };
        put_escape(byte, out);
        text = after;
    }
}

fn put_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            return put_hex(&[byte], out);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends two lower-case digits for each byte.
pub(crate) fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]]),
    );
}

/// Appends bytes as base64 in quotes.
pub(crate) fn put_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    base64::encode(bytes, out);
    out.push(b'"');
}

/// Appends decimal digits.
pub(crate) fn put_u64(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10).to_le_bytes()[0];
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a sign, when negative, and decimal digits.
pub(crate) fn put_i64(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    put_u64(value.unsigned_abs(), out);
}

/// Appends the shortest number that reads back as the same; `NaN` and the infinities as text.
/// The exponent form begins below 1e-6 and at 1e21, as in Go and JavaScript.
pub(crate) fn put_f64(value: f64, out: &mut Vec<u8>) {
    let magnitude = value.abs();
    let exponent = magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude);
    match named(value) {
        Some(name) => out.extend_from_slice(name),
        None if exponent => print(out, format_args!("{value:e}")),
        None => print(out, format_args!("{value}")),
    }
}

/// The same for 32 bits.
pub(crate) fn put_f32(value: f32, out: &mut Vec<u8>) {
    let magnitude = value.abs();
    let exponent = magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude);
    match named(f64::from(value)) {
        Some(name) => out.extend_from_slice(name),
        None if exponent => print(out, format_args!("{value:e}")),
        None => print(out, format_args!("{value}")),
    }
}

fn named(value: f64) -> Option<&'static [u8]> {
    if value.is_nan() {
        Some(b"\"NaN\"")
    } else if value == f64::INFINITY {
        Some(b"\"Infinity\"")
    } else if value == f64::NEG_INFINITY {
        Some(b"\"-Infinity\"")
    } else {
        None
    }
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a Vec grows");
}
