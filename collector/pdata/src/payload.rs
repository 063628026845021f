//! An export request that has been validated, as bytes.

use std::sync::Arc;

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
    /// Set only where the chunks are made of it, and gone as soon as they are not.
    compressed: Option<Arc<Compressed>>,
}

/// A request as its sender compressed it. It decompresses to the very bytes of the [`Payload`] that
/// it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// Name of the encoding, as in `Content-Encoding` and `grpc-encoding`.
    pub encoding: &'static str,
    /// The body: one gzip member, or one zstd frame, which every decoder takes.
    pub bytes: Bytes,
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
        Self { signal, chunks: SmallVec::from_buf([bytes]), items, len, whole_chunks: true, compressed: None }
    }

    /// A payload of pieces that together are a valid request with this many items.
    pub(crate) fn from_pieces(signal: Signal, chunks: SmallVec<[Bytes; 1]>, items: usize) -> Self {
        let len = chunks.iter().map(Bytes::len).sum();
        let whole_chunks = chunks.len() == 1;
        Self { signal, chunks, items, len, whole_chunks, compressed: None }
    }

    /// Keeps the form in which the request arrived, so that it can leave in that form. It must be
    /// what the chunks were decompressed from.
    #[must_use]
    pub fn with_compressed(mut self, compressed: Compressed) -> Self {
        self.compressed = Some(Arc::new(compressed));
        self
    }

    /// The request as its sender compressed it, if it was and nothing has changed it since.
    pub fn compressed(&self) -> Option<&Compressed> {
        self.compressed.as_deref()
    }

    /// Gives the compressed form up unless it is of this encoding.
    pub fn retain_compressed(&mut self, encoding: Option<&str>) {
        self.compressed = self.compressed.take().filter(|kept| Some(kept.encoding) == encoding);
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

    /// Bytes that it holds in memory: those of the request, and those of its compressed form.
    pub fn held_bytes(&self) -> usize {
        self.len + self.compressed().map_or(0, |compressed| compressed.bytes.len())
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
        self.compressed = None;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TRACES;

    fn compressed() -> Payload {
        let compressed = Compressed { encoding: "gzip", bytes: Bytes::from_static(b"abc") };
        Payload::from_validated(TRACES, Bytes::from_static(&[0x0a, 0]), 0).with_compressed(compressed)
    }

    #[test]
    fn what_is_joined_has_no_compressed_form_any_more() {
        let mut joined = compressed();
        joined.join(compressed());
        assert_eq!(joined.compressed(), None);
        assert_eq!((joined.len(), joined.held_bytes()), (4, 4));
    }

    #[test]
    fn a_compressed_form_counts_as_held_until_it_is_given_up() {
        let mut payload = compressed();
        assert_eq!((payload.len(), payload.held_bytes()), (2, 5));
        payload.retain_compressed(Some("gzip"));
        assert_eq!(payload.held_bytes(), 5);
        payload.retain_compressed(Some("zstd"));
        assert_eq!((payload.compressed(), payload.held_bytes()), (None, 2));
    }
}
