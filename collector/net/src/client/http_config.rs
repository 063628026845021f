//! The configuration of an HTTP client: the keys of Go's `confighttp`.

use etalon_conf::{Check, Duration, MapList, Optional, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::{HttpClient, HttpClientError};
use super::message::forwarded;
use super::proxy::Proxy;
use super::with_causes;
use crate::auth::{AuthConfig, MiddlewareConfig, check_middlewares};
use crate::compression::Compression;
use crate::tls::TlsClientConfig;

/// A larger buffer is refused, in bytes: it is held once per connection.
const BUFFER_BYTES_MAX: i64 = 64 * 1024 * 1024;

/// An HTTP client.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpClientConfig {
    /// URL to send to, as `https://host:4318`; the path of the signal is appended. `https` is with TLS.
    pub endpoint: String,
    /// URL of the HTTP proxy, perhaps with user and password. Empty means that of the environment, if any.
    pub proxy_url: Secret,
    /// TLS, for URLs with `https`. `insecure` has no meaning here.
    pub tls: TlsClientConfig,
    /// Most bytes that are read from a connection at once, up to 64 MiB. 0 is 4 KiB.
    pub read_buffer_size: i64,
    /// Bytes that are collected before they are written, beside the message itself, up to 64 MiB. 0 is 4 KiB.
    pub write_buffer_size: i64,
    /// Longest time for one request and its answer. 0 is without limit.
    pub timeout: Duration,
    /// Header fields that are sent with each request, instead of what would be sent under that name.
    pub headers: MapList,
    /// What lets the client in. Off means nothing.
    pub auth: Optional<AuthConfig>,
    /// How requests are compressed. Empty is `none`.
    pub compression: Compression,
    /// How `compression` is done.
    pub compression_params: CompressionParams,
    /// Most connections that are kept while unused. 0 is without limit.
    pub max_idle_conns: i64,
    /// The same for one host, and an exporter has one: the smaller number counts. 0 is without limit.
    pub max_idle_conns_per_host: i64,
    /// Most connections in all. 0 is without limit.
    pub max_conns_per_host: i64,
    /// An unused connection is closed after this time. 0 is never.
    pub idle_conn_timeout: Duration,
    /// Whether each request has a connection of its own.
    pub disable_keep_alives: bool,
    /// An HTTP/2 connection on which nothing arrives for this time is pinged. 0 is never.
    pub http2_read_idle_timeout: Duration,
    /// An HTTP/2 connection on which a ping stays unanswered for this time is given up. 0 is 15 s.
    pub http2_ping_timeout: Duration,
    /// Whether cookies that the server sets are sent back to it.
    pub cookies: Optional<CookiesConfig>,
    /// Whether to speak HTTP/2 to a server that has it over TLS.
    pub force_attempt_http2: bool,
    /// Extensions that look at requests: this version has none.
    pub middlewares: Vec<MiddlewareConfig>,
}

/// How compression is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CompressionParams {
    /// Level of compression. 0 is the default of the encoding. gzip, zlib and deflate have 1 to 9, zstd any
    /// number, the others none.
    pub level: i32,
}

/// The keys of `cookies`, which has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CookiesConfig {}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            proxy_url: Secret::default(),
            tls: TlsClientConfig::default(),
            read_buffer_size: 0,
            write_buffer_size: 0,
            timeout: Duration::ZERO,
            headers: MapList::new(),
            auth: Optional::none(),
            compression: Compression::None,
            compression_params: CompressionParams::default(),
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            max_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            http2_read_idle_timeout: Duration::ZERO,
            http2_ping_timeout: Duration::ZERO,
            cookies: Optional::none(),
            force_attempt_http2: true,
            middlewares: Vec::new(),
        }
    }
}

impl HttpClientConfig {
    /// Name of the encoding in which the client sends on what arrived in it, instead of compressing anew.
    pub fn forwards(&self) -> Option<&'static str> {
        forwarded(self.compression, self.compression_params.level)
    }

    /// Makes a client that posts to `url`. `user_agent` is the distribution's. Reads the files of `tls`.
    pub fn client(&self, url: &str, user_agent: &str) -> Result<HttpClient, HttpClientError> {
        HttpClient::new(self, url, user_agent)
    }
}

impl Validate for HttpClientConfig {
    fn validate(&self, check: &mut Check) {
        if !self.proxy_url.is_empty()
            && let Err(error) = Proxy::parse(self.proxy_url.expose(), "proxy_url")
        {
            check.at("proxy_url", |check| {
                check.error_with_help(with_causes(&error), "write it as http://host:3128");
            });
        }
        check.field("tls", &self.tls);
        for (key, size) in
            [("read_buffer_size", self.read_buffer_size), ("write_buffer_size", self.write_buffer_size)]
        {
            if size > BUFFER_BYTES_MAX {
                check.at(key, |check| check.error(format!("must be at most {BUFFER_BYTES_MAX} bytes")));
            }
        }
        for (key, duration) in [
            ("timeout", self.timeout),
            ("idle_conn_timeout", self.idle_conn_timeout),
            ("http2_read_idle_timeout", self.http2_read_idle_timeout),
            ("http2_ping_timeout", self.http2_ping_timeout),
        ] {
            if duration.is_negative() {
                check.at(key, |check| check.error(format!("'{key}' must be non-negative")));
            }
        }
        if let Err(error) = self.compression.check_level(self.compression_params.level) {
            check.at("compression_params", |check| check.error(error.to_string()));
        }
        check.field("auth", &self.auth);
        check_middlewares(&self.middlewares, check);
    }
}
