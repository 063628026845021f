//! Unary gRPC calls, as the protocol describes them
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use etalon_component::{Code, Context, Failure, Host, Outcome};
use etalon_conf::Optional;
use etalon_telemetry::tell;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Uri};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::auth::{self, ClientStartError, Credentials};
use super::connection::{Connection, ConnectionSettings};
use super::grpc_answer::{disconnected, read_answer};
use super::grpc_channel::{Balancer, Channel};
use super::message::Message;
use super::metadata::base64_encoded;
use super::target::Place;
use super::{CALLS_MAX, not_running, tell_span, with_causes};
use crate::auth::AuthConfig;
use crate::compression::Compression;
use crate::tls::TlsHealth;

/// A call that finds a connection just gone tries so many in all before it is refused.
const PICKS_MAX: usize = 4;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, zstd, snappy");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// What a [`GrpcClient`] is made of.
#[derive(Clone, Debug)]
pub struct GrpcSettings {
    pub(super) place: Place,
    pub(super) balancer: Balancer,
    pub(super) connection: ConnectionSettings,
    /// `:authority`.
    pub(super) authority: String,
    pub(super) user_agent: String,
    /// Names and values, `-bin` ones before base64.
    pub(super) metadata: Vec<(String, String)>,
    /// One that gRPC has.
    pub(super) compression: Compression,
    pub(super) wait_for_ready: bool,
    pub(super) auth: Optional<AuthConfig>,
}

/// A client of one destination. It connects once [`start`](Self::start)ed.
#[derive(Debug)]
pub struct GrpcClient {
    shared: Arc<Shared>,
    stop: CancellationToken,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// A method of the destination.
#[derive(Clone, Debug)]
pub struct GrpcMethod {
    shared: Arc<Shared>,
    uri: Uri,
}

#[derive(Debug)]
struct Shared {
    channel: Arc<Channel>,
    calls: Semaphore,
    authority: Authority,
    scheme: http::uri::Scheme,
    headers: HeaderMap,
    compression: Compression,
    wait_for_ready: bool,
    credentials: Credentials,
    tls: Option<Arc<TlsHealth>>,
}

/// A header field that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Not a name.
    #[error("\"{name}\" is not a valid header name")]
    Name {
        /// As configured.
        name: String,
        /// The rule it breaks.
        source: http::header::InvalidHeaderName,
    },
    /// Not a value; it is not shown, as it may be secret.
    #[error("the value of header \"{name}\" has characters that cannot be sent")]
    Value {
        /// Name of the header field.
        name: String,
        /// The rule it breaks.
        source: http::header::InvalidHeaderValue,
    },
    /// Not an authority.
    #[error("\"{authority}\" is not a valid authority")]
    Authority {
        /// As configured.
        authority: String,
        /// The rule it breaks.
        source: http::uri::InvalidUri,
    },
}

impl GrpcClient {
    /// A client that does nothing yet.
    pub fn new(settings: GrpcSettings) -> Result<Self, MetadataError> {
        let headers = headers(&settings)?;
        let authority = settings
            .authority
            .parse()
            .map_err(|source| MetadataError::Authority { authority: settings.authority.clone(), source })?;
        let tls = settings.connection.route.tls.as_ref().map(|tls| tls.config.health());
        let scheme = if tls.is_some() { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP };
        let shared = Shared {
            channel: Arc::new(Channel::new(settings.place, settings.balancer, settings.connection)),
            calls: Semaphore::new(CALLS_MAX),
            authority,
            scheme,
            headers,
            compression: settings.compression,
            wait_for_ready: settings.wait_for_ready,
            credentials: Credentials::new(&settings.auth),
            tls,
        };
        Ok(Self { shared: Arc::new(shared), stop: CancellationToken::new(), running: Mutex::default() })
    }

    /// Follows whether changed TLS files can be used; nothing without TLS.
    pub fn tls_health(&self) -> Option<Arc<TlsHealth>> {
        self.shared.tls.clone()
    }

