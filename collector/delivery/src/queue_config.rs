//! The configuration of the sending queue.

use std::borrow::Cow;
use std::fmt;

use etalon_conf::{Check, ComponentId, Optional, Validate};
use etalon_pdata::Payload;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::batch_config::BatchConfig;

/// A queue between the pipeline and the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QueueConfig {
    /// What the size of the queue is counted in: requests, items (spans, data points, log records), or
    /// encoded bytes.
    pub sizer: Sizer,
    /// Most that the queue holds, waiting and in flight, in units of `sizer`.
    pub queue_size: i64,
    /// Most requests that are in flight to the destination at once.
    pub num_consumers: i64,
    /// Whether senders wait while the queue is full, instead of being refused with a retryable error.
    pub block_on_overflow: bool,
    /// Whether senders wait until the destination has answered, and learn what it said. Otherwise the answer
    /// to them is success as soon as their data is in the queue.
    pub wait_for_result: bool,
    /// The extension that keeps the queue on disk, so that it survives the end of the process. Senders are told OK when
    /// their data is on stable storage. Without one, the queue is in memory.
    pub storage: Option<ComponentId>,
    /// Whether a request that the destination rejects as invalid is sent again in halves, so that only the items that it
    /// objects to are lost. At most 128 requests are spent on one.
    pub bisect_rejected: bool,
    /// Whether requests are joined while they wait.
    pub batch: Optional<BatchConfig>,
}

/// What sizes are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Sizer {
    /// Each request is one.
    #[default]
    Requests,
    /// Spans, data points, log records.
    Items,
    /// Encoded bytes, and those of the compressed form where that is kept to be sent on.
    Bytes,
}

/// There is no such sizer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid sizer: {0:?}")]
pub struct SizerError(String);

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            sizer: Sizer::Requests,
            queue_size: 1000,
            num_consumers: 10,
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            bisect_rejected: false,
            batch: Optional::off(BatchConfig::default()),
        }
    }
}

impl QueueConfig {
    /// Places for what is taken out of the queue: one for each consumer, and one for what is joined.
    pub(crate) fn slots(&self) -> usize {
        self.consumers() + 1
    }

    /// Tasks that send what is in the queue.
    pub(crate) fn consumers(&self) -> usize {
        usize::try_from(self.num_consumers).unwrap_or(1).max(1)
    }
}

impl Sizer {
    const ALL: [Self; 3] = [Self::Requests, Self::Items, Self::Bytes];

    /// The size of a request.
    pub(crate) fn size(self, payload: &Payload) -> usize {
        match self {
            Self::Requests => 1,
            Self::Items => payload.items(),
            Self::Bytes => payload.held_bytes(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Items => "items",
            Self::Bytes => "bytes",
        }
    }
}

impl fmt::Display for Sizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JsonSchema for Sizer {
    fn schema_name() -> Cow<'static, str> {
        "Sizer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        etalon_conf::one_of(Self::ALL.map(Self::name))
    }
}

impl From<Sizer> for String {
    fn from(sizer: Sizer) -> Self {
        sizer.name().to_owned()
    }
}

impl TryFrom<String> for Sizer {
    type Error = SizerError;

    fn try_from(name: String) -> Result<Self, SizerError> {
        Self::ALL.into_iter().find(|sizer| sizer.name() == name).ok_or(SizerError(name))
    }
}

impl Validate for QueueConfig {
    fn validate(&self, check: &mut Check) {
        if self.queue_size <= 0 {
            check.at("queue_size", |check| check.error("`queue_size` must be positive"));
        }
        if self.num_consumers <= 0 {
            check.at("num_consumers", |check| check.error("`num_consumers` must be positive"));
        }
        if self.storage.is_some() && self.wait_for_result {
            check.error(
                "`wait_for_result` is not supported with a persistent queue configured with `storage`",
            );
        }
        check.at("batch", |check| {
            if let Some(batch) = self.batch.get() {
                batch.validate_behind(self.sizer, self.queue_size, check);
            }
        });
    }
}
