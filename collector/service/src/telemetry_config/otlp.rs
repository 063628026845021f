//! A destination that the collector's own telemetry is sent to as OTLP.

use std::time::Duration;

use etalon_conf::{Check, MapList, Validate};
use etalon_pdata::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Unsupported;

/// A destination that takes OTLP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct OtlpConfig {
    /// How it is spoken to: `grpc` or `http/protobuf`. Must be given.
    protocol: Option<Protocol>,
    /// Where it is: `host:port`, perhaps after `http://` or `https://`. Without those it is `https://`, or with
    /// `insecure: true` `http://`. The path of HTTP is `/v1/` and the signal where none is given. Must be given.
    endpoint: Option<String>,
    /// Whether an endpoint without a scheme is spoken to in plaintext.
    insecure: Option<bool>,
    /// File with the authorities of the destination's certificate, PEM. Unset is those of the system.
    certificate: Option<String>,
    /// File with the collector's own certificate, PEM, for destinations that ask for one.
    client_certificate: Option<String>,
    /// File with the key of that certificate, PEM.
    client_key: Option<String>,
    /// How requests are compressed: `gzip` or `none`. Unset is `none`.
    compression: Option<PushCompression>,
    /// Metadata that is sent with each request.
    headers: MapList,
    /// Not supported: metadata in one text. Use `headers`.
    headers_list: Option<Unsupported>,
    /// Longest time for one attempt, in milliseconds. More than 0.
    timeout: i64,
}

/// Standard output. Nothing more to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Console {}

/// How a destination is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// HTTP, with binary protobuf.
    #[serde(rename = "http/protobuf")]
    Http,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum PushCompression {
    Gzip,
    None,
}

/// What a distribution needs to know to send the collector's own telemetry.
#[derive(Clone, Debug)]
pub struct OtlpPush {
    /// What is sent.
    pub signal: Signal,
    /// How the destination is spoken to.
    pub protocol: Protocol,
    /// `http://` or `https://`, host and port, and for HTTP the path.
    pub endpoint: String,
    /// File with the authorities of the destination's certificate, PEM; empty for those of the system.
    pub ca_file: String,
    /// File with the own certificate, PEM; empty for none.
    pub cert_file: String,
    /// File with the key of that certificate, PEM; empty for none.
    pub key_file: String,
    /// Whether requests are compressed with gzip.
    pub gzip: bool,
    /// Sent with each request.
    pub headers: MapList,
    /// Sent with each request too: by it the collector knows its own telemetry when it comes back to it.
    pub mark: (&'static str, String),
    /// For one attempt.
    pub timeout: Duration,
}

/// This distribution cannot send the collector's own telemetry as OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this distribution cannot send its own telemetry as OTLP")]
pub struct OtlpPushError;

/// Where telemetry is sent to.
pub(crate) enum PushTo {
    Otlp(OtlpConfig),
    Console,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            protocol: None,
            endpoint: None,
            insecure: None,
            certificate: None,
            client_certificate: None,
            client_key: None,
            compression: None,
            headers: MapList::new(),
            headers_list: None,
            timeout: 10_000,
        }
    }
}

impl OtlpConfig {
    /// What to send `signal` with; nothing when this is not valid.
    pub(crate) fn push(&self, signal: Signal, mark: (&'static str, String)) -> Option<OtlpPush> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let protocol = self.protocol?;
        Some(OtlpPush {
            signal,
            protocol,
            endpoint: self.url(protocol, signal)?,
            ca_file: text(&self.certificate),
            cert_file: text(&self.client_certificate),
            key_file: text(&self.client_key),
            gzip: self.compression == Some(PushCompression::Gzip),
            headers: self.headers.clone(),
            mark,
            timeout: milliseconds(self.timeout),
        })
    }

    fn url(&self, protocol: Protocol, signal: Signal) -> Option<String> {
        let endpoint = self.endpoint.as_deref()?;
        let url = match (endpoint.contains("://"), self.insecure) {
            (true, _) => endpoint.to_owned(),
            (false, Some(true)) => format!("http://{endpoint}"),
            (false, _) => format!("https://{endpoint}"),
        };
        let (_, after_scheme) = url.split_once("://")?;
        let path = after_scheme.find('/').map_or("", |start| &after_scheme[start..]);
        Some(match (protocol, path) {
            (Protocol::Http, "" | "/") => format!("{}{}", url.trim_end_matches('/'), signal.http_path),
            (Protocol::Grpc, "/") => url.trim_end_matches('/').to_owned(),
            _ => url,
        })
    }
}

impl Validate for OtlpConfig {
    fn validate(&self, check: &mut Check) {
        if self.protocol.is_none() {
            check.at("protocol", |check| check.error("is required"));
        }
        if self.endpoint.as_deref().is_none_or(str::is_empty) {
            check.at("endpoint", |check| check.error("is required"));
        }
        if self.headers_list.is_some() {
            check.at("headers_list", |check| check.error("is not supported yet by this version"));
        }
        if self.client_certificate.is_some() != self.client_key.is_some() {
            check.error("client_certificate and client_key must be given together");
        }
        positive(check, "timeout", self.timeout);
    }
}

pub(super) fn positive(check: &mut Check, key: &str, value: i64) {
    if value <= 0 {
        check.at(key, |check| check.error("must be more than 0"));
    }
}

pub(super) fn milliseconds(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use etalon_pdata::{LOGS, METRICS, TRACES};

    use super::*;

    #[test]
    fn the_endpoint_gets_a_scheme_and_for_http_a_path() {
        let url = |protocol, signal, endpoint: &str, insecure| {
            let endpoint = Some(endpoint.to_owned());
            let config = OtlpConfig { endpoint, insecure: Some(insecure), ..OtlpConfig::default() };
            config.url(protocol, signal).unwrap()
        };
        for (protocol, signal, endpoint, insecure, expected) in [
            (Protocol::Grpc, METRICS, "b.test:4317", false, "https://b.test:4317"),
            (Protocol::Grpc, METRICS, "b.test:4317", true, "http://b.test:4317"),
            (Protocol::Grpc, TRACES, "http://b.test:4317/", false, "http://b.test:4317"),
            (Protocol::Http, METRICS, "b.test:4318", true, "http://b.test:4318/v1/metrics"),
            (Protocol::Http, TRACES, "b.test:4318", true, "http://b.test:4318/v1/traces"),
            (Protocol::Http, LOGS, "https://b.test/", true, "https://b.test/v1/logs"),
            (Protocol::Http, LOGS, "https://b.test/own", false, "https://b.test/own"),
        ] {
            assert_eq!(url(protocol, signal, endpoint, insecure), expected);
        }
    }
}