    /// The unary method at `path`, for example `/package.Service/Method`.
    pub fn method(&self, path: &'static str) -> GrpcMethod {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.shared.scheme.clone());
        parts.authority = Some(self.shared.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static(path));
        let uri = Uri::from_parts(parts).expect("scheme, authority and path make a URI");
        GrpcMethod { shared: self.shared.clone(), uri }
    }

    /// Starts to connect, in the background. `host` knows the authenticator.
    ///
    /// # Errors
    /// The authenticator cannot be used.
    pub fn start(&self, host: &Host) -> Result<(), ClientStartError> {
        let encrypted = self.shared.scheme == http::uri::Scheme::HTTPS;
        self.shared.credentials.resolve(host, auth::GRPC, encrypted)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() && !self.stop.is_cancelled() {
            // Not by the task: a call may come before it first runs.
            self.shared.channel.expect_connections();
            let run = self.shared.channel.clone().run(self.stop.clone());
            *running = Some(tokio::spawn(run.in_current_span()));
        }
        Ok(())
    }

    /// Ends the connections. Calls in flight end with an unknown outcome.
    pub async fn close(&self) {
        self.stop.cancel();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = async { Some(running?.await) }.await {
            tell!(ExporterConnectionBroken { error: &error });
        }
    }
}

impl GrpcMethod {
    /// Sends a request, and answers with the response message. `context` is that of the batch.
    ///
    /// Until the deadline of `context` it waits for a connection; the server is told of it. The caller must drop
    /// the future then: that cancels the call.
    ///
    /// # Errors
    /// The outcome that a failure means; it is never [`Outcome::Delivered`].
    pub async fn call(&self, message: impl Into<Message<'_>>, context: &Context) -> Result<Bytes, Outcome> {
        let deadline = context.deadline;
        let body = framed(self.shared.compression, message.into())?;
        let _permit =
            connected_by(deadline, self.shared.calls.acquire()).await?.map_err(|_| not_running())?;
        let mut refused = String::new();
        for _ in 0..PICKS_MAX {
            let picked = connected_by(deadline, self.shared.channel.pick(self.shared.wait_for_ready)).await?;
            let connection = picked.map_err(|error| Outcome::refused(error.to_string()))?;
            match connection.send(self.head(context)?, body.iter().cloned()) {
                // The stream is kept: dropping it before the answer would cancel the call.
                Ok((response, _stream, _in_flight)) => return read_answer(response, &connection.peer).await,
                Err(error) => {
                    refused = with_causes(&disconnected(&connection.peer, error));
                    self.give_up(&connection);
                }
            }
        }
        Err(Outcome::refused(refused))
    }

    fn give_up(&self, connection: &Arc<Connection>) {
        self.shared.channel.retire(connection);
    }

    fn head(&self, context: &Context) -> Result<Request<()>, Outcome> {
        let mut head = Request::new(());
        *head.method_mut() = Method::POST;
        *head.uri_mut() = self.uri.clone();
        *head.version_mut() = http::Version::HTTP_2;
        *head.headers_mut() = self.shared.headers.clone();
        if let Some(deadline) = context.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            head.headers_mut().insert(GRPC_TIMEOUT, timeout_value(left));
        }
        self.shared.credentials.add(context, head.headers_mut())?;
        tell_span(context, head.headers_mut());
        Ok(head)
    }
}

/// Waits for what comes before a request is sent.
async fn connected_by<T>(deadline: Option<Instant>, ready: impl Future<Output = T>) -> Result<T, Outcome> {
    let Some(deadline) = deadline else { return Ok(ready.await) };
    timeout_at(deadline, ready).await.map_err(|_| {
        Outcome::Refused(Failure::new(
            Code::DeadlineExceeded,
            "the deadline passed while waiting for a connection",
        ))
    })
}

