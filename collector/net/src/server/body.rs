//! A whole message, and the form in which it arrived.

use bytes::BytesMut;
use etalon_component::Reserved;
use etalon_pdata::Compressed;

use crate::compression::{Compression, DecompressError, Room, decompress_whole};

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

    /// A message that was. Decompressed it may have `max_len` bytes, for which memory is reserved as it grows.
    pub(super) fn compressed(
        encoding: Compression,
        body: BytesMut,
        max_len: usize,
        memory: &mut Reserved,
    ) -> Result<Self, DecompressError> {
        let held = body.capacity();
        let read =
            decompress_whole(encoding, &body, &mut Room::new(max_len, &mut |len| memory.resize(held + len)))?;
        let kept = if read.portable { held } else { 0 };
        memory.resize(read.message.capacity() + kept).map_err(DecompressError::NoRoom)?;
        let kept = read.portable.then(|| Compressed { encoding: encoding.name(), bytes: body.freeze() });
        Ok(Self { message: read.message, compressed: kept })
    }
}
