//! `service.shutdown`.

use etalon_conf::{Check, Duration, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the collector stops when it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ShutdownConfig {
    /// For this time it is not ready any more, and still takes data, so that senders are led elsewhere before they
    /// must go. Less than `timeout`.
    pub lame_duck: Duration,
    /// How long all of it may take, `lame_duck` included. What has not been delivered then is counted as lost, or
    /// stays in a queue on disk.
    pub timeout: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        // Less than the 30 seconds after which Kubernetes kills a pod.
        Self { lame_duck: Duration::ZERO, timeout: Duration::from_secs(25) }
    }
}

impl Validate for ShutdownConfig {
    fn validate(&self, check: &mut Check) {
        if self.timeout.is_negative() || self.timeout.is_zero() {
            check.at("timeout", |check| check.error(format!("must be more than 0: {}", self.timeout)));
        }
        if self.lame_duck.is_negative() || self.lame_duck >= self.timeout {
            check.at("lame_duck", |check| {
                check.error_with_help(
                    format!("must be less than timeout, which is {}", self.timeout),
                    "what is left of timeout is for what is under way and what queues hold",
                );
            });
        }
    }
}
