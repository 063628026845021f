//! Responses: what is sent again and again is built once.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use etalon_component::Code;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};

use super::super::http_answer;
use super::is_grpc;
use crate::status::Status;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,gzip,zstd,snappy");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const RETRY_INFO: HeaderName = HeaderName::from_static("google.rpc.retryinfo-bin");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// A prefix that says: not compressed, no bytes. It is the whole body of nearly every answer.
const EMPTY_MESSAGE: &[u8] = &[0; 5];

/// Longest `grpc-message`, in bytes: with the details, which hold the message once more, the trailers
/// stay below the 16 KiB that clients commonly accept.
const GRPC_MESSAGE_MAX: usize = 4096;

const WRONG_PORT: &str = "this is the OTLP/gRPC endpoint, which expects gRPC over HTTP/2; \
    OTLP/HTTP is served at another port, by default 4318";

/// The body of a response: at most one frame of data, at most one of trailers.
#[derive(Debug, Default)]
pub(in crate::server) struct GrpcBody {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Body for GrpcBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// The answer to a call that succeeded.
pub(super) fn success(message: &Bytes) -> Response<GrpcBody> {
    let data = if message.is_empty() { Bytes::from_static(EMPTY_MESSAGE) } else { framed(message) };
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, const { HeaderValue::from_static("0") });
    let mut response = Response::new(GrpcBody { data: Some(data), trailers: Some(trailers) });
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// The answer to a call that failed: trailers only.
pub(super) fn failure(status: &Status) -> Response<GrpcBody> {
    let mut response = Response::new(GrpcBody::default());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.insert(GRPC_STATUS, HeaderValue::from(status.code.number()));
    headers.insert(GRPC_MESSAGE, percent_encoded(&status.message));
    if let Some(details) = status.grpc_details() {
        headers.insert(GRPC_DETAILS, base64(&details));
    }
    if let Some(info) = status.grpc_retry_info() {
        headers.insert(RETRY_INFO, base64(&info));
    }
    if let Some(delay) = status.retry_after {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        headers.insert(PUSHBACK, HeaderValue::from(millis));
    }
    if status.code == Code::Unimplemented {
        headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    }
    response
}

/// The answer to a request that is not gRPC; nothing when it is.
pub(super) fn not_grpc<B>(request: &Request<B>) -> Option<Response<GrpcBody>> {
    if is_grpc(request) {
        return None;
    }
    let http = match request.version() {
        Version::HTTP_2 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::BAD_REQUEST,
    };
    let status = Status::new(Code::InvalidArgument, WRONG_PORT).with_http(http.as_u16());
    let answer = http_answer::failure(request.headers(), &status);
    Some(answer.map(|data| GrpcBody { data: Some(data), trailers: None }))
}

fn framed(message: &Bytes) -> Bytes {
    let mut data = BytesMut::with_capacity(EMPTY_MESSAGE.len() + message.len());
    data.put_u8(0);
    data.put_u32(u32::try_from(message.len()).expect("answers are small"));
    data.put_slice(message);
    data.freeze()
}

/// "Percent-Encoded" of the gRPC specification: all bytes but printable ASCII, and `%`. What would be
/// longer than [`GRPC_MESSAGE_MAX`] is cut at a character.
fn percent_encoded(message: &str) -> HeaderValue {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = BytesMut::with_capacity(message.len().min(GRPC_MESSAGE_MAX));
    for character in message.chars() {
        if encoded.len() + 3 * character.len_utf8() > GRPC_MESSAGE_MAX {
            break;
        }
        for &byte in character.encode_utf8(&mut [0; 4]).as_bytes() {
            match byte {
                b' '..=b'$' | b'&'..=b'~' => encoded.put_u8(byte),
                _ => encoded.put_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
            }
        }
    }
    HeaderValue::from_maybe_shared(encoded.freeze()).expect("printable ASCII is a valid value")
}

/// Base64 with the standard alphabet and no padding, as gRPC asks of binary metadata.
fn base64(bytes: &[u8]) -> HeaderValue {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = BytesMut::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bits);
        for digit in 0..=group.len() {
            encoded.put_u8(ALPHABET[(bits >> (18 - 6 * digit)) as usize & 63]);
        }
    }
    HeaderValue::from_maybe_shared(encoded.freeze()).expect("base64 is a valid value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648_without_padding() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8");
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("100% of \"ä\"\r\n"), "100%25 of \"%C3%A4\"%0D%0A");
    }
}
