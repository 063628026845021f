//! `service.telemetry`: what the collector says about itself, and where.

mod metrics;
mod otlp;
mod processors;
mod readers;
mod traces;
mod views;

use std::borrow::Cow;
use std::collections::BTreeMap;

use etalon_conf::{Check, Duration, Validate};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

pub use self::metrics::{MetricsConfig, MetricsLevel};
pub(crate) use self::otlp::PushTo;
pub use self::otlp::{OtlpPush, OtlpPushError, Protocol};
pub(crate) use self::processors::{Pace, ProcessorConfig};
pub(crate) use self::readers::{PeriodicConfig, PullReader, Temporality};
pub use self::traces::TracesConfig;

/// What the collector says about itself, and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelemetryConfig {
    /// The collector's own log.
    pub logs: LogsConfig,
    /// The collector's own metrics.
    pub metrics: MetricsConfig,
    /// The collector's own traces.
    pub traces: TracesConfig,
    /// Attributes of the resource that all of it carries. A value adds or replaces one, null removes a default.
    pub resource: BTreeMap<String, Option<String>>,
}

/// The collector's own log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogsConfig {
    /// The least severe level that is written. The last three write nothing less than errors.
    pub level: LogLevel,
    /// How a line looks: for people, or JSON.
    pub encoding: LogEncoding,
    /// Development mode. Without effect: in the Go collector it adds stack traces to warnings, and here no line
    /// carries one.
    pub development: bool,
    /// Whether the crate, file and line of code that a line comes from are left out.
    pub disable_caller: bool,
    /// Without effect: lines never carry a stack trace.
    pub disable_stacktrace: bool,
    /// Thins out floods of one message.
    pub sampling: Option<SamplingConfig>,
    /// Where lines go: `stderr`, `stdout` or paths of files. At least one.
    pub output_paths: Vec<String>,
    /// Where is told that a line could not be written: `stderr`, `stdout` or a file.
    pub error_output_paths: Vec<String>,
    /// Fields that every line carries.
    pub initial_fields: BTreeMap<String, serde_json::Value>,
    /// What sends the lines, those that `level` and `sampling` let pass, besides their being written.
    pub(crate) processors: Vec<ProcessorConfig>,
    /// Whether the resource is left out of the lines.
    pub disable_zap_resource: bool,
}

/// Thins out floods of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SamplingConfig {
    /// Whether lines are thinned out at all.
    pub enabled: bool,
    /// Length of the window in which lines of one message are counted.
    pub tick: Duration,
    /// Lines of one message that are always written in a window.
    pub initial: u64,
    /// Of the lines after that, one in so many is written.
    pub thereafter: u64,
}

/// Severity of a log event. The last three are upstream's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
    Dpanic,
    Panic,
    Fatal,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogEncoding {
    /// For people: fields separated by tabs.
    #[default]
    Console,
    /// One JSON object a line.
    Json,
}

/// What upstream accepts here and this version does not: any value is refused, with its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Unsupported(serde_json::Value);

impl JsonSchema for Unsupported {
    fn schema_name() -> Cow<'static, str> {
        "Unsupported".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        etalon_conf::unsupported()
    }
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            level: LogLevel::default(),
            encoding: LogEncoding::default(),
            development: false,
            disable_caller: false,
            disable_stacktrace: false,
            sampling: Some(SamplingConfig::default()),
            output_paths: vec!["stderr".to_owned()],
            error_output_paths: vec!["stderr".to_owned()],
            initial_fields: BTreeMap::new(),
            processors: Vec::new(),
            disable_zap_resource: false,
        }
    }
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self { enabled: true, tick: Duration::from_secs(10), initial: 10, thereafter: 100 }
    }
}

impl Validate for TelemetryConfig {
    fn validate(&self, check: &mut Check) {
        check.field("logs", &self.logs);
        check.field("metrics", &self.metrics);
        check.field("traces", &self.traces);
    }
}

impl Validate for LogsConfig {
    fn validate(&self, check: &mut Check) {
        if self.output_paths.is_empty() {
            check.at("output_paths", |check| {
                check.error("must name at least one of stderr, stdout or a file");
            });
        }
        check.field("processors", &self.processors);
    }
}
