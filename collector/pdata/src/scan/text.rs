//! Strings: ASCII as fast as it can be told, the rest as UTF-8, and what is neither is repaired or refused.

use super::{ScanErrorKind, Scanner, Stop, Utf8Policy};

/// Shorter strings are checked by the standard library: the vectorized validator has a fixed cost.
const SHORT: usize = 128;

impl Scanner {
    /// Checks the string `bytes[start..end]` of the field at `field_at`.
    #[inline]
    pub(super) fn string(
        &mut self,
        bytes: &mut [u8],
        field_at: usize,
        start: usize,
        end: usize,
    ) -> Result<(), Stop> {
        if is_ascii(&bytes[start..end]) {
            return Ok(());
        }
        self.unusual_string(&mut bytes[start..end], field_at)
    }

    #[cold]
    fn unusual_string(&mut self, string: &mut [u8], field_at: usize) -> Result<(), Stop> {
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

fn is_utf8(string: &[u8]) -> bool {
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

/// Whether all bytes are ASCII. Loads overlap, so that a length class costs a fixed number of them.
#[inline]
pub(super) fn is_ascii(string: &[u8]) -> bool {
    match string.len() {
        16.. => is_ascii_long(string),
        8.. => match (string.first_chunk::<8>(), string.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                (u64::from_le_bytes(*first) | u64::from_le_bytes(*last)) & 0x8080_8080_8080_8080 == 0
            }
            _ => false,
        },
        4.. => match (string.first_chunk::<4>(), string.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                (u32::from_le_bytes(*first) | u32::from_le_bytes(*last)) & 0x8080_8080 == 0
            }
            _ => false,
        },
        _ => string.iter().fold(0, |all, byte| all | byte) < 0x80,
    }
}

#[inline]
fn is_ascii_long(string: &[u8]) -> bool {
    let (blocks, _) = string.as_chunks::<16>();
    let last = string.last_chunk::<16>().map_or(u128::MAX, |block| u128::from_le_bytes(*block));
    let all = blocks.iter().fold(last, |all, block| all | u128::from_le_bytes(*block));
    all & 0x8080_8080_8080_8080_8080_8080_8080_8080 == 0
}
