//! Varints, keys and lengths.

use super::{ScanErrorKind, Scanner, Stop};

const CONTINUES: u64 = 0x8080_8080_8080_8080;

impl Scanner {
    /// The key at `at`, which is before `end`, with a valid field number, and where its value begins.
    #[inline]
    pub(super) fn key(&mut self, bytes: &[u8], at: usize, end: usize) -> Result<(u32, usize), Stop> {
        let first = bytes[at];
        if (0x08..0x80).contains(&first) {
            return Ok((u32::from(first), at + 1));
        }
        self.long_key(bytes, at, end)
    }

    fn long_key(&mut self, bytes: &[u8], at: usize, end: usize) -> Result<(u32, usize), Stop> {
        let (key, next) = self.varint(bytes, at, end)?;
        match u32::try_from(key) {
            Ok(key) if key >= 8 => Ok((key, next)),
            _ => Err(self.stop(at, ScanErrorKind::FieldNumber)),
        }
    }

    /// A length at `at`, and the bounds of what it covers, which lie before `end`.
    #[inline]
    pub(super) fn delimited(&mut self, bytes: &[u8], at: usize, end: usize) -> Result<(usize, usize), Stop> {
        let (len, start) = self.varint(bytes, at, end)?;
        match usize::try_from(len) {
            Ok(len) if len <= end - start => Ok((start, start + len)),
            _ => Err(self.truncated(at, end)),
        }
    }

    /// The position `count` bytes on, at most `end`.
    #[inline]
    pub(super) fn advance(&mut self, at: usize, count: usize, end: usize) -> Result<usize, Stop> {
        if end - at < count {
            return Err(self.truncated(at, end));
        }
        Ok(at + count)
    }

    /// A value at `at` does not fit before `end`. When nothing of it is there, its key is the place to show.
    #[cold]
    pub(super) fn truncated(&mut self, at: usize, end: usize) -> Stop {
        self.stop(at.min(end - 1), ScanErrorKind::Truncated)
    }

    /// The varint at `at`, and where it ends.
    #[inline]
    pub(super) fn varint(&mut self, bytes: &[u8], at: usize, end: usize) -> Result<(u64, usize), Stop> {
        if at < end && bytes[at] < 0x80 {
            return Ok((u64::from(bytes[at]), at + 1));
        }
        self.long_varint(bytes, at, end)
    }

    fn long_varint(&mut self, bytes: &[u8], at: usize, end: usize) -> Result<(u64, usize), Stop> {
        let mut value = 0;
        for (index, byte) in bytes[at..end].iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                // The tenth byte holds the 64th bit and no more.
                if index == 9 && *byte > 1 {
                    break;
                }
                return Ok((value, at + index + 1));
            }
        }
        Err(if end - at < 10 { self.truncated(at, end) } else { self.stop(at, ScanErrorKind::Varint) })
    }

    /// Checks that `bytes[at..end]` is a sequence of varints.
    pub(super) fn packed_varints(&mut self, bytes: &[u8], mut at: usize, end: usize) -> Result<(), Stop> {
        while at < end {
            at = self.varint(bytes, at, end)?.1;
        }
        Ok(())
    }
}

/// The length of the varint that these bytes begin with, if it is at most 8; else 9.
#[inline]
pub(super) fn varint_len(bytes: [u8; 8]) -> usize {
    (!u64::from_le_bytes(bytes) & CONTINUES).trailing_zeros() as usize / 8 + 1
}

/// Whether these bytes are a sequence of varints of at most eight bytes each.
pub(super) fn are_varints(packed: &[u8]) -> bool {
    let (words, rest) = packed.as_chunks::<8>();
    // Bytes of a varint that has not ended yet, and the most there were.
    let (mut open, mut most) = (0, 0);
    for word in words {
        let ends = !u64::from_le_bytes(*word) & CONTINUES;
        most = most.max(open + ends.trailing_zeros() / 8);
        open = if ends == 0 { open + 8 } else { ends.leading_zeros() / 8 };
    }
    for byte in rest {
        open = if *byte < 0x80 { 0 } else { open + 1 };
        most = most.max(open);
    }
    open == 0 && most < 8
}
