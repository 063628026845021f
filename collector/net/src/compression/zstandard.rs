//! zstd (RFC 8878) by libzstd.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{DecompressError, Room, finished};

/// libzstd's fastest level of the ordinary range.
pub(super) const DEFAULT_LEVEL: i32 = 1;
/// Levels beyond take memory and time that no telemetry is worth.
const LEVEL_MIN: i32 = -7;
const LEVEL_MAX: i32 = 19;

/// Largest window of a frame that does not say its size, as a power of two: 8 MiB, which RFC 8878
/// section 3.1.1.1.2 tells decoders to support.
const WINDOW_LOG_MAX: u32 = 23;
/// RFC 8878 section 3.1.1. Other magic numbers begin frames that hold nothing of the content.
const FRAME_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// First output buffer of a frame that does not say its size, in bytes.
const OUT_FIRST: usize = 256 * 1024;
/// The scratch buffer that a thread keeps, in bytes; a larger one is given back after use.
const SCRATCH_MAX: usize = 4 * 1024 * 1024;

thread_local! {
    static COMPRESSOR: RefCell<(CCtx<'static>, Vec<u8>)> = RefCell::new((CCtx::create(), Vec::new()));
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// One frame, which says its size.
pub(super) fn compress(level: i32, data: &[u8]) -> Bytes {
    COMPRESSOR.with_borrow_mut(|(context, scratch)| {
        scratch.clear();
        scratch.reserve(zstd_safe::compress_bound(data.len()));
        context
            .set_parameter(CParameter::CompressionLevel(level.clamp(LEVEL_MIN, LEVEL_MAX)))
            .expect("libzstd brings a level into its range");
        context.compress2(scratch, data).expect("the buffer is as large as libzstd says it must be");
        let compressed = Bytes::copy_from_slice(scratch);
        if scratch.capacity() > SCRATCH_MAX {
            *scratch = Vec::new();
        }
        compressed
    })
}

pub(super) fn decompress(compressed: &[u8], room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    match stated_len(compressed)? {
        Some(len) if len > room.max_len as u64 => Err(room.too_large()),
        Some(len) => decompress_known(compressed, usize::try_from(len).unwrap_or(room.max_len), room),
        None => decompress_unknown(compressed, room),
    }
}

/// The sum of the sizes that the frames state, or nothing when one does not.
fn stated_len(mut compressed: &[u8]) -> Result<Option<u64>, DecompressError> {
    let mut total = 0u64;
    while !compressed.is_empty() {
        let frame = zstd_safe::find_frame_compressed_size(compressed).map_err(corrupt_by)?;
        match zstd_safe::get_frame_content_size(compressed) {
            Ok(Some(len)) => total = total.saturating_add(len),
            Ok(None) => return Ok(None),
            Err(_) => return Err(corrupt("a frame header is damaged")),
        }
        compressed = &compressed[frame..];
    }
    Ok(Some(total))
}

/// Whether the body is one frame that every decoder takes: it needs a window of at most 8 MiB.
pub(super) fn is_portable(compressed: &[u8]) -> bool {
    /// RFC 8878 section 3.1.1.1.1: the bit that says that the window is the content.
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let one_frame = zstd_safe::find_frame_compressed_size(compressed) == Ok(compressed.len());
    let Some(&[magic @ .., descriptor, window]) = compressed.first_chunk::<6>() else { return false };
    let window = match zstd_safe::get_frame_content_size(compressed) {
        Ok(Some(len)) if descriptor & SINGLE_SEGMENT != 0 => len,
        // Section 3.1.1.1.2.
        _ => (1 << (10 + (window >> 3))) / 8 * (8 + u64::from(window & 7)),
    };
    one_frame && magic == FRAME_MAGIC && window <= 1 << WINDOW_LOG_MAX
}

fn decompress_known(compressed: &[u8], len: usize, room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    room.take(len)?;
    let mut out = Vec::with_capacity(len);
    let written = DECOMPRESSOR
        .with_borrow_mut(|context| context.decompress(&mut out, compressed))
        .map_err(corrupt_by)?;
    Ok(finished(out, written))
}

fn decompress_unknown(compressed: &[u8], room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    DECOMPRESSOR.with_borrow_mut(|context| {
        context.reset(ResetDirective::SessionOnly).map_err(corrupt_by)?;
        context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(corrupt_by)?;
        let mut input = InBuffer::around(compressed);
        let first = OUT_FIRST.min(room.max_len);
        room.take(first)?;
        let mut out = Vec::with_capacity(first);
        let mut len = 0;
        loop {
            let mut output = OutBuffer::around_pos(&mut out, len);
            let missing = context.decompress_stream(&mut output, &mut input).map_err(corrupt_by)?;
            let full = output.pos() == output.capacity();
            len = output.pos();
            let at_end = input.pos() == compressed.len();
            if at_end && missing == 0 {
                return Ok(finished(out, len));
            }
            if full && len >= room.max_len {
                return Err(room.too_large());
            }
            if full {
                let more = len.max(OUT_FIRST).min(room.max_len - len);
                room.take(len + more)?;
                out.reserve_exact(more);
            } else if at_end {
                return Err(corrupt("it is cut off"));
            }
        }
    })
}

fn corrupt_by(code: zstd_safe::ErrorCode) -> DecompressError {
    corrupt(zstd_safe::get_error_name(code))
}

fn corrupt(reason: &'static str) -> DecompressError {
    DecompressError::Corrupt { encoding: "zstd", reason }
}
