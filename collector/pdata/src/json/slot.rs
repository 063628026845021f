//! Length prefixes that are written before the length is known.

use super::MAX_DEPTH;
use crate::wire::{put_varint, varint_len};

/// Reserves room for length prefixes, and learns how wide they are.
///
/// The guess is the width that the last prefix of the same depth had: siblings are alike. A wrong
/// guess moves the content by the difference when the slot is closed. A byte is moved at most once
/// per level, so hostile nesting costs at most [`MAX_DEPTH`] moves of the output.
pub(super) struct Slots {
    widths: [u8; MAX_DEPTH + 1],
}

/// A reserved length prefix.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    start: usize,
    width: u8,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { widths: [1; MAX_DEPTH + 1] }
    }

    /// Reserves a prefix for a message at `depth`, which is at most [`MAX_DEPTH`].
    pub(super) fn open(&self, out: &mut Vec<u8>, depth: usize) -> Slot {
        Slot::reserve(out, self.widths[depth])
    }

    /// Fills in the prefix: everything after it is the content.
    pub(super) fn close(&mut self, out: &mut Vec<u8>, slot: Slot, depth: usize) {
        self.widths[depth] = slot.fill(out);
    }
}

impl Slot {
    /// Reserves a prefix of `width` bytes, 1 to 10.
    pub(super) fn reserve(out: &mut Vec<u8>, width: u8) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 10][..usize::from(width)]);
        Self { start, width }
    }

    /// Writes the length of everything after the prefix into it; returns the width that it needed.
    #[inline]
    pub(super) fn fill(self, out: &mut Vec<u8>) -> u8 {
        let from = self.start + usize::from(self.width);
        let len = out.len() - from;
        if self.width == 1 && len < 0x80 {
            out[self.start] = len.to_le_bytes()[0];
            return 1;
        }
        let width = varint_len(len as u64);
        let to = self.start + usize::from(width);
        if to > from {
            out.resize(to + len, 0);
            out.copy_within(from..from + len, to);
        } else if to < from {
            out.copy_within(from.., to);
            out.truncate(to + len);
        }
        put_varint(&mut &mut out[self.start..to], len as u64);
        width
    }
}
