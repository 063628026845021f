//! Servers of unary calls, over gRPC and over OTLP/HTTP, and of pages.
//!
//! A [`Route`] says which [`Unary`] answers at which path; [`GrpcServerConfig`] and
//! [`HttpServerConfig`] listen and hand over each request as a [`Call`]: one whole message, of bounded
//! size, decompressed. A [`Server`] is what runs then; it is taken out of service by
//! [`Server::shutdown`].
//!
//! A [`Site`] is what an HTTP server shows to those who only read.
//!
//! Nothing here knows what a message holds.

mod activity;
mod body;
mod buffer;
mod calm;
mod config;
mod connection;
mod cors;
mod facts;
mod frames;
mod grpc;
mod guard;
mod http;
mod http_answer;
mod listen;
mod panics;
mod pending;
mod running;
mod shown;
mod site;
mod stream;
mod transport;
mod unreadable;
mod unsupported;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use etalon_component::{BoxFuture, Budgets, Caller, Reserved, SpanContext};
use etalon_pdata::Compressed;
use etalon_telemetry::attributes::RefusalReason;
use tokio::time::Instant;

use crate::status::Status;

pub use calm::{CONTROL_FRAMES_MAX, EnforcementPolicy};
pub use config::{GrpcServerConfig, HttpServerConfig, Keepalive, MESSAGE_MAX, ServerParameters};
pub use cors::CorsConfig;
pub use listen::ListenError;
pub use running::Server;
pub use shown::{Showing, Shown};
pub use site::Site;
pub use stream::Peer;
pub use transport::{Dialer, Transport};
pub use unsupported::Unsupported;

/// Connections that one listener serves at once. Further ones are closed when they arrive.
pub const CONNECTIONS_MAX: usize = 8192;
/// TLS handshakes that one listener has in progress at once. When there are more, the oldest is given up.
pub const HANDSHAKES_MAX: usize = 256;
/// A TLS handshake must be complete within this time.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The request line and the header fields of a request may have this size, in bytes.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Streams of one HTTP/2 connection, where the configuration does not say.
pub const STREAMS_MAX: u32 = 1000;
/// A client must take what it is sent within this time, where the configuration does not say, or is disconnected.
pub const STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// A gRPC message must have arrived in full within this time of its call.
pub const RECEIVE_TIMEOUT: Duration = Duration::from_mins(1);

/// Answers unary calls.
pub trait Unary: Send + Sync {
    /// Answers one call with a message in the call's format, or with why there is none.
    ///
    /// The future is dropped when the client goes away or its deadline passes.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Bytes, Status>>;

    /// Is told how a request at its path ended, before the answer leaves: also one that never came to
    /// [`call`](Self::call), or that the client did not wait for. `took` is from its header on. Nothing it was
    /// `refused` for is success.
    fn ended(&self, refused: Option<RefusalReason>, took: Duration);

    /// The span that a call belongs to, by its header fields, whose names are asked for in lower case. It comes with
    /// the call.
    fn parent<'a>(&self, _field: &'a dyn Fn(&str) -> Option<&'a str>) -> Option<Arc<SpanContext>> {
        None
    }

    /// The budgets of memory out of which a call is read. What is reserved comes with it.
    fn budgets(&self) -> Budgets {
        Budgets::new()
    }
}

/// One request.
#[derive(Debug)]
pub struct Call {
    /// The message, in a buffer of its own.
    pub message: BytesMut,
    /// The form in which the message arrived, if it was compressed in a way that any destination takes.
    pub compressed: Option<Compressed>,
    /// How the message is encoded, and the answer must be.
    pub format: Format,
    /// The sender.
    pub peer: Peer,
    /// After this, the sender does not wait for an answer.
    pub deadline: Option<Instant>,
    /// What the sender told of itself, where the configuration asks for it.
    pub caller: Option<Arc<Caller>>,
    /// What [`Unary::parent`] has said.
    pub parent: Option<Arc<SpanContext>>,
    /// The memory that the message and its compressed form take, of the budgets that [`Unary::budgets`] has said and
    /// those of the server.
    pub memory: Reserved,
}

/// How a message is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Binary protobuf.
    Protobuf,
    /// The JSON mapping that OTLP defines.
    Json,
}

/// What is served at a path.
#[derive(Clone)]
pub struct Route {
    /// The path of the request, which must match it exactly.
    pub path: String,
    /// Who answers there.
    pub unary: Arc<dyn Unary>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The text of a header field.
fn field<'a>(headers: &'a ::http::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The first value of a header field, whose name is in lower case. The authority of HTTP/2 is `host`.
fn first_value<'a>(head: &'a ::http::request::Parts, name: &str) -> Option<&'a [u8]> {
    match head.headers.get(name) {
        Some(value) => Some(value.as_bytes()),
        None if name == ::http::header::HOST => Some(head.uri.authority()?.as_str().as_bytes()),
        None => None,
    }
}

/// The routes of a server: so few that looking at each is the fastest.
#[derive(Debug)]
struct Routes(Vec<Route>);

impl Routes {
    fn find(&self, path: &str) -> Option<&dyn Unary> {
        self.0.iter().find(|route| route.path == path).map(|route| &*route.unary)
    }

    /// The paths, for a message to people.
    fn listed(&self) -> String {
        self.0.iter().map(|route| route.path.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The answer to a call whose handler panicked: nobody has judged the data.
fn panicked() -> Status {
    Status::new(etalon_component::Code::Unavailable, "the collector failed while it handled the request")
        .because(RefusalReason::InternalError)
}
#[cfg(test)]
mod tests;
