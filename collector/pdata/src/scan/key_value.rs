//! The fast path for attributes: most of the bytes of most requests.

use super::text::{is_ascii, starts_with_ascii};
use super::varint::varint_len;

/// Levels that an attribute with a plain value takes: the pair, and the value in it.
pub(super) const DEPTH: u32 = 2;

// Keys of the fields: number << 3 | wire type.
const KEY: u8 = 0x0a;
const VALUE: u8 = 0x12;
const STRING: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;

/// Longest pair that the fast path looks at: its length fits one byte.
const LONGEST: usize = 0x7f;

/// The end of the pair whose length is at `at`, if it is a key and a plain value in their usual form: short,
/// in order, each once, in ASCII. Such a pair is valid in itself. Of any other, and of one that has fewer
/// than 128 bytes behind it, this says nothing: the walk over the tables decides.
///
/// How long the texts are costs no branch, and the frame costs one.
#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators are branches")]
pub(super) fn plain(bytes: &[u8], at: usize) -> Option<usize> {
    let window = bytes.get(at..)?.first_chunk::<{ 1 + LONGEST + 1 }>()?;
    let [len, pair @ ..] = window;
    let len = usize::from(*len);
    let key_len = usize::from(pair[1]);
    // Where the value begins, behind two keys and two lengths, if the key is not too long.
    let value_at = (key_len & 0x3f) + 4;
    let value_len = len.wrapping_sub(value_at);
    let before = u16::from_le_bytes([pair[value_at - 2], pair[value_at - 1]]);
    let is_framed = (len <= LONGEST)
        & (pair[0] == KEY)
        & (key_len < 0x40)
        & (usize::from(before) == usize::from(VALUE) | value_len << 8);
    let kind = pair[value_at];
    let is_text = kind == STRING;
    let of_kind = if is_text {
        usize::from(pair[value_at + 1]) + 2 == value_len
    } else if kind == DOUBLE {
        value_len == 9
    } else {
        // Longer varints are left out.
        let len = varint_len(*pair[value_at + 1..].first_chunk()?);
        (kind == BOOL || kind == INT) & (len + 1 == value_len) & (len < 9)
    };
    if !(is_framed & of_kind) {
        return None;
    }
    // All keys and lengths are ASCII, too.
    let text_len = std::hint::select_unpredictable(is_text, len, value_at);
    let is_ascii = starts_with_ascii(pair.first_chunk()?, text_len.min(64))
        && (text_len <= 64 || starts_with_ascii(pair.last_chunk()?, text_len - 64));
    is_ascii.then_some(at + 1 + len)
}

/// Like [`plain`] for a longer text: the pair's length has two bytes.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let (len, start) = short_length(bytes, at)?;
    let pair = bytes.get(start..start + len)?;
    let [KEY, key_len, rest @ ..] = pair else { return None };
    let (key, rest) = rest.split_at_checked(usize::from(*key_len))?;
    let [VALUE, rest @ ..] = rest else { return None };
    let (value_len, value_at) = short_length(rest, 0)?;
    let value = rest.get(value_at..)?;
    let [STRING, rest @ ..] = value else { return None };
    let (text_len, text_at) = short_length(rest, 0)?;
    let text = rest.get(text_at..)?;
    let is_valid = *key_len < 0x80 && value_len == value.len() && text_len == text.len();
    (is_valid && is_ascii(key) && is_ascii(text)).then_some(start + len)
}

/// A length of one or two bytes, and where what it covers begins.
#[inline]
fn short_length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let [first, second] = *bytes.get(at..)?.first_chunk()?;
    if first < 0x80 {
        return Some((usize::from(first), at + 1));
    }
    (second < 0x80).then_some((usize::from(first & 0x7f) | usize::from(second) << 7, at + 2))
}
