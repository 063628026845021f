//! OTLP/HTTP: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use etalon_component::{Budgets, Caller, Code, NoRoom, Reserved, random_unit};
use etalon_telemetry::attributes::RefusalReason;
use etalon_telemetry::tell;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

use super::body::Received;
use super::buffer::Buffer;
use super::connection::{Client, Protocol, at};
use super::cors::Cors;
use super::grpc;
use super::guard::Guard;
use super::panics::Caught;
use super::pending::Pending;
use super::running::Seldom;
use super::stream::Peer;
use super::{Call, Format, Routes, Unary, http_answer};
use crate::compression::{Compression, DecompressError};
use crate::status::Status;

/// The name of no encoding.
const IDENTITY: &str = "identity";
const GRPC_AT_ANOTHER_PORT: &str = "this is the OTLP/HTTP endpoint, which does not speak gRPC; \
    OTLP/gRPC is served at another port, by default 4317";

/// Serves unary calls by POST.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) routes: Routes,
    pub(super) guard: Guard,
    /// Largest body, before and after decompression, in bytes.
    pub(super) max_body: usize,
    /// Budgets of memory that hold for all requests.
    pub(super) budgets: Budgets,
    /// A body must have arrived in full within this time. Zero means for ever.
    pub(super) read_timeout: Duration,
    /// A request must be answered within this time. Zero means for ever.
    pub(super) write_timeout: Duration,
    pub(super) cors: Option<Cors>,
    /// Keeps the log lines about gRPC clients apart.
    pub(super) mixed_up: Seldom,
    pub(super) encodings: Encodings,
    /// Added to each answer.
    pub(super) response_headers: HeaderMap,
}

/// Which encodings of bodies a server takes.
#[derive(Debug)]
pub(super) enum Encodings {
    /// Those; [`Compression::None`] is a body that is not encoded.
    Decoded(Vec<Compression>),
    /// Bodies are taken as they come, whatever they are said to be.
    Undecoded,
}

impl Protocol for Http {
    type Body = Full<Bytes>;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let preflight = self.cors.as_ref().and_then(|cors| cors.preflight(&head));
        let is_preflight = preflight.is_some();
        let response = match preflight {
            Some(response) => response,
            None if is_grpc(&head) => self.mixed_up(client.peer),
            None => self.answer(&head, body, &client).await,
        };
        self.finished(&head, response, is_preflight)
    }
}

/// Why a request was refused, with what HTTP wants to know besides the status.
#[derive(Debug)]
pub(super) struct Refusal {
    status: Status,
    /// The body was not read, so that the connection cannot be used again.
    unread: bool,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self { status, unread: false }
    }
}

impl Http {
    /// An answer with what every answer has.
    pub(super) fn finished(
        &self,
        head: &http::request::Parts,
        mut response: Response<Bytes>,
        is_preflight: bool,
    ) -> Response<Full<Bytes>> {
        if let Some(cors) = self.cors.as_ref().filter(|_| !is_preflight) {
            cors.mark(head, response.headers_mut());
        }
        for (name, value) in &self.response_headers {
            response.headers_mut().append(name, value.clone());
        }
        response.map(Full::new)
    }

    async fn answer(&self, head: &http::request::Parts, body: Incoming, client: &Client) -> Response<Bytes> {
        let pending = self.routes.find(head.uri.path()).map(Pending::new);
        let timeout =
            (!self.write_timeout.is_zero()).then(|| tokio::time::Instant::now() + self.write_timeout);
        let (response, refused) = tokio::select! {
            biased;
            answered = self.guarded(head, body, client) => answered,
            () = at(timeout) => self.refused(head, &self.too_late()),
        };
        if let Some(pending) = pending {
            pending.answered(refused);
        }
        response
    }

    /// The answer, and why it is no success if it is none.
    async fn guarded(
        &self,
        head: &http::request::Parts,
        body: Incoming,
        client: &Client,
    ) -> (Response<Bytes>, Option<RefusalReason>) {
        match self.guard.admit(head).await {
            Err(turned_away) => {
                (http_answer::turned_away(&head.headers, &turned_away), Some(turned_away.status.reason))
            }
            Ok(caller) => match self.call(head, body, client, caller).await {
                Ok((format, message)) => (http_answer::success(format, message), None),
                Err(refusal) => self.refused(head, &refusal),
            },
        }
    }

