//! The fast path for attributes: most of the bytes of most requests.

use super::text::is_ascii;
use super::{Scanner, Utf8Policy};

/// Levels that an attribute with a plain value takes: the pair, and the value in it.
pub(super) const DEPTH: u32 = 2;

// Keys of the fields: number << 3 | wire type.
const KEY: u8 = 0x0a;
const VALUE: u8 = 0x12;
const STRING: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;

impl Scanner {
    /// Whether this is a key and a plain value in their usual form: short, in order, each once, in ASCII.
    /// Such a pair is valid. Of any other it says nothing: the walk over the tables decides.
    #[inline]
    pub(super) fn key_value(&self, pair: &[u8]) -> bool {
        // One length byte for the pair means one for everything in it.
        if pair.len() > 0x7f || pair.len() < 6 || pair[0] != KEY {
            return false;
        }
        let key_end = 2 + usize::from(pair[1]);
        let Some([VALUE, len, value @ ..]) = pair.get(key_end..) else { return false };
        if usize::from(*len) != value.len() {
            return false;
        }
        let ascii = |text: &[u8]| self.utf8 == Utf8Policy::Pass || is_ascii(text);
        match value {
            // All tags and lengths are ASCII, too: one sweep.
            [STRING, len, text @ ..] => usize::from(*len) == text.len() && ascii(pair),
            [BOOL | INT, number @ ..] => is_varint(number) && ascii(&pair[..key_end]),
            [DOUBLE, number @ ..] => number.len() == 8 && ascii(&pair[..key_end]),
            _ => false,
        }
    }
}

/// Whether the bytes are exactly one varint of at most 9 bytes.
#[inline]
fn is_varint(bytes: &[u8]) -> bool {
    match bytes {
        [one] => *one < 0x80,
        [rest @ .., last] => *last < 0x80 && rest.len() < 9 && rest.iter().all(|byte| *byte >= 0x80),
        [] => false,
    }
}
