//! The configuration of batches that are made of what is in the queue.

use std::num::NonZeroUsize;

use etalon_conf::{Check, Duration, Validate};
use etalon_pdata::{Most, Payload};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parts::REQUEST_BYTES_MAX;
use crate::queue_config::Sizer;

/// How requests are joined while they wait in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BatchConfig {
    /// A batch leaves at the latest after this time, as soon as a consumer is free.
    pub flush_timeout: Duration,
    /// What its size is counted in: `items`, or encoded `bytes`. When it is not set, as the sizer of the queue if that is
    /// one of these, else `items`.
    pub sizer: Option<Sizer>,
    /// A batch of at least this size leaves at once.
    pub min_size: i64,
    /// A larger batch is split. 0 is without limit; even so, none is larger than 64 MiB.
    pub max_size: i64,
    /// What is batched apart.
    pub partition: PartitionConfig,
}

/// Which requests are not joined with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PartitionConfig {
    /// Names of metadata of the senders' requests: only those with the same values are joined. A batch keeps this metadata
    /// of its requests, and loses the rest. The receiver must keep it (`include_metadata`).
    pub metadata_keys: Vec<String>,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            flush_timeout: Duration::from_millis(200),
            sizer: None,
            min_size: 8192,
            max_size: 0,
            partition: PartitionConfig::default(),
        }
    }
}

impl BatchConfig {
    /// What the size of a batch is counted in, behind a queue with that sizer.
    fn sizer_behind(&self, queue: Sizer) -> Sizer {
        self.sizer.unwrap_or(match queue {
            Sizer::Requests => Sizer::Items,
            Sizer::Items | Sizer::Bytes => queue,
        })
    }

    /// Refuses what cannot be done, behind a queue of that sizer and size.
    pub(crate) fn validate_behind(&self, queue: Sizer, queue_size: i64, check: &mut Check) {
        if self.flush_timeout.to_std().is_zero() || self.flush_timeout.is_negative() {
            let found = self.flush_timeout;
            check.at("flush_timeout", |check| {
                check.error(format!("`flush_timeout` must be positive, found {found}"));
            });
        }
        let sizer = self.sizer_behind(queue);
        if sizer == Sizer::Requests {
            check.at("sizer", |check| {
                check.error("`batch` supports only `items` or `bytes` sizer, found \"requests\"");
            });
        }
        for (key, size) in [("min_size", self.min_size), ("max_size", self.max_size)] {
            if size < 0 {
                check.at(key, |check| check.error(format!("`{key}` must be non-negative, found {size}")));
            }
        }
        if sizer == queue && sizer != Sizer::Requests && self.min_size > queue_size {
            check.at("min_size", |check| {
                check.error("`min_size` must be less than or equal to `queue_size`");
            });
        }
        if self.max_size > 0 && self.max_size < self.min_size {
            let (max, min) = (self.max_size, self.min_size);
            check.at("max_size", |check| {
                check.error(format!("`max_size` ({max}) must be greater or equal to `min_size` ({min})"));
            });
        }
        check.field("partition", &self.partition);
    }
}

impl Validate for PartitionConfig {
    fn validate(&self, check: &mut Check) {
        for (at, key) in self.metadata_keys.iter().enumerate() {
            if self.metadata_keys[..at].iter().any(|known| known.eq_ignore_ascii_case(key)) {
                check.at("metadata_keys", |check| {
                    let key = key.to_lowercase();
                    check.error(format!("duplicate entry in metadata_keys: {key:?} (case-insensitive)"));
                });
            }
        }
    }
}

/// How large batches are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    counts_bytes: bool,
    min: usize,
    max: usize,
}

impl Sizes {
    pub(crate) fn of(config: &BatchConfig, queue: Sizer) -> Self {
        let counts_bytes = config.sizer_behind(queue) == Sizer::Bytes;
        let size = |configured: i64| usize::try_from(configured).unwrap_or(0);
        let max = match (size(config.max_size), counts_bytes) {
            (0, false) => usize::MAX,
            (0, true) => REQUEST_BYTES_MAX,
            (items, false) => items,
            (bytes, true) => bytes.min(REQUEST_BYTES_MAX),
        };
        Self { counts_bytes, min: size(config.min_size).min(max), max }
    }

    /// What can be added to a batch of this payload.
    pub(crate) fn room(self, batch: Option<&Payload>) -> Most {
        let room = self.max.saturating_sub(batch.map_or(0, |batch| self.size(batch)));
        let room = NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN);
        if self.counts_bytes { Most::Bytes(room) } else { Most::Items(room) }
    }

    /// Whether both together are a batch that may leave.
    pub(crate) fn hold(self, batch: &Payload, added: &Payload) -> bool {
        self.size(batch) + self.size(added) <= self.max && batch.len() + added.len() <= REQUEST_BYTES_MAX
    }

    /// Whether it need not wait for more.
    pub(crate) fn is_enough(self, batch: &Payload) -> bool {
        self.size(batch) >= self.min
    }

    fn size(self, payload: &Payload) -> usize {
        if self.counts_bytes { payload.len() } else { payload.items() }
    }
}
