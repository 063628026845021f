//! gzip (RFC 1952) and zlib (RFC 1950) by libdeflate.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};
use memchr::memmem;

use super::{DecompressError, Decompressed, OUT_MIN, Room, finished};

/// libdeflate's level 1 compresses telemetry about as well as zlib's level 2, in two thirds of the time; its
/// level 6 gains 4 % and takes two to three times as long (`examples/compression_speed.rs`).
pub(super) const DEFAULT_LEVEL: i32 = 1;

/// RFC 1952 section 2.3: a header of at least 10 bytes, a deflate stream of at least 2, a trailer of 8.
const HEADER_LEN: usize = 10;
const TRAILER_LEN: usize = 8;
const MEMBER_LEN_MIN: usize = HEADER_LEN + 2 + TRAILER_LEN;
/// ID1 and ID2.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Deflate cannot expand by more than this factor, whatever a length field claims.
const EXPANSION_MAX: usize = 1032;
/// The scratch buffer that a thread keeps, in bytes; a larger one is given back after use.
const SCRATCH_MAX: usize = 4 * 1024 * 1024;

/// What is around the compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
}

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    static COMPRESSOR: RefCell<Reused> = RefCell::new(Reused::new(DEFAULT_LEVEL));
}

/// A compressor and its output buffer, which is larger than what it will hold.
struct Reused {
    level: i32,
    compressor: Compressor,
    scratch: Vec<u8>,
}

impl Reused {
    fn new(level: i32) -> Self {
        let lvl = CompressionLvl::new(level).unwrap_or_default();
        Self { level, compressor: Compressor::new(lvl), scratch: Vec::new() }
    }

    fn compress(&mut self, format: Format, data: &[u8]) -> Bytes {
        let bound = match format {
            Format::Gzip => self.compressor.gzip_compress_bound(data.len()),
            Format::Zlib => self.compressor.zlib_compress_bound(data.len()),
        };
        if self.scratch.len() < bound {
            self.scratch.resize(bound, 0);
        }
        let written = match format {
            Format::Gzip => self.compressor.gzip_compress(data, &mut self.scratch),
            Format::Zlib => self.compressor.zlib_compress(data, &mut self.scratch),
        };
        let len = written.expect("the buffer is as large as libdeflate says it must be");
        let compressed = Bytes::copy_from_slice(&self.scratch[..len]);
        if self.scratch.len() > SCRATCH_MAX {
            self.scratch = Vec::new();
        }
        compressed
    }
}

/// One member of gzip, or one stream of zlib. Levels are 0 (stored) to 9.
pub(super) fn compress(format: Format, level: i32, data: &[u8]) -> Bytes {
    let level = level.clamp(0, 9);
    COMPRESSOR.with_borrow_mut(|reused| {
        if reused.level != level {
            *reused = Reused::new(level);
        }
        reused.compress(format, data)
    })
}

pub(super) fn decompress_gzip(
    compressed: &[u8],
    room: &mut Room<'_>,
) -> Result<Decompressed, DecompressError> {
    let hint = compressed.last_chunk::<4>().map_or(0, |isize| u32::from_le_bytes(*isize) as usize);
    let mut out = room.buffer(first_size(hint, compressed.len()))?;
    let mut len = 0;
    let mut rest = compressed;
    loop {
        if rest.len() < MEMBER_LEN_MIN || !rest.starts_with(&MAGIC) {
            return Err(corrupt(Format::Gzip, "a member is cut off, or data follows the last one"));
        }
        let written = fill(Format::Gzip, rest, &mut out, len, room)?;
        let end = after_member(rest, &out[len..len + written]);
        let (after, certain) = end.ok_or(corrupt(Format::Gzip, "data follows the last member"))?;
        let portable = certain && rest.len() == compressed.len();
        len += written;
        rest = after;
        if rest.is_empty() {
            return Ok(Decompressed { message: finished(out, len), portable });
        }
    }
}

pub(super) fn decompress_zlib(compressed: &[u8], room: &mut Room<'_>) -> Result<BytesMut, DecompressError> {
    let mut out = room.buffer(first_size(compressed.len().saturating_mul(8), compressed.len()))?;
    let len = fill(Format::Zlib, compressed, &mut out, 0, room)?;
    let checksum = libdeflater::adler32(&out[..len]).to_be_bytes();
    if !compressed.ends_with(&checksum) {
        return Err(corrupt(Format::Zlib, "data follows the compressed stream"));
    }
    Ok(finished(out, len))
}

/// Decompresses into `out[len..]`, which becomes larger until it fits.
fn fill(
    format: Format,
    compressed: &[u8],
    out: &mut Vec<u8>,
    len: usize,
    room: &mut Room<'_>,
) -> Result<usize, DecompressError> {
    loop {
        let written = DECOMPRESSOR.with_borrow_mut(|decompressor| match format {
            Format::Gzip => decompressor.gzip_decompress(compressed, &mut out[len..]),
            Format::Zlib => decompressor.zlib_decompress(compressed, &mut out[len..]),
        });
        match written {
            Ok(written) => return Ok(written),
            Err(DecompressionError::BadData) => return Err(corrupt(format, "it is cut off or damaged")),
            Err(DecompressionError::InsufficientSpace) => room.grow(out)?,
        }
    }
}

/// What follows the member at the start of `rest`, which decompresses to `out`; nothing when that is
/// neither the end nor another member. Also whether there is no doubt about where the member ends.
///
/// libdeflate does not tell where a member ends. It ends with its trailer, which follows from `out`,
/// and then comes the end or the next member.
fn after_member<'a>(rest: &'a [u8], out: &[u8]) -> Option<(&'a [u8], bool)> {
    let mut trailer = [0; TRAILER_LEN];
    trailer[..4].copy_from_slice(&libdeflater::crc32(out).to_le_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "ISIZE is the length modulo 2^32")]
    trailer[4..].copy_from_slice(&(out.len() as u32).to_le_bytes());
    memmem::find_iter(&rest[HEADER_LEN..], &trailer)
        .enumerate()
        .map(|(earlier, at)| (&rest[HEADER_LEN + at + TRAILER_LEN..], earlier == 0))
        .find(|(after, _)| after.is_empty() || after.starts_with(&MAGIC))
}

/// A first size of the output from what the sender claims, which is not to be trusted.
fn first_size(claimed: usize, compressed_len: usize) -> usize {
    claimed.min(compressed_len.saturating_mul(EXPANSION_MAX)).max(OUT_MIN)
}

fn corrupt(format: Format, reason: &'static str) -> DecompressError {
    let encoding = match format {
        Format::Gzip => "gzip",
        Format::Zlib => "zlib",
    };
    DecompressError::Corrupt { encoding, reason }
}
