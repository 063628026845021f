//! The configuration of a gRPC client: the keys of Go's `configgrpc`.

use std::time::Duration as StdDuration;

use etalon_conf::{Check, Duration, MapList, Optional, Validate};
use etalon_telemetry::tell;
use rustls_pki_types::ServerName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connection::{ConnectionSettings, KeepAlive};
use super::dial::{Route, Tls};
use super::endpoint::{EndpointError, GrpcEndpoint, Scheme};
use super::grpc::{GrpcClient, GrpcSettings, MetadataError};
use super::grpc_channel::Balancer;
use super::message::forwarded;
use super::proxy::{ProxyEnvironment, ProxyError};
use super::target::Place;
use crate::auth::{AuthConfig, MiddlewareConfig, check_middlewares};
use crate::compression::{Compression, UnknownCompression};
use crate::tls::{TlsClientConfig, TlsError};

/// Buffer size where the configuration says 0, in bytes, as in grpc-go.
const BUFFER_BYTES_DEFAULT: usize = 32 * 1024;
/// A larger buffer is refused, in bytes: it is held once per connection.
const BUFFER_BYTES_MAX: i64 = 64 * 1024 * 1024;
/// Pings may not be sent more often.
const PING_INTERVAL_MIN: StdDuration = StdDuration::from_secs(10);
/// How long to wait for the answer to a ping where the configuration says 0.
const PING_TIMEOUT_DEFAULT: StdDuration = StdDuration::from_secs(20);

/// A gRPC client.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GrpcClientConfig {
    /// Where to send to: `host:port`, perhaps after `http://`, `https://` or `dns:///`; or `unix:///path`.
    pub endpoint: String,
    /// How requests are compressed: gRPC has `gzip`, `zstd`, `snappy` and `none` of these. Empty is `none`.
    pub compression: Compression,
    /// TLS. It is on unless this says `insecure: true`.
    pub tls: TlsClientConfig,
    /// Pings on a connection that is silent.
    pub keepalive: Optional<KeepAliveConfig>,
    /// Most bytes that are read from a connection at once, up to 64 MiB. 0 is 32 KiB.
    pub read_buffer_size: i64,
    /// Bytes that are collected before they are written to a connection, up to 64 MiB. 0 is 32 KiB.
    pub write_buffer_size: i64,
    /// Whether a call waits for a connection even after an attempt to connect has failed.
    pub wait_for_ready: bool,
    /// Metadata that is sent with each call, unless gRPC sends a field of that name itself.
    pub headers: MapList,
    /// First part of the `user-agent`. Empty is name and version of the collector.
    pub user_agent: String,
    /// How connections are chosen where the name has several addresses: `round_robin` or `pick_first`. Empty is
    /// `pick_first`.
    pub balancer_name: String,
    /// Value of `:authority`. Empty is the name that TLS verifies, or else the endpoint.
    pub authority: String,
    /// What lets the client in.
    pub auth: Optional<AuthConfig>,
    /// Extensions that look at requests: this version has none.
    pub middlewares: Vec<MiddlewareConfig>,
}

/// Pings on a silent connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeepAliveConfig {
    /// Time between two pings. Less than 10 s is 10 s.
    pub time: Duration,
    /// A connection on which a ping stays unanswered for this time is given up. 0 is 20 s.
    pub timeout: Duration,
    /// Whether to ping without a call in flight.
    pub permit_without_stream: bool,
}

