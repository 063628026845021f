//! What users write.

use std::borrow::Cow;
use std::fmt;

use etalon_component::Facts;
use etalon_conf::{Check, Duration, Optional, Validate};
use etalon_delivery::{DeliveryConfig, QueueConfig, RetryConfig};
use etalon_net::client::{HttpClientConfig, check_url};
use etalon_net::compression::Compression;
use etalon_pdata::Signal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Bytes that are gathered before they are written.
const WRITE_BUFFER_BYTES: i64 = 512 * 1024;
/// Of one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends OTLP over HTTP, as protobuf or JSON.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(HttpClientConfig, Own)", into = "(HttpClientConfig, Own)")]
pub struct OtlpHttpConfig {
    pub(crate) client: HttpClientConfig,
    own: Own,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Own {
    /// URL for traces, used as it is. Empty: `endpoint` and `/v1/traces`.
    traces_endpoint: String,
    /// URL for metrics, used as it is. Empty: `endpoint` and `/v1/metrics`.
    metrics_endpoint: String,
    /// URL for logs, used as it is. Empty: `endpoint` and `/v1/logs`.
    logs_endpoint: String,
    /// How requests are encoded: binary protobuf, or OTLP's JSON.
    encoding: Encoding,
    /// The queue in front of the destination.
    sending_queue: Optional<QueueConfig>,
    /// When a request that was refused is sent again.
    retry_on_failure: RetryConfig,
}

/// How requests are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Encoding {
    /// Binary protobuf.
    #[default]
    Proto,
    /// OTLP's JSON mapping.
    Json,
}

/// There is no such encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid encoding type: {0}")]
pub struct EncodingError(String);

/// A signal has no URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("either endpoint or {0}_endpoint must be specified")]
pub(crate) struct EndpointMissing(&'static str);

impl Default for Own {
    fn default() -> Self {
        Self {
            traces_endpoint: String::new(),
            metrics_endpoint: String::new(),
            logs_endpoint: String::new(),
            encoding: Encoding::Proto,
            sending_queue: Optional::on(QueueConfig::default()),
            retry_on_failure: RetryConfig::default(),
        }
    }
}

impl Default for OtlpHttpConfig {
    fn default() -> Self {
        let client = HttpClientConfig {
            compression: Compression::Gzip,
            write_buffer_size: WRITE_BUFFER_BYTES,
            timeout: TIMEOUT,
            ..HttpClientConfig::default()
        };
        Self { client, own: Own::default() }
    }
}

etalon_conf::joined!(OtlpHttpConfig { client: HttpClientConfig, own: Own });

impl OtlpHttpConfig {
    /// The URL of `signal`: its own as it is, or the common one with the signal's path.
    pub(crate) fn url(&self, signal: Signal) -> Result<String, EndpointMissing> {
        let of_signal =
            self.own.endpoints().into_iter().find(|(name, url)| *name == signal.name && !url.is_empty());
        match of_signal {
            Some((_, url)) => Ok(url.to_owned()),
            None if self.client.endpoint.is_empty() => Err(EndpointMissing(signal.name)),
            None => {
                let (base, path) = (&self.client.endpoint, signal.http_path);
                Ok(format!("{}{path}", base.strip_suffix('/').unwrap_or(base)))
            }
        }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.own.encoding
    }

    /// The client's timeout is that of an attempt.
    pub(crate) fn delivery(&self) -> DeliveryConfig {
        DeliveryConfig {
            timeout: self.client.timeout.to_std(),
            retry: self.own.retry_on_failure.clone(),
            queue: self.own.sending_queue.get().cloned(),
            forwards: match self.own.encoding {
                Encoding::Proto => self.client.forwards(),
                Encoding::Json => None,
            },
        }
    }

    pub(crate) fn facts(&self, signal: Option<Signal>) -> Facts {
        let url = signal.and_then(|signal| self.url(signal).ok());
        let destination = url.and_then(|url| self.client.facts(&url));
        Facts { destination, ..self.delivery().facts() }
    }
}

impl Own {
    fn endpoints(&self) -> [(&'static str, &str); 3] {
        [
            ("traces", &self.traces_endpoint),
            ("metrics", &self.metrics_endpoint),
            ("logs", &self.logs_endpoint),
        ]
    }
}

impl Validate for OtlpHttpConfig {
    fn validate(&self, check: &mut Check) {
        let of_signals = self.own.endpoints().map(|(signal, url)| (format!("{signal}_endpoint"), url));
        let mut given = 0;
        for (key, url) in
            of_signals.into_iter().chain([("endpoint".to_owned(), self.client.endpoint.as_str())])
        {
            if url.is_empty() {
                continue;
            }
            given += 1;
            if let Err(error) = check_url(url) {
                check.at(&key, |check| {
                    check.error_with_help(
                        format!("{key} must be a valid URL: {error}"),
                        "write it as http://host:4318 or https://host:4318",
                    );
                });
            }
        }
        if given == 0 {
            check.error_with_help(
                "at least one endpoint must be specified",
                "write endpoint: http://host:4318",
            );
        }
        self.client.validate(check);
        check.field("sending_queue", &self.own.sending_queue);
        check.field("retry_on_failure", &self.own.retry_on_failure);
    }
}

impl Encoding {
    const ALL: [Self; 2] = [Self::Proto, Self::Json];

    fn name(self) -> &'static str {
        match self {
            Self::Proto => "proto",
            Self::Json => "json",
        }
    }

    /// `Content-Type` of requests, and of the responses that are read.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Proto => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JsonSchema for Encoding {
    fn schema_name() -> Cow<'static, str> {
        "Encoding".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        etalon_conf::one_of(Self::ALL.map(Self::name))
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.name().to_owned()
    }
}

impl TryFrom<String> for Encoding {
    type Error = EncodingError;

    fn try_from(name: String) -> Result<Self, EncodingError> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name).ok_or(EncodingError(name))
    }
}

#[cfg(test)]
mod tests;