    async fn call(
        &self,
        head: &http::request::Parts,
        body: Incoming,
        client: &Client,
        caller: Option<Arc<Caller>>,
    ) -> Result<(Format, Bytes), Refusal> {
        let unary = self.route(head)?;
        if client.is_late {
            return Err(Refusal { status: Status::stopping(random_unit()), unread: true });
        }
        let format = http_answer::format(&head.headers).ok_or_else(unsupported_media_type)?;
        let budgets = self.budgets.iter().cloned().chain(unary.budgets()).collect();
        let field = |name: &str| super::first_value(head, name);
        let mut memory = Reserved::told_apart(budgets, Some(&client.sender), &field);
        let Received { message, compressed } = self.received(head, body, &mut memory).await?;
        let parent = unary.parent(&|name| super::field(&head.headers, name));
        let peer = client.peer;
        let call = Call { message, compressed, format, peer, deadline: None, caller, parent, memory };
        let answered = Caught(unary.call(call)).await.unwrap_or_else(|| Err(super::panicked()));
        Ok((format, answered?))
    }

    /// Reads a body, and decompresses it. `memory` is reserved before either.
    pub(super) async fn received(
        &self,
        head: &http::request::Parts,
        body: Incoming,
        memory: &mut Reserved,
    ) -> Result<Received, Refusal> {
        let encoding = self.encoding(&head.headers)?;
        let timeout = (!self.read_timeout.is_zero()).then(|| tokio::time::Instant::now() + self.read_timeout);
        let body = tokio::select! {
            biased;
            body = receive(body, self.max_body, memory) => body?,
            () = at(timeout) => return Err(self.too_slow()),
        };
        Ok(decoded(encoding, body, self.max_body, memory)?)
    }

    fn route(&self, head: &http::request::Parts) -> Result<&dyn Unary, Status> {
        let Some(unary) = self.routes.find(head.uri.path()) else {
            let served = self.routes.listed();
            let message = format!("nothing is served at {}: this server serves {served}", head.uri.path());
            return Err(Status::new(Code::Unimplemented, message));
        };
        if head.method != Method::POST {
            let message = format!("method {} not allowed, supported: [POST]", head.method);
            return Err(Status::new(Code::Unimplemented, message).with_http(405));
        }
        Ok(unary)
    }

    fn encoding(&self, headers: &HeaderMap) -> Result<Compression, Status> {
        let Encodings::Decoded(accepted) = &self.encodings else { return Ok(Compression::None) };
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let value = values.next();
        let unsupported = || {
            let supported = self.accept_encoding();
            let value = value.map_or("", |value| value.to_str().unwrap_or("?"));
            let message = format!("unsupported Content-Encoding {value:?}, supported: one of {supported}");
            Status::new(Code::Unimplemented, message).with_http(415)
        };
        if values.next().is_some() {
            return Err(unsupported());
        }
        let name = value.map_or(Ok(""), HeaderValue::to_str).map_err(|_| unsupported())?.trim();
        let encoding = encoding_of(&name.to_ascii_lowercase());
        encoding.filter(|encoding| accepted.contains(encoding)).ok_or_else(unsupported)
    }

