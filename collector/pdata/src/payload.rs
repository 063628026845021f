//! An export request that has been validated, as bytes.

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::{Scan, ScanError, Signal, Utf8Policy, scan};

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
    /// Whether each chunk is a request by itself, which the pieces of a split request are not.
    whole_chunks: bool,
}

impl Payload {
    /// Validates a request from outside. It stays where it is: the payload takes the buffer over.
    pub fn decode(
        signal: Signal,
        mut request: BytesMut,
        utf8: Utf8Policy,
    ) -> Result<(Self, Scan), ScanError> {
        let found = scan(signal, &mut request, utf8)?;
        Ok((Self::from_validated(signal, request.freeze(), found.items), found))
    }

    /// A payload of bytes that are known to be a valid request with this many items.
    /// For bytes from outside use [`Payload::decode`].
    pub fn from_validated(signal: Signal, bytes: Bytes, items: usize) -> Self {
        let len = bytes.len();
        Self { signal, chunks: SmallVec::from_buf([bytes]), items, len, whole_chunks: true }
    }

    /// A payload of pieces that together are a valid request with this many items.
    pub(crate) fn from_pieces(signal: Signal, chunks: SmallVec<[Bytes; 1]>, items: usize) -> Self {
        let len = chunks.iter().map(Bytes::len).sum();
        let whole_chunks = chunks.len() == 1;
        Self { signal, chunks, items, len, whole_chunks }
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

    /// The encoded request, in order. A chunk may begin and end anywhere; [`Payload::requests`] gives what
    /// can be read by itself.
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
        self.whole_chunks &= other.whole_chunks;
    }

    /// Requests, each valid by itself, that together are this one. Copies only when a chunk is not one.
    pub fn requests(&self) -> SmallVec<[Bytes; 1]> {
        if self.whole_chunks { self.chunks.clone() } else { SmallVec::from_buf([self.contiguous()]) }
    }

    /// The request as one contiguous buffer. Copies only when it is a list of several chunks.
    pub fn contiguous(&self) -> Bytes {
        match self.chunks.as_slice() {
            [one] => one.clone(),
            many => many.concat().into(),
        }
    }
}
