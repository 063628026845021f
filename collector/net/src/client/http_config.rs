//! The configuration of an HTTP client: the keys of Go's `confighttp`.

use etalon_conf::{Check, Duration, MapList, Optional, Validate};
use serde::{Deserialize, Serialize};

use super::http::{HttpClient, HttpClientError};
use crate::compression::Compression;
use crate::server::Unsupported;
use crate::tls::TlsClientConfig;

/// A larger buffer is refused, in bytes: it is held once per connection.
const BUFFER_BYTES_MAX: i64 = 64 * 1024 * 1024;

/// An HTTP client, as a user configures it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpClientConfig {
    /// URL. Its scheme decides whether there is TLS.
    pub endpoint: String,
    /// Not supported.
    pub proxy_url: Unsupported,
    /// For `https://`. `insecure` has no meaning here.
    pub tls: TlsClientConfig,
    /// Bytes that one read from a connection may bring. 0 is 4 KiB.
    pub read_buffer_size: i64,
    /// Bytes that are gathered before they are written, beside the message itself. 0 is 4 KiB.
    pub write_buffer_size: i64,
    /// Of one request and its answer. 0 is without limit.
    pub timeout: Duration,
    /// Sent with each request, instead of what the client would send under that name.
    pub headers: MapList,
    /// Not supported.
    pub auth: Unsupported,
    /// Of requests.
    pub compression: Compression,
    /// How `compression` is done.
    pub compression_params: CompressionParams,
    /// Connections that are kept while unused. 0 is without limit.
    pub max_idle_conns: i64,
    /// The same for one host, and a client has one. 0 is [`IDLE_CONNECTIONS`](super::IDLE_CONNECTIONS).
    pub max_idle_conns_per_host: i64,
    /// Connections in all. 0 is without limit.
    pub max_conns_per_host: i64,
    /// An unused connection is closed after this time. 0 is never.
    pub idle_conn_timeout: Duration,
    /// Whether each request has a connection of its own.
    pub disable_keep_alives: bool,
    /// Not supported.
    pub http2_read_idle_timeout: Unsupported,
    /// Not supported.
    pub http2_ping_timeout: Unsupported,
    /// Not supported.
    pub cookies: Optional<CookiesConfig>,
    /// Whether to try HTTP/2 over TLS. It is a wish: this version speaks HTTP/1.1 to every server.
    pub force_attempt_http2: bool,
    /// Not supported.
    pub middlewares: Unsupported,
}

/// How compression is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompressionParams {
    /// Level. 0 is the default of the encoding.
    pub level: i32,
}

/// The keys of `cookies`, which has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CookiesConfig {}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            proxy_url: Unsupported::default(),
            tls: TlsClientConfig::default(),
            read_buffer_size: 0,
            write_buffer_size: 0,
            timeout: Duration::ZERO,
            headers: MapList::new(),
            auth: Unsupported::default(),
            compression: Compression::None,
            compression_params: CompressionParams::default(),
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            max_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            http2_read_idle_timeout: Unsupported::default(),
            http2_ping_timeout: Unsupported::default(),
            cookies: Optional::none(),
            force_attempt_http2: true,
            middlewares: Unsupported::default(),
        }
    }
}

impl HttpClientConfig {
    /// Makes a client that posts to `url`. `user_agent` is the distribution's. Reads the files of `tls`.
    pub fn client(&self, url: &str, user_agent: &str) -> Result<HttpClient, HttpClientError> {
        HttpClient::new(self, url, user_agent)
    }
}

impl Validate for HttpClientConfig {
    fn validate(&self, check: &mut Check) {
        check.field("proxy_url", &self.proxy_url);
        check.field("tls", &self.tls);
        for (key, size) in
            [("read_buffer_size", self.read_buffer_size), ("write_buffer_size", self.write_buffer_size)]
        {
            if size > BUFFER_BYTES_MAX {
                check.at(key, |check| check.error(format!("must be at most {BUFFER_BYTES_MAX} bytes")));
            }
        }
        for (key, duration) in [("timeout", self.timeout), ("idle_conn_timeout", self.idle_conn_timeout)] {
            if duration.is_negative() {
                check.at(key, |check| check.error(format!("'{key}' must be non-negative")));
            }
        }
        if let Err(error) = self.compression.check_level(self.compression_params.level) {
            check.at("compression_params", |check| check.error(error.to_string()));
        }
        for (key, unsupported) in [
            ("auth", &self.auth),
            ("http2_read_idle_timeout", &self.http2_read_idle_timeout),
            ("http2_ping_timeout", &self.http2_ping_timeout),
            ("middlewares", &self.middlewares),
        ] {
            check.field(key, unsupported);
        }
        if self.cookies.is_on() {
            check.at("cookies", |check| {
                check.error_with_help("this key is not supported yet by this version", "remove it");
            });
        }
    }
}
