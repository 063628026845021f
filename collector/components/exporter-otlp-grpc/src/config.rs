//! What users write.

use etalon_component::Facts;
use etalon_conf::{Check, Duration, Optional, Validate};
use etalon_delivery::{DeliveryConfig, QueueConfig, RetryConfig, TimeoutConfig};
use etalon_net::client::GrpcClientConfig;
use etalon_net::compression::Compression;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes that are gathered before they are written.
const WRITE_BUFFER_BYTES: i64 = 512 * 1024;

/// Sends OTLP over gRPC.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(GrpcClientConfig, Chain)", into = "(GrpcClientConfig, Chain)")]
pub struct OtlpGrpcConfig {
    pub(crate) client: GrpcClientConfig,
    chain: Chain,
}

/// What stands in front of the client.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Chain {
    /// Longest time for one attempt. 0 is without limit.
    timeout: Duration,
    /// The queue in front of the destination.
    sending_queue: Optional<QueueConfig>,
    /// When a request that was refused is sent again.
    retry_on_failure: RetryConfig,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            timeout: TimeoutConfig::default().timeout,
            sending_queue: Optional::on(QueueConfig::default()),
            retry_on_failure: RetryConfig::default(),
        }
    }
}

impl Default for OtlpGrpcConfig {
    fn default() -> Self {
        let client = GrpcClientConfig {
            compression: Compression::Gzip,
            write_buffer_size: WRITE_BUFFER_BYTES,
            balancer_name: "round_robin".to_owned(),
            ..GrpcClientConfig::default()
        };
        Self { client, chain: Chain::default() }
    }
}

etalon_conf::joined!(OtlpGrpcConfig { client: GrpcClientConfig, chain: Chain });

impl OtlpGrpcConfig {
    pub(crate) fn delivery(&self) -> DeliveryConfig {
        DeliveryConfig {
            timeout: self.chain.timeout.to_std(),
            retry: self.chain.retry_on_failure.clone(),
            queue: self.chain.sending_queue.get().cloned(),
            forwards: self.client.forwards(),
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts { destination: self.client.facts(), ..self.delivery().facts() }
    }
}

impl Validate for OtlpGrpcConfig {
    fn validate(&self, check: &mut Check) {
        if is_empty_endpoint(&self.client.endpoint) {
            check.error_with_help("requires a non-empty \"endpoint\"", "write endpoint: host:4317");
        } else {
            self.client.validate(check);
        }
        TimeoutConfig { timeout: self.chain.timeout }.validate(check);
        check.field("sending_queue", &self.chain.sending_queue);
        check.field("retry_on_failure", &self.chain.retry_on_failure);
    }
}

/// Whether there is nothing behind the scheme.
fn is_empty_endpoint(endpoint: &str) -> bool {
    ["", "http://", "https://", "dns://", "dns:///"].contains(&endpoint)
}

#[cfg(test)]
mod tests;
