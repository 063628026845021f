//! Whole-buffer compression, with contexts that are reused, and decompression under a cap.
//!
//! A collector holds every message in full anyway, so nothing here streams: that is two to three
//! times faster for gzip. Contexts live in thread-local storage; a thread that compresses keeps one.

mod deflate;
mod lz4;
mod snappy;
mod zstandard;

use std::borrow::Cow;
use std::fmt;

use bytes::{Bytes, BytesMut};
use etalon_component::NoRoom;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use self::deflate::Format;

/// Smallest output buffer, in bytes.
const OUT_MIN: usize = 64;

/// How a message body is compressed: the value of `compression` keys and of `Content-Encoding`. Of
/// `grpc-encoding` see [`Compression::of_grpc`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all. Written `none`, or as the empty string.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// RFC 1950 as well, which is what HTTP means by `deflate`.
    Deflate,
    /// RFC 8878.
    Zstd,
    /// One block of Snappy. What is read may be framed as well.
    Snappy,
    /// Snappy's framing format.
    SnappyFramed,
    /// Frames of LZ4.
    Lz4,
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
    /// There is no memory for it.
    #[error("there is no room for the decompressed body")]
    NoRoom(#[source] NoRoom),
}

/// How large a body may become, and who is asked before it becomes larger.
pub struct Room<'a> {
    max_len: usize,
    ask: &'a mut dyn FnMut(usize) -> Result<(), NoRoom>,
}

impl fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("max_len", &self.max_len).finish_non_exhaustive()
    }
}

impl<'a> Room<'a> {
    /// Up to `max_len` bytes. `ask` is called before a buffer is made or becomes larger, with the bytes that it will
    /// have.
    pub fn new(max_len: usize, ask: &'a mut dyn FnMut(usize) -> Result<(), NoRoom>) -> Self {
        Self { max_len, ask }
    }

    fn too_large(&self) -> DecompressError {
        DecompressError::TooLarge { limit: self.max_len }
    }

    /// A first buffer, of at most so many bytes.
    fn buffer(&mut self, len: usize) -> Result<Vec<u8>, DecompressError> {
        let len = len.min(self.max_len);
        self.take(len)?;
        Ok(vec![0; len])
    }

    /// Asks for a buffer of so many bytes.
    fn take(&mut self, len: usize) -> Result<(), DecompressError> {
        (self.ask)(len).map_err(DecompressError::NoRoom)
    }

    /// Makes an output buffer twice as large, up to the limit; an error if it is that already.
    fn grow(&mut self, out: &mut Vec<u8>) -> Result<(), DecompressError> {
        if out.len() >= self.max_len {
            return Err(self.too_large());
        }
        let larger = out.len().max(OUT_MIN).saturating_mul(2).min(self.max_len);
        self.take(larger)?;
        // No more than was asked for.
        out.reserve_exact(larger - out.len());
        out.resize(larger, 0);
        Ok(())
    }
}

/// There is no such compression, or not here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported compression type \"{0}\"")]
pub struct UnknownCompression(String);

/// A compression level that its encoding does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported parameters {{Level:{level}}} for compression type \"{encoding}\"")]
pub struct LevelError {
    level: i32,
    encoding: Compression,
}

impl Compression {
    const ALL: [Self; 8] = [
        Self::None,
        Self::Gzip,
        Self::Zlib,
        Self::Deflate,
        Self::Zstd,
        Self::Snappy,
        Self::SnappyFramed,
        Self::Lz4,
    ];

