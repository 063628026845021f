//! Answers of OTLP/HTTP: the body of a failure is a `google.rpc.Status` in the request's format.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::Format;
use super::guard::TurnedAway;
use crate::status::Status;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The format that the `Content-Type` of a request names: the media type in any case, parameters aside.
pub(super) fn format(headers: &HeaderMap) -> Option<Format> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Format::Protobuf)
    } else if media_type.eq_ignore_ascii_case("application/json") {
        Some(Format::Json)
    } else {
        None
    }
}

/// The answer to a request that succeeded.
pub(super) fn success(format: Format, message: Bytes) -> Response<Bytes> {
    let mut response = Response::new(message);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type(format));
    response
}

/// The answer to a request that failed. One that names no format of OTLP is answered in JSON, which a
/// person can read.
pub(super) fn failure(request: &HeaderMap, status: &Status) -> Response<Bytes> {
    let format = format(request).unwrap_or(Format::Json);
    let body = match format {
        Format::Protobuf => status.to_protobuf(),
        Format::Json => status.to_json(),
    };
    let mut response = success(format, body.into());
    *response.status_mut() = StatusCode::from_u16(status.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = status.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer to a request that was not let in.
pub(super) fn turned_away(request: &HeaderMap, turned_away: &TurnedAway) -> Response<Bytes> {
    let mut response = failure(request, &turned_away.status);
    if let Some(challenge) = &turned_away.challenge {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.clone());
    }
    response
}

fn content_type(format: Format) -> HeaderValue {
    match format {
        Format::Protobuf => PROTOBUF,
        Format::Json => JSON,
    }
}
