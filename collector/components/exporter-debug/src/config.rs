//! What users write.

use std::borrow::Cow;
use std::time::Duration;

use etalon_conf::{Check, Optional, Validate};
use etalon_delivery::{DeliveryConfig, QueueConfig, RetryConfig};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::output::Target;

/// Prints what arrives, for people who look for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DebugConfig {
    /// How much is told of a batch: a line with counts, a line for each item as well, or every field.
    pub verbosity: Verbosity,
    /// Batches of each second that are always told of, at `verbosity: normal` or `detailed`.
    pub sampling_initial: i64,
    /// Of the batches after those, one in so many is told of; 0 is none.
    pub sampling_thereafter: i64,
    /// Whether it goes to the collector's own log, as lines of level info.
    pub use_internal_logger: bool,
    /// Where it goes when `use_internal_logger` is false: `stdout`, `stderr`, or paths of files, to which it
    /// is appended. Unset is `stdout`.
    pub output_paths: Option<Vec<String>>,
    /// A queue in front. Without one, the sender waits until all is printed.
    pub sending_queue: Optional<QueueConfig>,
}

/// How much is told of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Verbosity {
    /// One line with counts.
    #[default]
    Basic,
    /// And one line per item.
    Normal,
    /// And every field.
    Detailed,
}

/// There is no such verbosity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("verbosity level {0:?} is not supported; write basic, normal or detailed")]
pub struct VerbosityError(String);

impl Default for DebugConfig {
    fn default() -> Self {
        Self {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            output_paths: None,
            sending_queue: Optional::off(QueueConfig::default()),
        }
    }
}

impl DebugConfig {
    /// Without timeout and retries: an attempt waits for nothing, and another would not do better.
    pub(crate) fn delivery(&self) -> DeliveryConfig {
        DeliveryConfig {
            timeout: Duration::ZERO,
            retry: RetryConfig { enabled: false, ..RetryConfig::default() },
            queue: self.sending_queue.get().cloned(),
            forwards: None,
        }
    }

    /// Where the text goes when it does not go to the log.
    pub(crate) fn targets(&self) -> Vec<Target> {
        match &self.output_paths {
            None => vec![Target::Stdout],
            Some(paths) => paths.iter().filter_map(|path| Target::of(path)).collect(),
        }
    }
}

impl Validate for DebugConfig {
    fn validate(&self, check: &mut Check) {
        check.field("sending_queue", &self.sending_queue);
        let Some(paths) = &self.output_paths else { return };
        check.at("output_paths", |check| {
            if self.use_internal_logger {
                check.error_with_help(
                    "output_paths is not supported when use_internal_logger is true",
                    "remove output_paths, or write use_internal_logger: false",
                );
            } else if paths.is_empty() {
                check.error_with_help(
                    "output_paths must not be empty when use_internal_logger is false",
                    "write output_paths: [stdout]",
                );
            }
            for (index, path) in paths.iter().enumerate() {
                if Target::of(path).is_none() {
                    check.at(index, |check| {
                        check.error(format!("{path:?} is neither stdout, stderr nor the path of a file"));
                    });
                }
            }
        });
    }
}

impl JsonSchema for Verbosity {
    fn schema_name() -> Cow<'static, str> {
        "Verbosity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        etalon_conf::one_of(Self::ALL.map(Self::name))
    }
}

impl Verbosity {
    const ALL: [Self; 3] = [Self::Basic, Self::Normal, Self::Detailed];

    fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Normal => "normal",
            Self::Detailed => "detailed",
        }
    }
}

impl From<Verbosity> for String {
    fn from(verbosity: Verbosity) -> Self {
        verbosity.name().to_owned()
    }
}

impl TryFrom<String> for Verbosity {
    type Error = VerbosityError;

    fn try_from(name: String) -> Result<Self, VerbosityError> {
        let known = Self::ALL.into_iter().find(|verbosity| verbosity.name().eq_ignore_ascii_case(&name));
        known.ok_or(VerbosityError(name))
    }
}
