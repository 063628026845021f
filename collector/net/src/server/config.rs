//! What a user writes about a server: the keys of Go's `configgrpc` and `confighttp`.

use std::sync::Arc;
use std::time::Duration;

use etalon_component::Host;
use etalon_conf::{Check, Duration as ConfDuration, MapList, Optional, Validate};
use etalon_telemetry::tell;
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activity::Patience;
use super::calm::{EnforcementPolicy, PingPolicy};
use super::connection::{Age, Ping, READ_BUFFER, Settings, WRITE_BUFFER};
use super::cors::{Cors, CorsConfig};
use super::grpc::Grpc;
use super::guard::Guard;
use super::http::{Encodings, Http, encoding_of};
use super::running::Seldom;
use super::site::{Pages, Site};
use super::transport::{Dialer, Transport};
use super::{ListenError, Route, Routes, STALL_TIMEOUT, STREAMS_MAX, Server, listen};
use crate::auth::{
    AuthConfig, HttpServerAuthConfig, ServerMiddlewareConfig, budgets, check_server_middlewares,
};
use crate::tls::TlsServerConfig;

const MIB: usize = 1024 * 1024;
/// Largest message or body where the configuration does not say, in bytes: what OTLP recommends.
pub const MESSAGE_MAX: usize = 64 * MIB;
/// The length of a gRPC message has 32 bits.
const MESSAGE_MIB_LIMIT: i64 = 4095;
/// Largest buffer of a connection, in bytes.
const BUFFER_LIMIT: i64 = 16 * 1024 * 1024;
/// Default of `compression_algorithms`.
const ENCODINGS: [&str; 8] = ["", "gzip", "zstd", "zlib", "snappy", "deflate", "lz4", "x-snappy-framed"];
/// Default of `read_timeout`: a body must have arrived within this time.
const BODY_TIMEOUT: ConfDuration = ConfDuration::from_secs(60);
/// Default of `read_header_timeout`.
const HEADER_TIMEOUT: ConfDuration = ConfDuration::from_secs(10);

/// A gRPC server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GrpcServerConfig {
    /// Address to listen on: `host:port`, where port 0 takes any that is free, or the path of a socket file.
    pub endpoint: String,
    /// Kind of network.
    pub transport: Transport,
    /// Changes nothing on a server.
    pub dialer: Dialer,
    /// TLS. Without it the server speaks plaintext.
    pub tls: Optional<TlsServerConfig>,
    /// Largest message, before and after decompression, in MiB, up to 4095. 0 is 64.
    pub max_recv_msg_size_mib: i64,
    /// Most calls in progress on one connection. 0 is 1000.
    pub max_concurrent_streams: u32,
    /// Most bytes that are read from a connection at once, up to 16 MiB. 0 is 64 KiB. Larger ones cost more CPU:
    /// they do not stay in the cache.
    pub read_buffer_size: i64,
    /// Most bytes that are written to a connection at once, up to 16 MiB. 0 is 32 KiB.
    pub write_buffer_size: i64,
    /// When connections are pinged and closed.
    pub keepalive: Optional<Keepalive>,
    /// Who may send. Off means everybody.
    pub auth: Optional<AuthConfig>,
    /// Whether a batch keeps the metadata of its request, for exporters to use.
    pub include_metadata: bool,
    /// Extensions that look at calls before they are read, each as `id: <id>`: `memory_limiter` is one.
    pub middlewares: Vec<ServerMiddlewareConfig>,
}

/// When the connections of a gRPC server are pinged and closed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Keepalive {
    /// What the server does about connections that are old or silent.
    pub server_parameters: Optional<ServerParameters>,
    /// What it lets clients do. Off means the defaults.
    pub enforcement_policy: Optional<EnforcementPolicy>,
}

/// What a gRPC server does about connections that are old or silent. 0 is the default.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerParameters {
    /// A connection without calls for this time is closed. 0: never.
    pub max_connection_idle: ConfDuration,
    /// A connection of this age, give or take a tenth, is closed. 0: never.
    pub max_connection_age: ConfDuration,
    /// Time that calls in progress have when their connection has become too old. 0: as long as they take.
    pub max_connection_age_grace: ConfDuration,
    /// After this time without a sign of the client, it is pinged. 0: 2 h.
    pub time: ConfDuration,
    /// A client that does not answer a ping in this time is gone. 0: 20 s.
    pub timeout: ConfDuration,
}

