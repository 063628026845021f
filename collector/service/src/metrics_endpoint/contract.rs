//! What the metrics mean, beside them.

use std::sync::LazyLock;

use bytes::Bytes;
use etalon_telemetry::{CONTRACT_JSON, definitions::CONTRACT_VERSION, prefers_gzip};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::{all, gzip};

/// Tells the contract of one program from that of another, even where both have the same version.
static TAG: LazyLock<String> =
    LazyLock::new(|| format!("{CONTRACT_VERSION}-{:08x}", libdeflater::crc32(CONTRACT_JSON.as_bytes())));

/// The same for as long as the process lives. Made when it is asked for, for the first time.
static COMPRESSED: LazyLock<Option<Bytes>> =
    LazyLock::new(|| gzip(CONTRACT_JSON.as_bytes()).map(Bytes::from));

/// The contract as JSON, or that the client has it already.
pub(super) fn answer(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let is_known = has(&all(headers, &header::IF_NONE_MATCH), &TAG);
    let compressed = COMPRESSED.as_ref().filter(|_| prefers_gzip(&all(headers, &header::ACCEPT_ENCODING)));
    let body = match compressed {
        _ if is_known => Bytes::new(),
        Some(compressed) => compressed.clone(),
        None => Bytes::from_static(CONTRACT_JSON.as_bytes()),
    };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    // Weak, because the bytes are others when they are compressed.
    if let Ok(tag) = HeaderValue::try_from(format!("W/\"{}\"", *TAG)) {
        headers.insert(header::ETAG, tag);
    }
    // It may be kept, but an update of the collector replaces it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if compressed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether the value of `If-None-Match` has this tag. Our tags have no comma.
fn has(value: &str, tag: &str) -> bool {
    value
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).trim_matches('"') == tag)
}