    /// What is taken, for `Accept-Encoding`.
    fn accept_encoding(&self) -> String {
        let Encodings::Decoded(accepted) = &self.encodings else { return "*".to_owned() };
        let name = |encoding: &Compression| match encoding {
            Compression::None => IDENTITY,
            encoding => encoding.name(),
        };
        accepted.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    fn too_slow(&self) -> Refusal {
        let message = format!("the body did not arrive within {:?}", self.read_timeout);
        Refusal { status: Status::new(Code::DeadlineExceeded, message).with_http(408), unread: true }
    }

    /// The answer to a gRPC client, which has taken this port for the other.
    fn mixed_up(&self, peer: Peer) -> Response<Bytes> {
        self.mixed_up.then(|| tell!(ReceiverHttpOtherProtocol { peer: &peer }));
        grpc::refusal(&Status::new(Code::Unimplemented, GRPC_AT_ANOTHER_PORT))
    }

    pub(super) fn too_late(&self) -> Refusal {
        let message = format!("the request was not answered within {:?}", self.write_timeout);
        let status = Status::new(Code::Unavailable, message).because(RefusalReason::Timeout);
        Refusal { status, unread: true }
    }

    fn refused(
        &self,
        head: &http::request::Parts,
        refusal: &Refusal,
    ) -> (Response<Bytes>, Option<RefusalReason>) {
        (self.refusal(head, refusal), Some(refusal.status.reason))
    }

    pub(super) fn refusal(&self, head: &http::request::Parts, refusal: &Refusal) -> Response<Bytes> {
        let mut response = http_answer::failure(&head.headers, &refusal.status);
        let headers = response.headers_mut();
        match refusal.status.http {
            405 => {
                headers.insert(header::ALLOW, const { HeaderValue::from_static("POST") });
            }
            415 => {
                let accepted = HeaderValue::from_maybe_shared(Bytes::from(self.accept_encoding()));
                headers.insert(header::ACCEPT_ENCODING, accepted.expect("the names are tokens"));
            }
            _ => {}
        }
        if refusal.unread && head.version < Version::HTTP_2 {
            headers.insert(header::CONNECTION, const { HeaderValue::from_static("close") });
        }
        response
    }
}

/// The encoding that a name means, in a configuration and in `Content-Encoding`.
pub(super) fn encoding_of(name: &str) -> Option<Compression> {
    match name {
        "" | IDENTITY => Some(Compression::None),
        name => Compression::of_name(name).filter(|encoding| *encoding != Compression::None),
    }
}

/// Reads a body into a buffer of its own. One that announces too much, or for which there is no memory, is not read at
/// all.
async fn receive(mut body: Incoming, max_len: usize, memory: &mut Reserved) -> Result<BytesMut, Refusal> {
    let mut buffer = match body.size_hint().exact() {
        Some(len) if len > max_len as u64 => return Err(too_large(max_len)),
        Some(len) => {
            let len = usize::try_from(len).unwrap_or(max_len);
            memory.resize(len).map_err(no_room)?;
            Buffer::of_announced(len)
        }
        None => Buffer::up_to(max_len),
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let message = format!("the body is malformed or cut off after {} bytes: {error}", buffer.len());
            Refusal { status: Status::bad_request(message.clone(), "", message), unread: true }
        })?;
        if let Ok(data) = frame.into_data() {
            let capacity = buffer.capacity_with(data.len());
            if capacity > memory.bytes() {
                memory.resize(capacity).map_err(no_room)?;
            }
            buffer.append(&data).map_err(|_| too_large(max_len))?;
        }
    }
    Ok(buffer.finish())
}

fn decoded(
    encoding: Compression,
    body: BytesMut,
    max_len: usize,
    memory: &mut Reserved,
) -> Result<Received, Status> {
    let decoded = match encoding {
        Compression::None => Ok(Received::plain(body)),
        encoding => Received::compressed(encoding, body, max_len, memory),
    };
    decoded.map_err(|error| match error {
        DecompressError::TooLarge { .. } => too_large(max_len).status,
        DecompressError::Corrupt { .. } => {
            Status::bad_request(error.to_string(), header::CONTENT_ENCODING.as_str(), error.to_string())
        }
        DecompressError::NoRoom(why) => Status::no_room(why, random_unit()),
    })
}

#[cold]
fn no_room(why: NoRoom) -> Refusal {
    Refusal { status: Status::no_room(why, random_unit()), unread: true }
}

fn too_large(max_len: usize) -> Refusal {
    let message = format!(
        "the body is larger than the limit of {max_len} bytes, which holds before and after decompression"
    );
    Refusal { status: Status::new(Code::ResourceExhausted, message).with_http(413), unread: true }
}

/// Whether a request comes from a gRPC client, which reads no other answer than one of gRPC.
fn is_grpc(head: &http::request::Parts) -> bool {
    let content_type = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    head.version == Version::HTTP_2
        && content_type.is_some_and(|value| value.starts_with(b"application/grpc"))
}

fn unsupported_media_type() -> Status {
    let message = "unsupported media type, supported: [application/json, application/x-protobuf]";
    Status::new(Code::InvalidArgument, message).with_http(415).because(RefusalReason::Unsupported)
}
