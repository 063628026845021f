//! Snappy: one block, and the framing format (<https://github.com/google/snappy>).

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};

use bytes::{Bytes, BytesMut};
use snap::read::FrameDecoder;
use snap::write::FrameEncoder;

use super::{DecompressError, Room, finished};

/// The chunk that a framed stream begins with.
const STREAM_IDENTIFIER: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// A block cannot expand by more than this factor: three bytes copy 64.
const EXPANSION_MAX: usize = 22;
/// The scratch buffer that a thread keeps, in bytes; a larger one is given back after use.
const SCRATCH_MAX: usize = 4 * 1024 * 1024;

thread_local! {
    static BLOCKS: RefCell<(snap::raw::Encoder, Vec<u8>)> = RefCell::new((snap::raw::Encoder::new(), Vec::new()));
    static FRAMES: RefCell<FrameEncoder<Vec<u8>>> = RefCell::new(begun());
}

/// An encoder that has said that a stream begins. It does so once in its life, and here each body is
/// a stream of its own.
fn begun() -> FrameEncoder<Vec<u8>> {
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(b".").and_then(|()| encoder.flush()).expect("a vector takes every write");
    encoder
}

/// One block. A block has less than 4 GiB: what is larger is framed, which readers of blocks know to tell.
pub(super) fn compress_block(data: &[u8]) -> Bytes {
    let bound = snap::raw::max_compress_len(data.len());
    if bound == 0 {
        return compress_framed(data);
    }
    BLOCKS.with_borrow_mut(|(encoder, scratch)| {
        if scratch.len() < bound {
            scratch.resize(bound, 0);
        }
        let len = encoder.compress(data, scratch).expect("the buffer is as large as it must be");
        let compressed = Bytes::copy_from_slice(&scratch[..len]);
        if scratch.len() > SCRATCH_MAX {
            *scratch = Vec::new();
        }
        compressed
    })
}

/// A whole stream.
pub(super) fn compress_framed(data: &[u8]) -> Bytes {
    FRAMES.with_borrow_mut(|encoder| {
        let out = encoder.get_mut();
        out.clear();
        out.extend_from_slice(STREAM_IDENTIFIER);
        encoder.write_all(data).and_then(|()| encoder.flush()).expect("a vector takes every write");
        let compressed = Bytes::copy_from_slice(encoder.get_ref());
        if encoder.get_ref().capacity() > SCRATCH_MAX {
            *encoder.get_mut() = Vec::new();
        }
        compressed
    })
}

/// One block, or streams if it begins as one: who sends what HTTP calls `snappy` does either.
pub(super) fn decompress(compressed: &[u8], room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    if compressed.starts_with(STREAM_IDENTIFIER) {
        return decompress_framed(compressed, room);
    }
    let claimed = snap::raw::decompress_len(compressed).map_err(|_| corrupt("its length is damaged"))?;
    if claimed > room.max_len {
        return Err(room.too_large());
    }
    if claimed > compressed.len().saturating_mul(EXPANSION_MAX) {
        return Err(corrupt("it is cut off, or its length is damaged"));
    }
    let mut out = room.buffer(claimed)?;
    let written = snap::raw::Decoder::new().decompress(compressed, &mut out);
    let len = written.map_err(|_| corrupt("it is cut off or damaged"))?;
    Ok(finished(out, len))
}

/// Streams, one after the other. That the last one is cut off between two chunks cannot be seen.
pub(super) fn decompress_framed(compressed: &[u8], room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    if compressed.is_empty() {
        return Err(corrupt("it is empty"));
    }
    let mut decoder = FrameDecoder::new(compressed);
    let mut out = room.buffer(compressed.len().saturating_mul(4))?;
    let mut len = 0;
    loop {
        let full = len == out.len();
        // One byte more tells whether that was all.
        let mut one = [0];
        let free = if full { &mut one[..] } else { &mut out[len..] };
        match decoder.read(free).map_err(|error| unreadable(&error))? {
            0 => return Ok(finished(out, len)),
            written if full => {
                room.grow(&mut out)?;
                out[len..len + written].copy_from_slice(&one[..written]);
                len += written;
            }
            written => len += written,
        }
    }
}

fn unreadable(error: &io::Error) -> DecompressError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => corrupt("it is cut off"),
        _ => corrupt("a chunk is damaged, or not one of Snappy"),
    }
}

fn corrupt(reason: &'static str) -> DecompressError {
    DecompressError::Corrupt { encoding: "snappy", reason }
}
