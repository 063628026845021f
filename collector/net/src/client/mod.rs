//! Clients of unary calls, over gRPC and over OTLP/HTTP.
//!
//! [`GrpcClient`] keeps connections to a destination and sends messages as lists of `Bytes`, without
//! copying them; [`HttpClient`] does the same with POST requests. Both answer with the bytes of a
//! response or with the [`Outcome`] that the failure means: a broken connection is never taken for a
//! verdict of the server.
//!
//! Nothing here knows what a message holds.

mod auth;
mod backoff;
mod connection;
mod cookies;
mod dial;
mod endpoint;
mod facts;
mod fetch;
mod grpc;
mod grpc_answer;
mod grpc_channel;
mod grpc_config;
mod http;
mod http_body;
mod http_config;
mod http_connection;
mod http_pool;
mod http_url;
mod message;
mod metadata;
mod observations;
mod proxy;
mod retry_after;
mod target;
mod tunnel;

pub use auth::ClientStartError;
pub use endpoint::{EndpointError, GrpcEndpoint, Scheme};
pub use fetch::{FETCH_TIMEOUT, FetchError, fetch};
pub use grpc::{GrpcClient, GrpcMethod, GrpcSettings, MetadataError};
pub use grpc_channel::Balancer;
pub use grpc_config::{ClientError, GrpcClientConfig, KeepAliveConfig};
pub use http::{BodyError, HttpAnswer, HttpClient, HttpClientError};
pub use http_config::{CompressionParams, CookiesConfig, HttpClientConfig};
pub use http_url::{UrlError, check_url};
pub use message::Message;
pub use observations::{ClientObservations, ClientOf, Destination};
pub use proxy::ProxyError;

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use etalon_component::{Context, Outcome};
use etalon_conf::with_causes;

/// Connections to a destination that resolves to one address, on a machine with as many CPUs; with fewer, one for each.
/// The first is opened at the start, each further one when those open have [`CALLS_PER_CONNECTION`] calls each.
pub const CONNECTIONS: usize = 4;
/// Calls in flight on one connection above which another one is opened.
pub const CALLS_PER_CONNECTION: usize = 4;
/// Addresses of one name that are used. A name with more is used in part.
pub const ADDRESSES_MAX: usize = 64;
/// Calls of one client in flight, waiting for a connection or for an answer. Further ones wait.
pub const CALLS_MAX: usize = 1024;
/// A response may have this size, in bytes, compressed and decompressed; the limit of gRPC.
pub const GRPC_RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// An HTTP response may have this size, in bytes, compressed and decompressed.
pub const HTTP_RESPONSE_BYTES_MAX: usize = 64 * 1024;
/// Requests that one HTTP call makes at most, redirects included.
pub const REDIRECTS_MAX: usize = 10;
/// Header fields, or trailers, of a response may have this size, in bytes.
pub const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// A connection, name resolution and TLS handshake included, must be made within this time.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The outcome of a call to a client that is not started, or closed.
fn not_running() -> Outcome {
    Outcome::refused("the client is not running")
}

/// Adds the header fields that tell the destination of a span.
fn tell_span(context: &Context, headers: &mut HeaderMap) {
    for (name, value) in &context.told {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