/// The message with its prefix: one byte that says whether it is compressed, and its length.
fn framed(compression: Compression, message: Message<'_>) -> Result<Vec<Bytes>, Outcome> {
    let mut body = Vec::with_capacity(2);
    body.push(Bytes::new());
    message.encode(compression, 0, &mut body);
    let length = body.iter().map(Bytes::len).sum::<usize>();
    let length = u32::try_from(length).map_err(|_| {
        Outcome::permanent(
            Code::ResourceExhausted,
            format!("a message of {length} bytes cannot be sent over gRPC"),
        )
    })?;
    let mut prefix = BytesMut::with_capacity(5);
    prefix.put_u8(u8::from(compression != Compression::None));
    prefix.put_u32(length);
    body[0] = prefix.freeze();
    Ok(body)
}

fn headers(settings: &GrpcSettings) -> Result<HeaderMap, MetadataError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(TE, TRAILERS);
    headers.insert(USER_AGENT, value(USER_AGENT.as_str(), &settings.user_agent)?);
    headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    if settings.compression != Compression::None {
        headers.insert(GRPC_ENCODING, HeaderValue::from_static(settings.compression.name_on_grpc()));
    }
    for (name, text) in &settings.metadata {
        let key = name
            .parse::<HeaderName>()
            .map_err(|source| MetadataError::Name { name: name.clone(), source })?;
        if headers.contains_key(&key) || is_reserved(&key) {
            tell!(ExporterHeaderIgnored { protocol: &"gRPC", header: &name });
            continue;
        }
        let value = if key.as_str().ends_with("-bin") {
            value(name, &base64_encoded(text.as_bytes()))?
        } else {
            value(name, text)?
        };
        headers.append(key, value);
    }
    Ok(headers)
}

/// Names that gRPC keeps to itself; grpc-go leaves them out as well.
fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "host"
            | "content-length"
            | "transfer-encoding"
            | "keep-alive"
            | "upgrade"
            | "proxy-connection"
    ) || name.as_str().starts_with("grpc-")
}

fn value(name: &str, text: &str) -> Result<HeaderValue, MetadataError> {
    let value = HeaderValue::from_str(text);
    value.map_err(|source| MetadataError::Value { name: name.to_owned(), source })
}

/// `grpc-timeout`: at most eight digits and a unit, rounded up so that it never says nothing.
fn timeout_value(left: Duration) -> HeaderValue {
    const DIGITS: u128 = 100_000_000;
    let nanos = left.as_nanos().max(1);
    let units = [(1_u128, "n"), (1_000, "u"), (1_000_000, "m"), (1_000_000_000, "S"), (60_000_000_000, "M")];
    let fitting =
        units.iter().map(|(size, unit)| (nanos.div_ceil(*size), unit)).find(|(count, _)| *count < DIGITS);
    let text = fitting.map_or_else(|| format!("{}H", DIGITS - 1), |(count, unit)| format!("{count}{unit}"));
    HeaderValue::from_str(&text).expect("digits and a letter are a valid value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_at_most_eight_digits_and_is_never_zero() {
        let text = |duration| timeout_value(duration).to_str().map(str::to_owned).unwrap();
        assert_eq!(text(Duration::ZERO), "1n");
        assert_eq!(text(Duration::from_millis(5)), "5000000n");
        assert_eq!(text(Duration::from_secs(5)), "5000000u");
        assert_eq!(text(Duration::from_mins(5)), "300000m");
        assert_eq!(text(Duration::from_secs(200_000)), "200000S");
        assert_eq!(text(Duration::MAX), "99999999H");
    }

    #[test]
    fn a_message_is_framed_without_copying_it() {
        let chunks = [Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"c")];
        let body = framed(Compression::None, Message::from(&chunks)).unwrap();
        assert_eq!(body[0].as_ref(), [0, 0, 0, 0, 3]);
        assert_eq!(body[1].as_ptr(), chunks[0].as_ptr());
        assert_eq!(body.len(), 3);
    }

    #[test]
    fn a_compressed_message_says_so() {
        let body = framed(Compression::Gzip, Message::from(&[Bytes::from_static(b"abc")])).unwrap();
        assert_eq!(body[0][0], 1);
        assert_eq!(body[0][1..], u32::try_from(body[1].len()).unwrap().to_be_bytes());
    }
}
