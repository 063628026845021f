//! One buffer for one message, which grows with what has arrived and not with what is announced.

use bytes::{Bytes, BytesMut};

/// What a sender announces is allocated at once up to this, in bytes, and beyond as it arrives.
const FIRST_ALLOCATION: usize = 1024 * 1024;

/// A buffer of a bounded size.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    limit: usize,
}

/// More arrived than the buffer may hold.
#[derive(Debug)]
pub(super) struct Overflow;

impl Buffer {
    /// For a message that is announced to be of `len` bytes, and may be shorter but not longer.
    pub(super) fn of_announced(len: usize) -> Self {
        Self { bytes: Vec::with_capacity(len.min(FIRST_ALLOCATION)), limit: len }
    }

    /// For a message of unknown length.
    pub(super) fn up_to(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes that it takes in memory once so many have been appended.
    pub(super) fn capacity_with(&self, more: usize) -> usize {
        let (len, capacity) = (self.bytes.len() + more, self.bytes.capacity());
        if len > capacity { (capacity * 2).max(len).min(self.limit) } else { capacity }
    }

    /// Appends, growing by doubling and never beyond the limit.
    pub(super) fn append(&mut self, data: &[u8]) -> Result<(), Overflow> {
        let len = self.bytes.len() + data.len();
        if len > self.limit {
            return Err(Overflow);
        }
        let capacity = self.capacity_with(data.len());
        if capacity > self.bytes.capacity() {
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    /// Gives the buffer away, without copying.
    pub(super) fn finish(self) -> BytesMut {
        BytesMut::from(Bytes::from(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_length_is_not_believed_beyond_the_first_allocation() {
        let mut buffer = Buffer::of_announced(1 << 30);
        assert_eq!(buffer.bytes.capacity(), FIRST_ALLOCATION);
        for _ in 0..3 {
            buffer.append(&vec![0; FIRST_ALLOCATION]).unwrap();
        }
        assert_eq!(buffer.bytes.capacity(), 4 * FIRST_ALLOCATION);
    }

    #[test]
    fn a_buffer_ends_with_exactly_what_was_announced() {
        let len = 3 * FIRST_ALLOCATION + 7;
        let mut buffer = Buffer::of_announced(len);
        for chunk in vec![1; len].chunks(16 * 1024) {
            buffer.append(chunk).unwrap();
        }
        assert!(buffer.append(&[1]).is_err());
        assert_eq!(buffer.bytes.capacity(), len);
        let start = buffer.bytes.as_ptr();
        let bytes = buffer.finish();
        assert_eq!((bytes.as_ptr(), bytes.len()), (start, len));
    }
}
