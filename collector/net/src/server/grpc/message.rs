//! Reads the one message of a unary call: "Length-Prefixed-Message".

use bytes::{Buf as _, Bytes, BytesMut};
use etalon_component::{Code, Reserved, random_unit};
use etalon_telemetry::attributes::RefusalReason;
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt as _;

use super::super::body::Received;
use super::super::buffer::Buffer;
use crate::compression::{Compression, DecompressError};
use crate::status::Status;

/// A compressed flag and a length of four bytes.
const PREFIX_LEN: usize = 5;
/// The header field that names how messages are compressed.
const GRPC_ENCODING: &str = "grpc-encoding";

/// Reads the message of a request, decompressed. `max_len` bounds it before and after that, and `memory` is reserved
/// before each.
pub(super) async fn receive<B>(
    headers: &HeaderMap,
    body: B,
    max_len: usize,
    memory: &mut Reserved,
) -> Result<Received, Status>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error,
{
    let (flag, message) = read(body, max_len, memory).await?;
    match flag {
        0 => Ok(Received::plain(message)),
        1 => Received::compressed(encoding(headers)?, message, max_len, memory)
            .map_err(|error| decompress_status(&error)),
        flag => Err(malformed(format!("the compressed flag of the message is {flag}, expected 0 or 1"))),
    }
}

/// Copies the frames of a body into one buffer, which holds the message without its prefix.
async fn read<B>(mut body: B, max_len: usize, memory: &mut Reserved) -> Result<(u8, BytesMut), Status>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error,
{
    let mut prefix = Prefix::default();
    let mut message = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| interrupted(&error))?;
        let Ok(mut data) = frame.into_data() else { continue };
        if message.is_none() {
            let Some(len) = prefix.take(&mut data) else { continue };
            let len = checked_length(len, max_len)?;
            memory.resize(len).map_err(|why| Status::no_room(why, random_unit()))?;
            message = Some((len, Buffer::of_announced(len)));
        }
        if let Some((_, buffer)) = &mut message {
            buffer.append(&data).map_err(|_| malformed("more than one message in a unary call"))?;
        }
    }
    match message {
        Some((len, buffer)) if buffer.len() == len => Ok((prefix.bytes[0], buffer.finish())),
        Some((len, buffer)) => {
            Err(malformed(format!("the message is cut off: {} of {len} bytes arrived", buffer.len())))
        }
        None if prefix.filled == 0 => Err(malformed("the call has no message")),
        None => Err(malformed("the message is cut off within its prefix")),
    }
}

/// The prefix of a message, as far as it has arrived.
#[derive(Debug, Default)]
struct Prefix {
    bytes: [u8; PREFIX_LEN],
    filled: usize,
}

impl Prefix {
    /// Takes what is missing from the front of `data`. Returns the length of the message once it is known.
    fn take(&mut self, data: &mut Bytes) -> Option<u32> {
        let missing = (PREFIX_LEN - self.filled).min(data.len());
        self.bytes[self.filled..self.filled + missing].copy_from_slice(&data[..missing]);
        self.filled += missing;
        data.advance(missing);
        let [_, length @ ..] = self.bytes;
        (self.filled == PREFIX_LEN).then(|| u32::from_be_bytes(length))
    }
}

fn checked_length(length: u32, max_len: usize) -> Result<usize, Status> {
    let length = length as usize;
    if length > max_len {
        let message = format!("grpc: received message larger than max ({length} vs. {max_len})");
        return Err(Status::new(Code::ResourceExhausted, message).with_http(413));
    }
    Ok(length)
}

/// How a message with its compressed flag set is compressed.
fn encoding(headers: &HeaderMap) -> Result<Compression, Status> {
    match headers.get(GRPC_ENCODING).map(http::HeaderValue::as_bytes) {
        // The one case in which the protocol's own specification asks for this code.
        None | Some(b"identity") => Err(Status::new(
            Code::Internal,
            "the message is flagged as compressed, but grpc-encoding names none",
        )
        .because(RefusalReason::Malformed)),
        Some(name) => Compression::of_grpc(name).ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            let message = format!("grpc: Decompressor is not installed for grpc-encoding {name:?}");
            Status::new(Code::Unimplemented, message)
        }),
    }
}

fn decompress_status(error: &DecompressError) -> Status {
    match error {
        DecompressError::TooLarge { limit } => {
            let message = format!("grpc: received message after decompression larger than max {limit}");
            Status::new(Code::ResourceExhausted, message).with_http(413)
        }
        DecompressError::Corrupt { .. } => {
            Status::bad_request(error.to_string(), GRPC_ENCODING, error.to_string())
        }
        DecompressError::NoRoom(why) => Status::no_room(*why, random_unit()),
    }
}

fn malformed(message: impl Into<String>) -> Status {
    let message = message.into();
    Status::bad_request(message.clone(), "", message)
}

/// The stream was reset or the connection broke: most likely nobody reads the answer.
fn interrupted(error: &dyn std::error::Error) -> Status {
    Status::new(Code::Unavailable, format!("the request was interrupted: {error}"))
        .because(RefusalReason::Abandoned)
}
