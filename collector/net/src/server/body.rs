//! A whole message, and the form in which it arrived.

use bytes::BytesMut;
use etalon_pdata::Compressed;

use crate::compression::{Compression, DecompressError, decompress_whole};

/// What a request brought.
#[derive(Debug)]
pub(super) struct Received {
    /// Decompressed.
    pub(super) message: BytesMut,
    /// Before that, when it may be sent on so.
    pub(super) compressed: Option<Compressed>,
}

impl Received {
    /// A message that was not compressed.
    pub(super) fn plain(message: BytesMut) -> Self {
        Self { message, compressed: None }
    }

    /// A message that was. Decompressed it may have `max_len` bytes.
    pub(super) fn compressed(
        encoding: Compression,
        body: BytesMut,
        max_len: usize,
    ) -> Result<Self, DecompressError> {
        let read = decompress_whole(encoding, &body, max_len)?;
        let kept = read.portable.then(|| Compressed { encoding: encoding.name(), bytes: body.freeze() });
        Ok(Self { message: read.message, compressed: kept })
    }
}
