//! What a gRPC server answered, as the bytes of a response or as an outcome.

use bytes::{Bytes, BytesMut};
use etalon_component::{Code, Failure, Origin, Outcome};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};

use super::metadata::{base64_decoded, percent_decoded};
use super::target::Address;
use super::{GRPC_RESPONSE_BYTES_MAX, with_causes};
use crate::compression::{Compression, decompress};
use crate::status::GrpcFailure;

/// A call ended without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection to {peer} lost")]
pub(super) struct Disconnected {
    peer: Address,
    source: h2::Error,
}

pub(super) fn disconnected(peer: &Address, source: h2::Error) -> Disconnected {
    Disconnected { peer: peer.clone(), source }
}

/// Reads the answer to a call.
pub(super) async fn read_answer(response: ResponseFuture, peer: &Address) -> Result<Bytes, Outcome> {
    let lost = |error| without_answer(peer, error);
    let (head, mut stream) = response.await.map_err(lost)?.into_parts();
    // A response that is nothing but a head has the status there.
    if head.headers.contains_key("grpc-status") && stream.is_end_stream() {
        return verdict(&head.headers, peer).and(Ok(Bytes::new()));
    }
    if !is_grpc(head.status, &head.headers) {
        return Err(of_http(head.status, &head.headers, peer));
    }
    let body = read_body(&mut stream).await.map_err(|error| error.into_outcome(peer))?;
    let trailers = stream.trailers().await.map_err(lost)?;
    match trailers.as_ref().or_else(|| head.headers.contains_key("grpc-status").then_some(&head.headers)) {
        Some(trailers) => verdict(trailers, peer)?,
        None => return Err(Outcome::unknown(format!("{peer} ended the call without a status"))),
    }
    message(&head.headers, body, peer)
}

/// The transport failed. Only a stream that the peer says it has not looked at is known not to have
/// arrived.
fn without_answer(peer: &Address, error: h2::Error) -> Outcome {
    let refused = error.is_reset() && error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM);
    // The peer's own protocol error, which it would repeat: a head or trailers over the limit.
    let text = with_causes(&disconnected(peer, error));
    if refused { Outcome::refused(text) } else { Outcome::unknown(text) }
}

enum BodyError {
    Lost(h2::Error),
    TooLarge,
}

impl BodyError {
    fn into_outcome(self, peer: &Address) -> Outcome {
        match self {
            Self::Lost(error) => without_answer(peer, error),
            // Not the code that says that the request is too large.
            Self::TooLarge => Outcome::permanent(
                Code::Internal,
                format!("the response of {peer} is larger than {GRPC_RESPONSE_BYTES_MAX} bytes"),
            ),
        }
    }
}

async fn read_body(stream: &mut RecvStream) -> Result<Bytes, BodyError> {
    const PREFIX: usize = 5;
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.map_err(BodyError::Lost)?;
        if body.len() + chunk.len() > PREFIX + GRPC_RESPONSE_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        stream.flow_control().release_capacity(chunk.len()).map_err(BodyError::Lost)?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn is_grpc(status: StatusCode, headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let is_type = content_type
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')));
    status == StatusCode::OK && is_type
}

/// An answer that is not gRPC: <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>.
fn of_http(status: StatusCode, headers: &HeaderMap, peer: &Address) -> Outcome {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let content_type =
        headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let failure = Failure::new(
        code,
        format!(
            "{peer} is not a gRPC server for this method: HTTP status {}, content type {:?}",
            status.as_u16(),
            content_type.unwrap_or_default()
        ),
    )
    .from_origin(Origin::Destination);
    match status.as_u16() {
        429 | 503 => Outcome::Refused(failure),
        // A gateway gave up on a server that may have taken the data.
        502 | 504 => Outcome::Unknown(failure),
        _ => Outcome::Permanent(failure),
    }
}

/// The verdict that `trailers` hold.
fn verdict(trailers: &HeaderMap, peer: &Address) -> Result<(), Outcome> {
    let text = |name| trailers.get(name).map(http::HeaderValue::as_bytes);
    let binary = |name| base64_decoded(text(name)?);
    // A status that is not a number is one that nobody has defined.
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
    let code = text("grpc-status").and_then(number).unwrap_or(2);
    if code == 0 {
        return Ok(());
    }
    let message = percent_decoded(text("grpc-message").unwrap_or_default());
    let (details, retry_info) = (binary("grpc-status-details-bin"), binary("google.rpc.retryinfo-bin"));
    let failure = GrpcFailure {
        code,
        message: &format!("{peer} answered: {message}"),
        details: details.as_deref(),
        retry_info: retry_info.as_deref(),
        pushback_ms: trailers.get("grpc-retry-pushback-ms").and_then(|value| value.to_str().ok()),
    };
    Err(failure.to_outcome())
}

/// The one message of a response whose status is OK. Without any it is empty.
fn message(headers: &HeaderMap, body: Bytes, peer: &Address) -> Result<Bytes, Outcome> {
    let unreadable = |why: String| {
        Outcome::permanent(
            Code::Internal,
            format!("{peer} answered OK with a response that cannot be read: {why}"),
        )
    };
    let Some((prefix, rest)) = body.split_first_chunk::<5>() else {
        return if body.is_empty() { Ok(body) } else { Err(unreadable("it is cut off".to_owned())) };
    };
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    if rest.len() != length {
        return Err(unreadable(format!("its length is {}, and it says {length}", rest.len())));
    }
    let message = body.slice(5..);
    if prefix[0] == 0 {
        return Ok(message);
    }
    let name = headers.get("grpc-encoding").map(http::HeaderValue::as_bytes).unwrap_or_default();
    let encoding = Compression::of_grpc(name)
        .ok_or_else(|| unreadable(format!("its encoding is {:?}", String::from_utf8_lossy(name))))?;
    let decompressed = decompress(encoding, &message, GRPC_RESPONSE_BYTES_MAX);
    decompressed.map(BytesMut::freeze).map_err(|error| unreadable(error.to_string()))
}
