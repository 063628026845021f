//! What users write about the receiver.

use etalon_component::Facts;
use etalon_conf::{Check, Optional, Validate};
use etalon_net::server::{GrpcServerConfig, HttpServerConfig};
use etalon_pdata::Signal;
use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Receives OTLP over gRPC and HTTP.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// What it listens to. At least one must be written.
    pub protocols: Protocols,
}

/// The protocols. Each is on as soon as its key is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Protocols {
    /// OTLP/gRPC.
    pub grpc: Optional<GrpcServerConfig>,
    /// OTLP/HTTP.
    pub http: Optional<HttpConfig>,
}

/// OTLP/HTTP: a server, and the paths that it serves.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(HttpServerConfig, Paths)", into = "(HttpServerConfig, Paths)")]
pub struct HttpConfig {
    /// The server.
    pub server: HttpServerConfig,
    /// The paths.
    pub paths: Paths,
}

/// Paths that can be changed. A signal without a key here is served at its own path.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Paths {
    /// Path at which traces are received.
    pub traces_url_path: String,
    /// Path at which metrics are received.
    pub metrics_url_path: String,
    /// Path at which logs are received.
    pub logs_url_path: String,
}

impl Default for Protocols {
    fn default() -> Self {
        let grpc = GrpcServerConfig { endpoint: "localhost:4317".to_owned(), ..GrpcServerConfig::default() };
        let server =
            HttpServerConfig { endpoint: "localhost:4318".to_owned(), ..HttpServerConfig::default() };
        Self {
            grpc: Optional::off(grpc),
            http: Optional::off(HttpConfig { server, paths: Paths::default() }),
        }
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            traces_url_path: "/v1/traces".to_owned(),
            metrics_url_path: "/v1/metrics".to_owned(),
            logs_url_path: "/v1/logs".to_owned(),
        }
    }
}

etalon_conf::joined!(HttpConfig { server: HttpServerConfig, paths: Paths });

impl Config {
    pub(crate) fn facts(&self) -> Facts {
        let Protocols { grpc, http } = &self.protocols;
        let grpc = grpc.get().map(|grpc| grpc.facts("protocols::grpc"));
        let http = http.get().map(|http| http.server.facts("protocols::http"));
        Facts { listeners: grpc.into_iter().chain(http).collect(), ..Facts::default() }
    }
}

impl Paths {
    /// Where requests of a signal are served.
    pub(crate) fn of(&self, signal: Signal) -> String {
        let mut configured = self.keys().into_iter();
        match configured.find(|(key, _)| key.strip_suffix("_url_path") == Some(signal.name)) {
            Some((_, path)) => rooted(path),
            None => signal.http_path.to_owned(),
        }
    }

    fn keys(&self) -> [(&'static str, &str); 3] {
        [
            ("traces_url_path", &self.traces_url_path),
            ("metrics_url_path", &self.metrics_url_path),
            ("logs_url_path", &self.logs_url_path),
        ]
    }
}

/// A path as requests have it.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if !self.protocols.grpc.is_on() && !self.protocols.http.is_on() {
            check.error_with_help(
                "must specify at least one protocol when using the OTLP receiver",
                "write `grpc:` or `http:` below `protocols:`",
            );
        }
        check.at("protocols", |check| {
            check.field("grpc", &self.protocols.grpc);
            check.field("http", &self.protocols.http);
        });
    }
}

impl Validate for HttpConfig {
    fn validate(&self, check: &mut Check) {
        self.server.validate(check);
        for (key, path) in self.paths.keys() {
            let problem = match rooted(path).parse::<Uri>() {
                Ok(uri) if uri.query().is_none() => continue,
                Ok(_) => "a path has no query".to_owned(),
                Err(error) => error.to_string(),
            };
            check.at(key, |check| check.error(format!("invalid HTTP URL path set for signal: {problem}")));
        }
    }
}
