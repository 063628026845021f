//! What users write.

use etalon_conf::{Check, Duration, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of a `batch` processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// A batch leaves after this time, whatever its size. 0: nothing waits.
    pub timeout: Duration,
    /// A batch leaves as soon as it has so many items. 0: nothing waits.
    pub send_batch_size: u32,
    /// Most items of a batch; a larger one is split. 0: no limit.
    pub send_batch_max_size: u32,
    /// Metadata of requests by which they are kept apart: those with other values are in other batches. A batch keeps
    /// these, and no others. It needs `include_metadata` of the receiver.
    pub metadata_keys: Vec<String>,
    /// Most combinations of such values that wait at once; what would be one more is refused. 0: no limit.
    pub metadata_cardinality_limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(200),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: Vec::new(),
            metadata_cardinality_limit: 1000,
        }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if self.timeout.is_negative() {
            check.error("timeout must be greater or equal to 0");
        }
        if self.send_batch_max_size > 0 && self.send_batch_max_size < self.send_batch_size {
            check.error("send_batch_max_size must be greater or equal to send_batch_size");
        }
        for (index, key) in self.metadata_keys.iter().enumerate() {
            if self.metadata_keys[..index].iter().any(|known| known.eq_ignore_ascii_case(key)) {
                check.at("metadata_keys", |check| {
                    check.error(format!(
                        "duplicate entry in metadata_keys: \"{}\" (case-insensitive)",
                        key.to_ascii_lowercase()
                    ));
                });
            }
        }
    }
}