    /// The name in configuration and in `Content-Encoding`; `none` for [`Compression::None`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::SnappyFramed => "x-snappy-framed",
            Self::Lz4 => "lz4",
        }
    }

    /// The compression with this name; nothing for `identity` and the empty name, which are none.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compression| compression.name() == name)
    }

    /// What gRPC means by a value of `grpc-encoding`. Its `snappy` is what HTTP calls `x-snappy-framed`.
    pub fn of_grpc(name: &[u8]) -> Option<Self> {
        match name {
            b"gzip" => Some(Self::Gzip),
            b"zstd" => Some(Self::Zstd),
            b"snappy" => Some(Self::SnappyFramed),
            _ => None,
        }
    }

    /// What the name of this compression means over gRPC; an error where gRPC does not have it.
    pub fn on_grpc(self) -> Result<Self, UnknownCompression> {
        match self {
            Self::None => Ok(Self::None),
            other => {
                Self::of_grpc(other.name().as_bytes()).ok_or(UnknownCompression(other.name().to_owned()))
            }
        }
    }

    /// The value of `grpc-encoding` for this compression: what [`of_grpc`](Self::of_grpc) reads.
    pub const fn name_on_grpc(self) -> &'static str {
        match self {
            Self::SnappyFramed => "snappy",
            other => other.name(),
        }
    }

    /// Checks a configured level: -2, -1 (both: the default) and 0 to 9 for gzip, zlib and deflate; for
    /// zstd any number, which [`compress_at_level`] brings into zstd's own range; 0 where there are no
    /// levels.
    pub fn check_level(self, level: i32) -> Result<(), LevelError> {
        let valid = match self {
            Self::Gzip | Self::Zlib | Self::Deflate => (-2..=9).contains(&level),
            Self::Zstd => true,
            Self::None | Self::Snappy | Self::SnappyFramed | Self::Lz4 => level == 0,
        };
        if valid { Ok(()) } else { Err(LevelError { level, encoding: self }) }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JsonSchema for Compression {
    fn schema_name() -> Cow<'static, str> {
        "Compression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        etalon_conf::one_of(Self::ALL.map(Self::name).into_iter().chain([""]))
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
                f.write_str("`gzip`, `zlib`, `deflate`, `zstd`, `snappy`, `x-snappy-framed`, `lz4` or `none`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Compression, E> {
                match name {
                    "" => Ok(Compression::None),
                    name => Compression::of_name(name).ok_or(E::custom(UnknownCompression(name.to_owned()))),
                }
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// Compresses the concatenation of `chunks` at the encoding's default level. With
/// [`Compression::None`] the result is that concatenation; it is copied only if there are several.
pub fn compress(encoding: Compression, chunks: &[Bytes]) -> Bytes {
    let data = contiguous(chunks);
    match encoding {
        Compression::None => data,
        Compression::Gzip => deflate::compress(Format::Gzip, deflate::DEFAULT_LEVEL, &data),
        Compression::Zlib | Compression::Deflate => {
            deflate::compress(Format::Zlib, deflate::DEFAULT_LEVEL, &data)
        }
        Compression::Zstd => zstandard::compress(zstandard::DEFAULT_LEVEL, &data),
        Compression::Snappy => snappy::compress_block(&data),
        Compression::SnappyFramed => snappy::compress_framed(&data),
        Compression::Lz4 => lz4::compress(&data),
    }
}

/// As [`compress`], at a level that [`Compression::check_level`] has found valid. One that is out
/// of range is brought into it.
pub fn compress_at_level(encoding: Compression, level: i32, chunks: &[Bytes]) -> Bytes {
    match encoding {
        Compression::Gzip if level >= 0 => deflate::compress(Format::Gzip, level, &contiguous(chunks)),
        Compression::Zlib | Compression::Deflate if level >= 0 => {
            deflate::compress(Format::Zlib, level, &contiguous(chunks))
        }
        Compression::Zstd => zstandard::compress(level, &contiguous(chunks)),
        _ => compress(encoding, chunks),
    }
}

/// Decompresses a whole body into a buffer of its own, of at most `max_len` bytes.
///
/// The cap holds while decompressing: a body that expands without end costs `max_len` bytes and
/// the time to write them, no more. Several gzip members, zstd or LZ4 frames, or framed Snappy streams
/// in a row are one body; anything else behind the last one is an error.
pub fn decompress(
    encoding: Compression,
    compressed: &[u8],
    max_len: usize,
) -> Result<BytesMut, DecompressError> {
    Ok(decompress_whole(encoding, compressed, &mut Room::new(max_len, &mut |_| Ok(())))?.message)
}

/// What a body held.
#[derive(Debug)]
pub struct Decompressed {
    /// In a buffer of its own.
    pub message: BytesMut,
    /// Whether any decoder takes the body: one gzip member, or one zstd frame with a window of at most
    /// 8 MiB. Such a body can be sent on as it is.
    pub portable: bool,
}

/// As [`decompress`], and says whether the body may be sent on as it is.
pub fn decompress_whole(
    encoding: Compression,
    compressed: &[u8],
    room: &mut Room<'_>,
) -> Result<Decompressed, DecompressError> {
    match encoding {
        Compression::None if compressed.len() > room.max_len => Err(room.too_large()),
        Compression::None => {
            room.take(compressed.len())?;
            Ok(Decompressed { message: BytesMut::from(compressed), portable: true })
        }
        Compression::Gzip => deflate::decompress_gzip(compressed, room),
        Compression::Zstd => {
            let message = zstandard::decompress(compressed, room)?;
            Ok(Decompressed { message, portable: zstandard::is_portable(compressed) })
        }
        Compression::Zlib | Compression::Deflate => other(deflate::decompress_zlib(compressed, room)),
        Compression::Snappy => other(snappy::decompress(compressed, room)),
        Compression::SnappyFramed => other(snappy::decompress_framed(compressed, room)),
        Compression::Lz4 => other(lz4::decompress(compressed, room)),
    }
}

/// What is in an encoding that is not sent on as it is.
fn other(message: Result<BytesMut, DecompressError>) -> Result<Decompressed, DecompressError> {
    message.map(|message| Decompressed { message, portable: false })
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
