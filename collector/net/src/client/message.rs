//! What a call sends: a message, and perhaps the form in which it once arrived.

use bytes::Bytes;
use etalon_pdata::{Compressed, Payload};

use crate::compression::{Compression, compress, compress_at_level};

/// A message of any length, as pieces.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    chunks: &'a [Bytes],
    compressed: Option<&'a Compressed>,
}

impl<'a> From<&'a [Bytes]> for Message<'a> {
    fn from(chunks: &'a [Bytes]) -> Self {
        Self { chunks, compressed: None }
    }
}

impl<'a, const N: usize> From<&'a [Bytes; N]> for Message<'a> {
    fn from(chunks: &'a [Bytes; N]) -> Self {
        Self::from(chunks.as_slice())
    }
}

impl<'a> From<&'a Payload> for Message<'a> {
    fn from(payload: &'a Payload) -> Self {
        Self { chunks: payload.chunks(), compressed: payload.compressed() }
    }
}

impl Message<'_> {
    /// Appends the body that goes over the wire: without copying it where it is not compressed, or
    /// already is as wanted. A `level` that is not 0 was asked for, so the work is done at that level.
    pub(super) fn encode(self, encoding: Compression, level: i32, body: &mut Vec<Bytes>) {
        match (encoding, self.compressed) {
            (Compression::None, _) => {
                body.extend(self.chunks.iter().filter(|chunk| !chunk.is_empty()).cloned());
            }
            (_, Some(compressed)) if level == 0 && compressed.encoding == encoding.name() => {
                body.push(compressed.bytes.clone());
            }
            (_, _) if level == 0 => body.push(compress(encoding, self.chunks)),
            (_, _) => body.push(compress_at_level(encoding, level, self.chunks)),
        }
    }
}

/// The encoding in which [`Message::encode`] sends on what arrived in it.
pub(super) fn forwarded(encoding: Compression, level: i32) -> Option<&'static str> {
    (encoding != Compression::None && level == 0).then(|| encoding.name())
}
