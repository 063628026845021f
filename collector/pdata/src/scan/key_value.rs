//! The fast path for attributes: most of the bytes of most requests.

use super::text::starts_with_ascii;
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
/// How long the texts are costs no branch.
#[inline]
pub(super) fn plain(bytes: &[u8], at: usize) -> Option<usize> {
    let window = bytes.get(at..)?.first_chunk::<{ 1 + LONGEST + 1 }>()?;
    let [len, pair @ ..] = window;
    let len = usize::from(*len);
    let key_len = usize::from(pair[1]);
    // Where the value begins: behind two keys and two lengths.
    let value_at = key_len + 4;
    if len > LONGEST || pair[0] != KEY || value_at >= len || value_at >= 64 {
        return None;
    }
    let value_len = len - value_at;
    if pair[value_at - 2] != VALUE || usize::from(pair[value_at - 1]) != value_len {
        return None;
    }
    let valid = match pair[value_at] {
        // All keys and lengths are ASCII, too.
        STRING if usize::from(pair[value_at + 1]) + 2 == value_len => {
            starts_with_ascii(pair.first_chunk()?, len.min(64))
                && (len <= 64 || starts_with_ascii(pair.last_chunk()?, len - 64))
        }
        // Longer varints are left out.
        BOOL | INT if value_len <= 9 => {
            starts_with_ascii(pair.first_chunk()?, value_at)
                && pair[value_at + 1..].first_chunk().is_some_and(|word| varint_len(*word) == value_len - 1)
        }
        DOUBLE => starts_with_ascii(pair.first_chunk()?, value_at) && value_len == 9,
        _ => false,
    };
    valid.then_some(at + 1 + len)
}
