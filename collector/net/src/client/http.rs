//! POST requests over HTTP/1.1, or HTTP/2 where TLS agrees on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Code, Context, Failure, Host, Outcome};
use etalon_pdata::proto::google::rpc::Status;
use etalon_telemetry::tell;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER, USER_AGENT,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri};
use hyper::body::Incoming;
use prost::Message as _;
use rustls_pki_types::ServerName;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::auth::{self, ClientStartError, Credentials};
use super::cookies::Jar;
use super::dial::{Route, Tls};
use super::grpc::MetadataError;
use super::http_body::{Chunks, Read, read};
use super::http_config::HttpClientConfig;
use super::http_connection::Settings;
use super::http_pool::{Lease, Pool, PoolSettings};
use super::http_url::{Url, UrlError};
use super::message::Message;
use super::proxy::{Proxy, ProxyEnvironment, ProxyError};
use super::{CALLS_MAX, HTTP_RESPONSE_BYTES_MAX, REDIRECTS_MAX, retry_after, tell_span, with_causes};
use crate::compression::{Compression, decompress};
use crate::tls::{TlsError, TlsHealth};

/// Buffer size where the configuration says 0, in bytes, as in Go.
const BUFFER_BYTES_DEFAULT: usize = 4 * 1024;

/// How long to wait for the answer to a ping where the configuration says 0, as in Go.
const PING_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15);

/// A client of one URL.
pub struct HttpClient {
    url: Url,
    headers: HeaderMap,
    /// What HTTP/2 says instead of `Host`.
    authority: Authority,
    /// What a request says to a proxy that passes it on, instead of a path alone.
    through_proxy: Option<Authority>,
    compression: Compression,
    level: i32,
    cookies: Option<Jar>,
    credentials: Credentials,
    pool: Arc<Pool>,
    calls: Semaphore,
    tidying: Mutex<Option<JoinHandle<()>>>,
    tls: Option<Arc<TlsHealth>>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// HTTP status, 200 to 999.
    pub status: u16,
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// `Retry-After`, when it can be read.
    pub retry_after: Option<Duration>,
    /// The body, decompressed; nothing when it could not be read.
    pub body: Result<Bytes, BodyError>,
}

impl HttpAnswer {
    /// The message of a failure, for people: that of the `google.rpc.Status` which the body should be.
    /// Its code is not looked at: the HTTP status alone decides, as OTLP says.
    pub fn error_message(&self) -> Option<String> {
        let body = self.body.as_ref().ok().filter(|body| !body.is_empty())?;
        let message = match self.content_type.as_deref() {
            Some("application/json") => {
                let json: serde_json::Value = serde_json::from_slice(body).ok()?;
                json.get("message")?.as_str()?.to_owned()
            }
            _ => Status::decode(body.as_ref()).ok()?.message,
        };
        (!message.is_empty()).then_some(message)
    }
}

/// Why the body of an answer could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than is read.
    #[error("the response body is larger than {HTTP_RESPONSE_BYTES_MAX} bytes")]
    TooLarge,
    /// The connection ended before it did.
    #[error("the connection was lost within the response body: {0}")]
    Broken(String),
    /// It is not what its encoding says.
    #[error("the response body cannot be decompressed: {0}")]
    Encoding(String),
}