/// An OTLP/HTTP server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpServerConfig {
    /// Address to listen on: `host:port`, where port 0 takes any that is free, or the path of a socket file.
    pub endpoint: String,
    /// Kind of network.
    pub transport: Transport,
    /// Changes nothing on a server.
    pub dialer: Dialer,
    /// TLS. Without it the server speaks plaintext.
    pub tls: Optional<TlsServerConfig>,
    /// Web pages that may send. Off means none.
    pub cors: Optional<CorsConfig>,
    /// Who may send. Off means everybody.
    pub auth: Optional<HttpServerAuthConfig>,
    /// Largest body of a request, before and after decompression, in bytes. 0 or less is 64 MiB.
    pub max_request_body_size: i64,
    /// Whether a batch keeps the header fields of its request, for exporters to use.
    pub include_metadata: bool,
    /// Header fields that are added to each answer.
    pub response_headers: MapList,
    /// Values of `Content-Encoding` that are accepted; the empty one is for bodies that are not compressed. An empty
    /// list takes every body as it comes, and decodes none.
    pub compression_algorithms: Vec<String>,
    /// A body must have arrived within this time of its header. 0: no limit.
    pub read_timeout: ConfDuration,
    /// The header of a request must have arrived within this time of its first byte. 0: no limit.
    pub read_header_timeout: ConfDuration,
    /// A request must be answered within this time of its header, and the client must take the answer. 0: no limit
    /// for the first, 1 minute for the second.
    pub write_timeout: ConfDuration,
    /// A connection without requests for this time is closed. 0: never.
    pub idle_timeout: ConfDuration,
    /// Extensions that look at requests before they are read, each as `id: <id>`: `memory_limiter` is one.
    pub middlewares: Vec<ServerMiddlewareConfig>,
    /// Whether a connection of HTTP/1 serves more than one request.
    pub keep_alives_enabled: bool,
}

impl Default for GrpcServerConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            transport: Transport::Tcp,
            dialer: Dialer::default(),
            tls: Optional::none(),
            max_recv_msg_size_mib: 0,
            max_concurrent_streams: 0,
            read_buffer_size: 0,
            write_buffer_size: 0,
            keepalive: Optional::on(Keepalive::default()),
            auth: Optional::none(),
            include_metadata: false,
            middlewares: Vec::new(),
        }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            server_parameters: Optional::on(ServerParameters::default()),
            enforcement_policy: Optional::on(EnforcementPolicy::default()),
        }
    }
}

impl Default for HttpServerConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            transport: Transport::Tcp,
            dialer: Dialer::default(),
            tls: Optional::none(),
            cors: Optional::none(),
            auth: Optional::none(),
            max_request_body_size: 0,
            include_metadata: false,
            response_headers: MapList::new(),
            compression_algorithms: ENCODINGS.map(String::from).to_vec(),
            read_timeout: BODY_TIMEOUT,
            read_header_timeout: HEADER_TIMEOUT,
            write_timeout: ConfDuration::ZERO,
            idle_timeout: ConfDuration::ZERO,
            middlewares: Vec::new(),
            keep_alives_enabled: true,
        }
    }
}

impl GrpcServerConfig {
    /// Listens and serves `routes`. `host` knows the authenticator, and the sockets that are handed on.
    pub async fn serve(&self, routes: Vec<Route>, host: &Host) -> Result<Server, ListenError> {
        let settings = self.settings()?;
        let authenticator = self.auth.get().and_then(|auth| auth.authenticator.as_ref());
        let grpc = Grpc {
            routes: Routes(routes),
            guard: Guard::new(host, authenticator, self.include_metadata)?,
            max_message: self.max_message(),
            budgets: budgets(&self.middlewares, host)?,
            mixed_up: Seldom::default(),
        };
        Server::start(listen::listen(self.transport, &self.endpoint, host).await?, grpc, settings)
    }

