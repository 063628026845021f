//! `periodic` of a reader: metrics that are pushed.

use std::time::Duration;

use etalon_conf::{Check, MapList, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::telemetry_config::Unsupported;

/// `periodic` of a reader: metrics that are pushed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct PeriodicConfig {
    /// Time between two pushes, in milliseconds. More than 0.
    interval: i64,
    /// Longest time for one push, attempts to repeat it included, in milliseconds. More than 0.
    timeout: i64,
    /// Where metrics are pushed to.
    exporter: PeriodicExporterConfig,
}

/// `periodic.exporter` of a reader. One of its keys must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct PeriodicExporterConfig {
    /// A destination that takes OTLP.
    otlp: Option<OtlpPushConfig>,
    /// Standard output, a line of OTLP's JSON for each push: `{}`.
    console: Option<Console>,
}

/// Nothing more to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Console {}

/// A destination that takes OTLP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct OtlpPushConfig {
    /// How it is spoken to: `grpc` or `http/protobuf`. Must be given.
    protocol: Option<Protocol>,
    /// Where it is: `host:port`, perhaps after `http://` or `https://`. Without those it is `https://`, or with
    /// `insecure: true` `http://`. The path of HTTP is `/v1/metrics` where none is given. Must be given.
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
    /// What values are compared with: `cumulative` is with zero, `delta` counters and histograms with their value of
    /// the last push, `lowmemory` only those of them that are not merely read when they are pushed. Unset is
    /// `cumulative`.
    temporality_preference: Option<Temporality>,
    /// How histograms look: only `explicit_bucket_histogram`, which is also the default, is accepted.
    default_histogram_aggregation: Option<HistogramAggregation>,
}

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

/// What values are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Temporality {
    #[default]
    Cumulative,
    Delta,
    LowMemory,
}

/// How histograms look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum HistogramAggregation {
    #[serde(rename = "explicit_bucket_histogram")]
    Explicit,
}

/// What a distribution needs to know to send the collector's own metrics.
#[derive(Clone, Debug)]
pub struct OtlpPush {
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
    /// For one attempt.
    pub timeout: Duration,
}

/// This distribution cannot send the collector's own metrics as OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this distribution cannot send its own metrics as OTLP")]
pub struct OtlpPushError;

/// Where metrics are pushed to.
pub(crate) enum PushTo {
    Otlp(OtlpPush),
    Console,
}

impl Default for PeriodicConfig {
    fn default() -> Self {
        Self { interval: 60_000, timeout: 30_000, exporter: PeriodicExporterConfig::default() }
    }
}

impl Default for OtlpPushConfig {
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
            temporality_preference: None,
            default_histogram_aggregation: None,
        }
    }
}

impl PeriodicConfig {
    pub(crate) fn interval(&self) -> Duration {
        milliseconds(self.interval)
    }

    pub(crate) fn timeout(&self) -> Duration {
        milliseconds(self.timeout)
    }

    pub(crate) fn temporality(&self) -> Temporality {
        self.exporter.otlp.as_ref().and_then(|otlp| otlp.temporality_preference).unwrap_or_default()
    }

    /// Nothing when it is not valid.
    pub(crate) fn to(&self) -> Option<PushTo> {
        match &self.exporter.otlp {
            Some(otlp) => otlp.push().map(PushTo::Otlp),
            None => self.exporter.console.as_ref().map(|_| PushTo::Console),
        }
    }
}

impl OtlpPushConfig {
    fn push(&self) -> Option<OtlpPush> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let protocol = self.protocol?;
        Some(OtlpPush {
            protocol,
            endpoint: self.url(protocol)?,
            ca_file: text(&self.certificate),
            cert_file: text(&self.client_certificate),
            key_file: text(&self.client_key),
            gzip: self.compression == Some(PushCompression::Gzip),
            headers: self.headers.clone(),
            timeout: milliseconds(self.timeout),
        })
    }

    fn url(&self, protocol: Protocol) -> Option<String> {
        let endpoint = self.endpoint.as_deref()?;
        let url = match (endpoint.contains("://"), self.insecure) {
            (true, _) => endpoint.to_owned(),
            (false, Some(true)) => format!("http://{endpoint}"),
            (false, _) => format!("https://{endpoint}"),
        };
        let (_, after_scheme) = url.split_once("://")?;
        let path = after_scheme.find('/').map_or("", |start| &after_scheme[start..]);
        Some(match (protocol, path) {
            (Protocol::Http, "" | "/") => format!("{}/v1/metrics", url.trim_end_matches('/')),
            (Protocol::Grpc, "/") => url.trim_end_matches('/').to_owned(),
            _ => url,
        })
    }
}

impl Validate for PeriodicConfig {
    fn validate(&self, check: &mut Check) {
        positive(check, "interval", self.interval);
        positive(check, "timeout", self.timeout);
        let PeriodicExporterConfig { otlp, console } = &self.exporter;
        check.at("exporter", |check| match (otlp, console) {
            (Some(otlp), None) => check.field("otlp", otlp),
            (None, Some(_)) => {}
            _ => check.error("must have otlp or console, and not both"),
        });
    }
}

impl Validate for OtlpPushConfig {
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

fn positive(check: &mut Check, key: &str, value: i64) {
    if value <= 0 {
        check.at(key, |check| check.error("must be more than 0"));
    }
}

fn milliseconds(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_gets_a_scheme_and_for_http_a_path() {
        let url = |protocol, endpoint: &str, insecure| {
            let endpoint = Some(endpoint.to_owned());
            let config = OtlpPushConfig { endpoint, insecure: Some(insecure), ..OtlpPushConfig::default() };
            config.url(protocol).unwrap()
        };
        for (protocol, endpoint, insecure, expected) in [
            (Protocol::Grpc, "b.test:4317", false, "https://b.test:4317"),
            (Protocol::Grpc, "b.test:4317", true, "http://b.test:4317"),
            (Protocol::Grpc, "http://b.test:4317/", false, "http://b.test:4317"),
            (Protocol::Http, "b.test:4318", true, "http://b.test:4318/v1/metrics"),
            (Protocol::Http, "https://b.test/", true, "https://b.test/v1/metrics"),
            (Protocol::Http, "https://b.test/own", false, "https://b.test/own"),
        ] {
            assert_eq!(url(protocol, endpoint, insecure), expected);
        }
    }
}
