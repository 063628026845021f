//! Strings: ASCII as fast as it can be told, the rest as UTF-8, and what is neither is repaired or refused.

use super::{ScanErrorKind, Scanner, Stop, Utf8Policy};

/// Shorter strings are checked by the standard library: the vectorized validator has a fixed cost.
const SHORT: usize = 128;

impl Scanner {
    /// Checks the string `bytes[start..end]` of the field at `field_at`.
    pub(super) fn string(
        &mut self,
        bytes: &mut [u8],
        field_at: usize,
        start: usize,
        end: usize,
    ) -> Result<(), Stop> {
        let string = &mut bytes[start..end];
        match self.utf8 {
            Utf8Policy::Pass => Ok(()),
            _ if is_utf8(string) => Ok(()),
            Utf8Policy::Refuse => Err(self.stop(field_at, ScanErrorKind::Utf8)),
            Utf8Policy::Repair => {
                repair(string);
                self.found.repaired += 1;
                Ok(())
            }
        }
    }
}

pub(super) fn is_utf8(string: &[u8]) -> bool {
    if string.len() < SHORT {
        std::str::from_utf8(string).is_ok()
    } else {
        simdutf8::basic::from_utf8(string).is_ok()
    }
}

/// Replaces each byte that is part of no character by `?`.
fn repair(string: &mut [u8]) {
    let mut at = 0;
    while let Err(error) = std::str::from_utf8(&string[at..]) {
        let start = at + error.valid_up_to();
        let stop = error.error_len().map_or(string.len(), |len| start + len);
        string[start..stop].fill(b'?');
        at = stop;
    }
}

/// Whether all bytes are ASCII.
#[inline]
pub(super) fn is_ascii(string: &[u8]) -> bool {
    // The last 64 bytes overlap the last block: no loop over single bytes.
    let Some(last) = string.last_chunk() else { return string.is_ascii() };
    let (blocks, _) = string.as_chunks::<64>();
    blocks.iter().chain([last]).all(|block| starts_with_ascii(block, 64))
}

/// Whether the first `len` of 64 bytes are ASCII; `len` is at most 64. No branch depends on `len`.
#[inline]
pub(super) fn starts_with_ascii(bytes: &[u8; 64], len: usize) -> bool {
    /// From `64 - len` on: the high bits of `len` bytes, then nothing.
    static HIGH_BITS: [u8; 128] = {
        let mut bits = [0; 128];
        let mut at = 0;
        while at < 64 {
            bits[at] = 0x80;
            at += 1;
        }
        bits
    };
    let Some(mask) = HIGH_BITS.get(64 - len..).and_then(<[u8]>::first_chunk::<64>) else { return false };
    let ((words, _), (masks, _)) = (bytes.as_chunks::<8>(), mask.as_chunks::<8>());
    let high = |(word, mask): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*word) & u64::from_le_bytes(*mask);
    words.iter().zip(masks).map(high).fold(0, |all, high| all | high) == 0
}
