//! An export request that has been validated, as bytes.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::Signal;

/// A validated export request. Cloning it is cheap: the bytes are shared.
///
/// The request is a list of chunks. An OTLP request has one repeated field at its top, so the
/// concatenation of valid requests is a valid request; [`Payload::join`] only keeps a longer list.
#[derive(Clone, Debug)]
pub struct Payload {
    signal: Signal,
    chunks: SmallVec<[Bytes; 1]>,
    items: usize,
    len: usize,
}

impl Payload {
    /// A payload of bytes that are known to be a valid request with this many items.
    /// For bytes from outside use [`crate::scan`].
    pub fn from_validated(signal: Signal, bytes: Bytes, items: usize) -> Self {
        let len = bytes.len();
        Self { signal, chunks: SmallVec::from_buf([bytes]), items, len }
    }

    /// The signal.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Number of items: spans, data points or log records.
    pub fn items(&self) -> usize {
        self.items
    }

    /// Encoded size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the encoded request has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The encoded request, in order.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Appends another request of the same signal, without copying.
    ///
    /// # Panics
    /// When the signals differ: a pipeline carries one signal.
    pub fn join(&mut self, other: Payload) {
        assert_eq!(self.signal, other.signal, "a payload holds one signal");
        self.chunks.extend(other.chunks);
        self.items += other.items;
        self.len += other.len;
    }

    /// The request as one contiguous buffer. Copies only when it is a list of several chunks.
    pub fn contiguous(&self) -> Bytes {
        match self.chunks.as_slice() {
            [one] => one.clone(),
            many => many.concat().into(),
        }
    }
}