/// Why a client cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// The URL cannot be used.
    #[error("invalid URL")]
    Url(#[source] UrlError),
    /// The TLS section cannot be used.
    #[error("failed to load TLS config")]
    Tls(#[source] TlsError),
    /// TLS cannot verify this host.
    #[error("\"{0}\" is not a name that a certificate can be valid for")]
    ServerName(String),
    /// A header cannot be sent.
    #[error("invalid headers")]
    Header(#[source] MetadataError),
    /// The proxy cannot be used.
    #[error("cannot connect through a proxy")]
    Proxy(#[source] ProxyError),
}

impl HttpClient {
    pub(super) fn new(
        config: &HttpClientConfig,
        url: &str,
        user_agent: &str,
    ) -> Result<Self, HttpClientError> {
        let url = Url::parse(url).map_err(HttpClientError::Url)?;
        let mut headers = headers(config, &url, user_agent).map_err(HttpClientError::Header)?;
        let authority = authority(&headers).map_err(HttpClientError::Header)?;
        let offers_http2 = url.tls && config.force_attempt_http2;
        let tls = url.tls.then(|| tls(config, &url, offers_http2)).transpose()?;
        let health = tls.as_ref().map(|tls| tls.config.health());
        let proxy = proxy(config, &url).map_err(HttpClientError::Proxy)?;
        let (mut target, mut through_proxy) = (url.target.clone(), None);
        let route = match proxy {
            None => Route { tunnel: None, tls },
            Some(proxy) => {
                tell!(ExporterProxyUsed {
                    what: &"Requests",
                    proxy: &proxy.target.authority(),
                    endpoint: &url,
                });
                target = proxy.target.clone();
                if tls.is_some() {
                    proxy.route(&url.target, tls, &config.tls).map_err(HttpClientError::Proxy)?
                } else {
                    through_proxy = Some(url.authority().map_err(HttpClientError::Url)?);
                    if let Some(authorization) = &proxy.authorization {
                        headers.insert(PROXY_AUTHORIZATION, authorization.clone());
                    }
                    Route { tunnel: None, tls: proxy.tls(&config.tls).map_err(HttpClientError::Proxy)? }
                }
            }
        };
        let pool = PoolSettings {
            target,
            route,
            connection: Settings {
                read_buffer: limit(config.read_buffer_size).unwrap_or(BUFFER_BYTES_DEFAULT),
                write_buffer: limit(config.write_buffer_size).unwrap_or(BUFFER_BYTES_DEFAULT),
                offers_http2,
                ping_after: positive(config.http2_read_idle_timeout),
                ping_timeout: positive(config.http2_ping_timeout).unwrap_or(PING_TIMEOUT_DEFAULT),
            },
            reuse: !config.disable_keep_alives,
            connections_max: limit(config.max_conns_per_host).unwrap_or(CALLS_MAX).min(CALLS_MAX),
            idle_max: [config.max_idle_conns, config.max_idle_conns_per_host]
                .into_iter()
                .filter_map(limit)
                .fold(CALLS_MAX, usize::min),
            idle_timeout: positive(config.idle_conn_timeout),
        };
        Ok(Self {
            cookies: config.cookies.is_on().then(|| Jar::new(&url.target.host, url.tls)),
            url,
            headers,
            authority,
            through_proxy,
            compression: config.compression,
            level: config.compression_params.level,
            credentials: Credentials::new(&config.auth),
            pool: Pool::new(pool),
            calls: Semaphore::new(CALLS_MAX),
            tidying: Mutex::default(),
            tls: health,
        })
    }

    /// Follows whether changed TLS files can be used; nothing without TLS.
    pub fn tls_health(&self) -> Option<Arc<TlsHealth>> {
        self.tls.clone()
    }

    /// Starts to close connections that have been unused for too long. `host` knows the authenticator.
    ///
    /// # Errors
    /// The authenticator cannot be used.
    pub fn start(&self, host: &Host) -> Result<(), ClientStartError> {
        self.credentials.resolve(host, auth::HTTP, self.url.tls)?;
        let mut tidying = self.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        tidying.get_or_insert_with(|| tokio::spawn(self.pool.clone().tidy()));
        Ok(())
    }

    /// Ends the connections. Requests in flight end with an unknown outcome.
    pub async fn close(&self) {
        let tidying = self.tidying.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = tidying {
            task.abort();
            // It was cancelled, or it had ended.
            task.await.unwrap_or_default();
        }
        self.pool.close().await;
    }

    /// The URL, without user and password, for messages.
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        &self.url.target.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.url.target.port
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.url.path.path()
    }

    /// Posts a message, which is of `content_type`, and answers with what came back. `context` is that of
    /// the batch.
    ///
    /// Until the deadline of `context` it waits for a connection; the caller must drop the future then.
    /// Redirects that keep the method are followed, to the same destination only.
    ///
    /// # Errors
    /// The outcome when there was no answer; it is never [`Outcome::Delivered`].
    pub async fn post(
        &self,
        content_type: &'static str,
        message: impl Into<Message<'_>>,
        context: &Context,
    ) -> Result<HttpAnswer, Outcome> {
        let body = self.body(message.into());
        let mut path = self.url.path.clone();
        let _permit = match context.deadline {
            None => self.calls.acquire().await,
            Some(deadline) => timeout_at(deadline, self.calls.acquire()).await.map_err(|_| late())?,
        };
        for _ in 0..REDIRECTS_MAX {
            let (response, lease) = self.exchange(&path, content_type, &body, context).await?;
            if let Some(cookies) = &self.cookies {
                cookies.store(path.path(), response.headers());
            }
            if matches!(response.status().as_u16(), 307 | 308)
                && let Some(location) = self.redirected(response.headers())
            {
                path = location;
                self.finish(response, lease).await;
                continue;
            }
            return Ok(self.finish(response, lease).await);
        }
        Err(Outcome::permanent(Code::Unknown, format!("{}: more than {REDIRECTS_MAX} redirects", self.url)))
    }

    fn body(&self, message: Message<'_>) -> Chunks {
        let mut body = Vec::with_capacity(1);
        message.encode(self.compression, self.level, &mut body);
        Chunks::new(body)
    }

    fn request(
        &self,
        path: &PathAndQuery,
        content_type: &'static str,
        body: Chunks,
        context: &Context,
    ) -> Result<Request<Chunks>, Outcome> {
        let length = body.len();
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(cookies) = &self.cookies {
            cookies.add_to(headers, path.path());
        }
        self.credentials.add(context, headers)?;
        tell_span(context, headers);
        Ok(request)
    }

    /// Sends a request and waits for the head of its answer. A kept connection that turns out to be
    /// closed before anything was written to it costs nothing.
    async fn exchange(
        &self,
        path: &PathAndQuery,
        content_type: &'static str,
        body: &Chunks,
        context: &Context,
    ) -> Result<(Response<Incoming>, Lease), Outcome> {
        loop {
            let mut request = self.request(path, content_type, body.clone(), context)?;
            let mut lease = self.connected(context.deadline).await?;
            let sent = match &mut lease {
                Lease::Http1 { send, .. } => {
                    *request.uri_mut() = match &self.through_proxy {
                        None => Uri::from(path.clone()),
                        Some(authority) => absolute(Scheme::HTTP, authority, path),
                    };
                    send.try_send_request(request).await
                }
                Lease::Http2 { shared, .. } => {
                    *request.uri_mut() = absolute(Scheme::HTTPS, &self.authority, path);
                    request.headers_mut().remove(HOST);
                    request.headers_mut().remove(CONNECTION);
                    shared.send.clone().try_send_request(request).await
                }
            };
            let mut error = match sent {
                Ok(response) => return Ok((response, lease)),
                Err(error) => error,
            };
            match error.take_message() {
                Some(_) if lease.was_kept() => self.pool.give_up(lease),
                Some(_) => return Err(Outcome::refused(self.failed(error.error()))),
                None => return Err(Outcome::unknown(self.failed(error.error()))),
            }
        }
    }

    async fn connected(&self, deadline: Option<Instant>) -> Result<Lease, Outcome> {
        let connecting = self.pool.lease();
        let connected = match deadline {
            None => connecting.await,
            Some(deadline) => timeout_at(deadline, connecting).await.map_err(|_| late())?,
        };
        connected.map_err(|error| Outcome::refused(self.failed(&error)))
    }

    fn failed(&self, error: &(dyn std::error::Error + 'static)) -> String {
        format!("failed to make an HTTP request: Post \"{}\": {}", self.url, with_causes(error))
    }

    fn redirected(&self, headers: &HeaderMap) -> Option<PathAndQuery> {
        self.url.redirected(headers.get(LOCATION)?.to_str().ok()?)
    }

    /// Reads the body, and keeps the connection if that can be read to its end.
    async fn finish(&self, response: Response<Incoming>, lease: Lease) -> HttpAnswer {
        let (head, body) = response.into_parts();
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let body = match read(body, HTTP_RESPONSE_BYTES_MAX).await {
            Read::Whole(body) => {
                self.pool.keep(lease);
                decoded(body, text(CONTENT_ENCODING).unwrap_or_default())
            }
            Read::TooLarge => Err(BodyError::TooLarge),
            Read::Broken(error) => Err(BodyError::Broken(with_causes(&error))),
        };
        #[expect(clippy::disallowed_methods, reason = "Retry-After may hold a date, which is wall time")]
        let now = std::time::SystemTime::now();
        HttpAnswer {
            status: head.status.as_u16(),
            content_type: text(CONTENT_TYPE).map(str::to_owned),
            retry_after: text(RETRY_AFTER).and_then(|value| retry_after::parse(value, now)),
            body,
        }
    }
}

fn late() -> Outcome {
    Outcome::Refused(Failure::new(
        Code::DeadlineExceeded,
        "the deadline passed while waiting for a connection",
    ))
}

fn decoded(body: Bytes, encoding: &str) -> Result<Bytes, BodyError> {
    if matches!(encoding, "" | "identity") {
        return Ok(body);
    }
    let encoding = Compression::of_name(encoding)
        .ok_or_else(|| BodyError::Encoding(format!("its encoding is {encoding:?}")))?;
    let decompressed = decompress(encoding, &body, HTTP_RESPONSE_BYTES_MAX);
    decompressed.map(bytes::BytesMut::freeze).map_err(|error| match error {
        crate::compression::DecompressError::TooLarge { .. } => BodyError::TooLarge,
        error => BodyError::Encoding(error.to_string()),
    })
}

/// A limit of zero or less is none.
fn limit(configured: i64) -> Option<usize> {
    usize::try_from(configured).ok().filter(|limit| *limit > 0)
}

fn positive(configured: etalon_conf::Duration) -> Option<Duration> {
    Some(configured.to_std()).filter(|duration| !duration.is_zero())
}

/// The configured proxy, or that of the environment.
fn proxy(config: &HttpClientConfig, url: &Url) -> Result<Option<Proxy>, ProxyError> {
    match config.proxy_url.expose() {
        "" => ProxyEnvironment::of_process().proxy_for(url.tls, &url.target),
        configured => Proxy::parse(configured, "proxy_url").map(Some),
    }
}

fn absolute(scheme: Scheme, authority: &Authority, path: &PathAndQuery) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(path.clone());
    Uri::from_parts(parts).expect("scheme, authority and path make a URI")
}

/// `Host`, as HTTP/2 has it.
fn authority(headers: &HeaderMap) -> Result<Authority, MetadataError> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    host.parse().map_err(|source| MetadataError::Authority { authority: host.to_owned(), source })
}

fn tls(config: &HttpClientConfig, url: &Url, offers_http2: bool) -> Result<Tls, HttpClientError> {
    let name = match config.tls.server_name_override.as_str() {
        "" => url.target.host.as_str(),
        name => name,
    };
    let protocols: &[&[u8]] = if offers_http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    Ok(Tls {
        config: config.tls.load(protocols).map_err(HttpClientError::Tls)?,
        name: ServerName::try_from(name.to_owned())
            .map_err(|_| HttpClientError::ServerName(name.to_owned()))?,
    })
}

/// What every request carries: what the client says, then what is configured.
fn headers(config: &HttpClientConfig, url: &Url, user_agent: &str) -> Result<HeaderMap, MetadataError> {
    let value = |name: &str, text: &str| {
        HeaderValue::from_str(text).map_err(|source| MetadataError::Value { name: name.to_owned(), source })
    };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, value("host", &url.host)?);
    headers.insert(USER_AGENT, value("user-agent", user_agent)?);
    if config.compression != Compression::None {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(config.compression.name()));
    }
    if config.disable_keep_alives {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(authorization) = &url.authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    for (name, secret) in config.headers.iter() {
        let parsed = name.parse::<HeaderName>();
        let key = parsed.map_err(|source| MetadataError::Name { name: name.to_owned(), source })?;
        if key == CONTENT_LENGTH {
            tell!(ExporterHeaderIgnored { protocol: &"HTTP", header: &name });
            continue;
        }
        let mut value = value(name, secret.expose())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("url", &self.url.to_string()).finish_non_exhaustive()
    }
}