/// Why a client cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The endpoint cannot be used.
    #[error("invalid endpoint")]
    Endpoint(#[source] EndpointError),
    /// The TLS section cannot be used.
    #[error("failed to load TLS config")]
    Tls(#[source] TlsError),
    /// There is no such balancer.
    #[error("invalid balancer_name: {0}")]
    Balancer(String),
    /// The proxy of the environment cannot be used.
    #[error("cannot connect through a proxy")]
    Proxy(#[source] ProxyError),
    /// gRPC does not have this compression.
    #[error("cannot compress")]
    Compression(#[source] UnknownCompression),
    /// TLS cannot verify this host.
    #[error("\"{0}\" is not a name that a certificate can be valid for")]
    ServerName(String),
    /// A header cannot be sent.
    #[error("invalid headers")]
    Metadata(#[source] MetadataError),
}

impl GrpcClientConfig {
    /// What the endpoint says. It must have been validated.
    pub fn parsed_endpoint(&self) -> Result<GrpcEndpoint, EndpointError> {
        GrpcEndpoint::parse(&self.endpoint)
    }

    /// Name of the encoding in which the client sends on what arrived in it, instead of compressing anew.
    pub fn forwards(&self) -> Option<&'static str> {
        forwarded(self.compression, 0)
    }

    /// Makes a client that is not started. `user_agent` is the distribution's. Reads the files of `tls`.
    pub fn client(&self, user_agent: &str) -> Result<GrpcClient, ClientError> {
        let endpoint = self.parsed_endpoint().map_err(ClientError::Endpoint)?;
        let tls = self.tls(&endpoint)?;
        let has_tls = tls.is_some();
        let authority = match (&self.authority, &self.tls.server_name_override) {
            (authority, _) if !authority.is_empty() => authority.clone(),
            (_, name) if !name.is_empty() && has_tls => name.clone(),
            _ => endpoint.authority(),
        };
        let (place, route) = self.way(&endpoint, tls).map_err(ClientError::Proxy)?;
        let agent = if self.user_agent.is_empty() { user_agent } else { &self.user_agent };
        let settings = GrpcSettings {
            balancer: match endpoint.scheme() {
                Scheme::Passthrough | Scheme::Unix => Balancer::PickFirst,
                Scheme::Dns | Scheme::Http | Scheme::Https => self.balancer()?,
            },
            place,
            connection: ConnectionSettings {
                route,
                read_buffer: buffer_size(self.read_buffer_size),
                write_buffer: buffer_size(self.write_buffer_size),
                keepalive: self.keepalive.get().map(KeepAliveConfig::settings),
            },
            authority,
            user_agent: format!("{agent} etalon-grpc/{}", env!("CARGO_PKG_VERSION")),
            metadata: self
                .headers
                .iter()
                .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
                .collect(),
            compression: self.compression.on_grpc().map_err(ClientError::Compression)?,
            wait_for_ready: self.wait_for_ready,
            auth: self.auth.clone(),
        };
        GrpcClient::new(settings).map_err(ClientError::Metadata)
    }

    fn tls(&self, endpoint: &GrpcEndpoint) -> Result<Option<Tls>, ClientError> {
        if !self.tls.is_wanted() && endpoint.scheme() != Scheme::Https {
            return Ok(None);
        }
        let config = self.tls.load(&[b"h2"]).map_err(ClientError::Tls)?;
        let name = match self.tls.server_name_override.as_str() {
            "" => endpoint.server_name(),
            name => name,
        };
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| ClientError::ServerName(name.to_owned()))?;
        Ok(Some(Tls { config, name }))
    }

    /// What to connect to, and how to get from there to the endpoint. As in grpc-go, the proxy of the
    /// environment for `https` counts, with TLS or without.
    fn way(&self, endpoint: &GrpcEndpoint, tls: Option<Tls>) -> Result<(Place, Route), ProxyError> {
        let Place::Host(target) = &endpoint.place else {
            return Ok((endpoint.place.clone(), Route { tunnel: None, tls }));
        };
        let Some(proxy) = ProxyEnvironment::of_process().proxy_for(true, target)? else {
            return Ok((endpoint.place.clone(), Route { tunnel: None, tls }));
        };
        tell!(ExporterProxyUsed {
            what: &"Connections",
            proxy: &proxy.target.authority(),
            endpoint: &target.authority(),
        });
        let route = proxy.route(target, tls, &self.tls)?;
        Ok((Place::Host(proxy.target), route))
    }

    fn balancer(&self) -> Result<Balancer, ClientError> {
        match self.balancer_name.as_str() {
            "" | "pick_first" => Ok(Balancer::PickFirst),
            "round_robin" => Ok(Balancer::RoundRobin),
            other => Err(ClientError::Balancer(other.to_owned())),
        }
    }
}

impl KeepAliveConfig {
    fn settings(&self) -> KeepAlive {
        let timeout = self.timeout.to_std();
        KeepAlive {
            every: self.time.to_std().max(PING_INTERVAL_MIN),
            timeout: if timeout.is_zero() { PING_TIMEOUT_DEFAULT } else { timeout },
            while_idle: self.permit_without_stream,
        }
    }
}

fn buffer_size(configured: i64) -> usize {
    usize::try_from(configured).ok().filter(|size| *size > 0).unwrap_or(BUFFER_BYTES_DEFAULT)
}

impl Validate for GrpcClientConfig {
    fn validate(&self, check: &mut Check) {
        if !self.endpoint.is_empty()
            && let Err(error) = self.parsed_endpoint()
        {
            check.at("endpoint", |check| check.error(error.to_string()));
        }
        if let Err(error) = self.balancer() {
            check.at("balancer_name", |check| {
                check.error_with_help(error.to_string(), "use round_robin or pick_first");
            });
        }
        if let Err(error) = self.compression.on_grpc() {
            check.at("compression", |check| {
                check.error_with_help(error.to_string(), "use gzip, snappy, zstd or none");
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
        check.field("auth", &self.auth);
        check_middlewares(&self.middlewares, check);
    }
}
