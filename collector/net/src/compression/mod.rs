//! Whole-buffer compression, with contexts that are reused, and decompression under a cap.
//!
//! A collector holds every message in full anyway, so nothing here streams: that is two to three
//! times faster for gzip. Contexts live in thread-local storage; a thread that compresses keeps one.

mod gzip;
mod zstandard;

use std::fmt;

use bytes::{Bytes, BytesMut};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// How a message body is compressed: the value of `compression` keys, of `grpc-encoding` and of
/// `Content-Encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all. Written `none`, or as the empty string.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Why a body could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// It would be larger than the receiver accepts.
    #[error("the decompressed size is over the limit of {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It is not what its encoding says, or it was cut off or damaged.
    #[error("the body is not valid {encoding}: {reason}")]
    Corrupt {
        /// Name of the encoding.
        encoding: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A compression level that its encoding does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported parameters {{Level:{level}}} for compression type \"{encoding}\"")]
pub struct LevelError {
    level: i32,
    encoding: Compression,
}

impl Compression {
    /// The name on the wire and in configuration; `none` for [`Compression::None`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Checks a configured level: for gzip -2, -1 (both: the default) and 0 to 9; for zstd any
    /// number, which [`compress_at_level`] brings into zstd's own range; 0 when there is nothing to
    /// compress.
    pub fn check_level(self, level: i32) -> Result<(), LevelError> {
        let valid = match self {
            Self::None => level == 0,
            Self::Gzip => (-2..=9).contains(&level),
            Self::Zstd => true,
        };
        if valid { Ok(()) } else { Err(LevelError { level, encoding: self }) }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Compression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Compression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Compression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`gzip`, `zstd` or `none`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Compression, E> {
                match name {
                    "" | "none" => Ok(Compression::None),
                    "gzip" => Ok(Compression::Gzip),
                    "zstd" => Ok(Compression::Zstd),
                    "zlib" | "deflate" | "snappy" | "x-snappy-framed" | "lz4" => {
                        Err(E::custom(format_args!(
                            "compression type \"{name}\" is not supported yet by this version; use gzip, zstd or none"
                        )))
                    }
                    _ => Err(E::custom(format_args!("unsupported compression type \"{name}\""))),
                }
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// Compresses the concatenation of `chunks` at the encoding's default level. With
/// [`Compression::None`] the result is that concatenation; it is copied only if there are several.
pub fn compress(encoding: Compression, chunks: &[Bytes]) -> Bytes {
    match encoding {
        Compression::None => contiguous(chunks),
        Compression::Gzip => gzip::compress(gzip::DEFAULT_LEVEL, &contiguous(chunks)),
        Compression::Zstd => zstandard::compress(zstandard::DEFAULT_LEVEL, &contiguous(chunks)),
    }
}

/// As [`compress`], at a level that [`Compression::check_level`] has found valid. One that is out
/// of range is brought into it.
pub fn compress_at_level(encoding: Compression, level: i32, chunks: &[Bytes]) -> Bytes {
    match encoding {
        Compression::None => contiguous(chunks),
        Compression::Gzip if level < 0 => compress(encoding, chunks),
        Compression::Gzip => gzip::compress(level, &contiguous(chunks)),
        Compression::Zstd => zstandard::compress(level, &contiguous(chunks)),
    }
}

/// Decompresses a whole body into a buffer of its own, of at most `max_len` bytes.
///
/// The cap holds while decompressing: a body that expands without end costs `max_len` bytes and
/// the time to write them, no more. Several gzip members, or zstd frames, in a row are one body, as
/// their RFCs say; anything else behind the last one is an error.
pub fn decompress(
    encoding: Compression,
    compressed: &[u8],
    max_len: usize,
) -> Result<BytesMut, DecompressError> {
    match encoding {
        Compression::None if compressed.len() > max_len => Err(DecompressError::TooLarge { limit: max_len }),
        Compression::None => Ok(BytesMut::from(compressed)),
        Compression::Gzip => gzip::decompress(compressed, max_len),
        Compression::Zstd => zstandard::decompress(compressed, max_len),
    }
}

/// As [`decompress`], for the zlib format (RFC 1950), which HTTP calls `deflate`.
pub fn decompress_zlib(compressed: &[u8], max_len: usize) -> Result<BytesMut, DecompressError> {
    gzip::decompress_zlib(compressed, max_len)
}

fn contiguous(chunks: &[Bytes]) -> Bytes {
    match chunks {
        [] => Bytes::new(),
        [one] => one.clone(),
        many => many.concat().into(),
    }
}

/// Gives a decompressed buffer away: without the part that was not needed, when that is large.
fn finished(mut out: Vec<u8>, len: usize) -> BytesMut {
    /// A buffer is copied into one of the right size when it is more than this many times too large.
    const SLACK: usize = 4;
    out.truncate(len);
    if out.capacity() / SLACK > len {
        return BytesMut::from(out.as_slice());
    }
    BytesMut::from(Bytes::from(out))
}

#[cfg(test)]
mod tests;