    fn settings(&self) -> Result<Settings, ListenError> {
        let settings = Settings {
            h2_without_alpn: true,
            streams_max: if self.max_concurrent_streams == 0 {
                STREAMS_MAX
            } else {
                self.max_concurrent_streams
            },
            read_buffer: match usize::try_from(self.read_buffer_size) {
                Ok(bytes @ 1..) => bytes,
                _ => READ_BUFFER,
            },
            write_buffer: match usize::try_from(self.write_buffer_size) {
                Ok(bytes @ 1..) => bytes,
                _ => WRITE_BUFFER,
            },
            ..Settings::new(self.tls.get().map(|tls| tls.load(&[b"h2"])).transpose()?)
        };
        let settings = match self.keepalive.get().and_then(|keepalive| keepalive.server_parameters.get()) {
            Some(parameters) => parameters.apply(settings),
            None => ServerParameters::default().apply(settings),
        };
        let policy = self.keepalive.get().and_then(|keepalive| keepalive.enforcement_policy.get());
        let ping_policy = Some(PingPolicy::from(policy.unwrap_or(&EnforcementPolicy::default())));
        Ok(Settings { ping_policy, ..settings })
    }

    pub(super) fn max_message(&self) -> usize {
        match usize::try_from(self.max_recv_msg_size_mib) {
            Ok(mib @ 1..) => mib * MIB,
            _ => MESSAGE_MAX,
        }
    }
}

impl ServerParameters {
    fn apply(&self, settings: Settings) -> Settings {
        /// What a duration of zero stands for.
        fn or(configured: ConfDuration, default: Duration) -> Duration {
            if configured.is_zero() { default } else { configured.to_std() }
        }
        let positive = |duration: ConfDuration| (!duration.is_zero()).then(|| duration.to_std());
        Settings {
            patience: Patience { idle: self.max_connection_idle.to_std(), ..settings.patience },
            ping: Some(Ping {
                interval: or(self.time, Duration::from_hours(2)),
                timeout: or(self.timeout, Duration::from_secs(20)),
            }),
            age: positive(self.max_connection_age)
                .map(|max| Age { max, grace: positive(self.max_connection_age_grace) }),
            ..settings
        }
    }
}

impl HttpServerConfig {
    /// The defaults of a server of pages, with the times of the Go collector's.
    pub fn of_site(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            read_header_timeout: ConfDuration::from_secs(60),
            write_timeout: ConfDuration::from_secs(30),
            idle_timeout: ConfDuration::from_secs(60),
            ..Self::default()
        }
    }

    /// Listens and serves `routes`. `host` knows the authenticator, and the sockets that are handed on.
    pub async fn serve(&self, routes: Vec<Route>, host: &Host) -> Result<Server, ListenError> {
        let (settings, http) = (self.settings()?, self.http(routes, host)?);
        Server::start(listen::listen(self.transport, &self.endpoint, host).await?, http, settings)
    }

    /// As [`serve`](Self::serve), but what is served is read with GET.
    pub(super) async fn serve_site(&self, site: Arc<dyn Site>, host: &Host) -> Result<Server, ListenError> {
        let (settings, pages) = (self.settings()?, Pages { http: self.http(Vec::new(), host)?, site });
        Server::start(listen::listen(self.transport, &self.endpoint, host).await?, pages, settings)
    }

    fn settings(&self) -> Result<Settings, ListenError> {
        let settings = Settings::new(self.tls.get().map(|tls| tls.load(&[b"h2", b"http/1.1"])).transpose()?);
        Ok(Settings {
            h1_keep_alive: self.keep_alives_enabled,
            patience: Patience {
                idle: self.idle_timeout.to_std(),
                head: self.read_header_timeout.to_std(),
                stall: if self.write_timeout.is_zero() { STALL_TIMEOUT } else { self.write_timeout.to_std() },
                ..settings.patience
            },
            ..settings
        })
    }

    fn http(&self, routes: Vec<Route>, host: &Host) -> Result<Http, ListenError> {
        if self.cors.get().is_some_and(CorsConfig::lacks_origins) {
            tell!(ReceiverCorsIgnored);
        }
        let auth = self.auth.get();
        let authenticator = auth.and_then(|auth| auth.authenticator.as_ref());
        Ok(Http {
            routes: Routes(routes),
            guard: Guard::new(host, authenticator, self.include_metadata)?
                .with_params(auth.map(|auth| &auth.request_params[..]).unwrap_or_default()),
            cors: self.cors.get().and_then(Cors::new),
            budgets: budgets(&self.middlewares, host)?,
            write_timeout: self.write_timeout.to_std(),
            mixed_up: Seldom::default(),
            max_body: self.max_body(),
            read_timeout: self.read_timeout.to_std(),
            encodings: self.encodings(),
            response_headers: self.response_headers(),
        })
    }

    pub(super) fn max_body(&self) -> usize {
        match usize::try_from(self.max_request_body_size) {
            Ok(bytes @ 1..) => bytes,
            _ => MESSAGE_MAX,
        }
    }

    fn encodings(&self) -> Encodings {
        match &self.compression_algorithms[..] {
            [] => Encodings::Undecoded,
            names => Encodings::Decoded(names.iter().filter_map(|name| encoding_of(name)).collect()),
        }
    }

    /// The valid ones, which are all when the configuration is.
    fn response_headers(&self) -> HeaderMap {
        let parsed = |(name, value): (&str, &etalon_conf::Secret)| {
            let value = HeaderValue::from_str(value.expose()).ok()?;
            Some((name.parse::<HeaderName>().ok()?, value))
        };
        self.response_headers.iter().filter_map(parsed).collect()
    }
}

impl Validate for GrpcServerConfig {
    fn validate(&self, check: &mut Check) {
        self.transport.check_endpoint(check, &self.endpoint);
        check.field("tls", &self.tls);
        let mib = self.max_recv_msg_size_mib;
        if !(0..=MESSAGE_MIB_LIMIT).contains(&mib) {
            check.error(format!(
                "invalid max_recv_msg_size_mib value, must be between 1 and {MESSAGE_MIB_LIMIT}: {mib}"
            ));
        }
        for (key, size) in
            [("read_buffer_size", self.read_buffer_size), ("write_buffer_size", self.write_buffer_size)]
        {
            if !(0..=BUFFER_LIMIT).contains(&size) {
                check.error_with_help(
                    format!("invalid {key} value: {size}"),
                    format!("each connection has a buffer of this size; use at most {BUFFER_LIMIT} bytes"),
                );
            }
        }
        check.field("keepalive", &self.keepalive);
        check.field("dialer", &self.dialer);
        check.field("auth", &self.auth);
        check_server_middlewares(&self.middlewares, check);
    }
}

impl Validate for Keepalive {
    fn validate(&self, check: &mut Check) {
        check.field("server_parameters", &self.server_parameters);
        check.field("enforcement_policy", &self.enforcement_policy);
    }
}

impl Validate for ServerParameters {
    fn validate(&self, check: &mut Check) {
        for (key, duration) in [
            ("max_connection_idle", self.max_connection_idle),
            ("max_connection_age", self.max_connection_age),
            ("max_connection_age_grace", self.max_connection_age_grace),
            ("time", self.time),
            ("timeout", self.timeout),
        ] {
            not_negative(check, key, duration);
        }
    }
}

impl Validate for HttpServerConfig {
    fn validate(&self, check: &mut Check) {
        self.transport.check_endpoint(check, &self.endpoint);
        check.field("tls", &self.tls);
        check.at("response_headers", |check| {
            for (name, value) in self.response_headers.iter() {
                if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value.expose()).is_err() {
                    check.at(name, |check| check.error("not a valid HTTP header field"));
                }
            }
        });
        check.at("compression_algorithms", |check| {
            for (index, name) in self.compression_algorithms.iter().enumerate() {
                if encoding_of(name).is_none() {
                    check.at(index, |check| check.error(format!("unsupported compression type {name:?}")));
                }
            }
        });
        not_negative(check, "read_timeout", self.read_timeout);
        not_negative(check, "read_header_timeout", self.read_header_timeout);
        not_negative(check, "write_timeout", self.write_timeout);
        not_negative(check, "idle_timeout", self.idle_timeout);
        check.field("dialer", &self.dialer);
        check.field("cors", &self.cors);
        check.field("auth", &self.auth);
        check_server_middlewares(&self.middlewares, check);
    }
}

fn not_negative(check: &mut Check, key: &str, duration: ConfDuration) {
    if duration.is_negative() {
        check.at(key, |check| check.error(format!("must not be negative: {duration}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_have_the_sizes_that_are_configured() {
        let default = GrpcServerConfig::default().settings().unwrap();
        assert_eq!((default.read_buffer, default.write_buffer), (READ_BUFFER, WRITE_BUFFER));
        let config = GrpcServerConfig {
            read_buffer_size: 1000,
            write_buffer_size: 2000,
            ..GrpcServerConfig::default()
        };
        let settings = config.settings().unwrap();
        assert_eq!((settings.read_buffer, settings.write_buffer), (1000, 2000));
    }
}
