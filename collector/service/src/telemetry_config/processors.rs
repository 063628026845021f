//! `processors` of the collector's own traces and logs: when they are sent, and where.

use std::time::Duration;

use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Unsupported;
use super::otlp::{Console, OtlpConfig, PushTo, milliseconds, positive};

/// What sends the collector's own spans or log lines. One of its keys must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ProcessorConfig {
    /// Sends many at once.
    batch: Option<BatchConfig>,
    /// Sends each at once, and by itself.
    simple: Option<SimpleConfig>,
}

/// `batch` of a processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct BatchConfig {
    /// Longest time that something waits to be sent, in milliseconds. More than 0. Unset is 5000 for spans, and 1000
    /// for log lines.
    schedule_delay: Option<i64>,
    /// Longest time for one request, attempts to repeat it included, in milliseconds. More than 0.
    export_timeout: i64,
    /// Most that wait. What comes then is lost, and the log tells how many were. More than 0.
    max_queue_size: i64,
    /// Most that are sent in one request; as many are sent at once. More than 0, and not more than `max_queue_size`.
    max_export_batch_size: i64,
    /// Where they are sent to.
    exporter: ExporterConfig,
}

/// `simple` of a processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct SimpleConfig {
    /// Where they are sent to.
    exporter: ExporterConfig,
}

/// Where own telemetry is sent to. `otlp` or `console` must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ExporterConfig {
    /// A destination that takes OTLP.
    otlp: Option<OtlpConfig>,
    /// Standard output, a line of OTLP's JSON for each request: `{}`.
    console: Option<Console>,
    /// Not supported: Zipkin's form. Use `otlp`.
    zipkin: Option<Unsupported>,
}

/// When something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Longest time that it waits.
    pub(crate) delay: Duration,
    /// Longest time for one request.
    pub(crate) timeout: Duration,
    /// Most that wait.
    pub(crate) waiting: usize,
    /// Most in one request.
    pub(crate) batch: usize,
}

/// Items that wait for `simple`, which sends one after the other.
const SIMPLE_WAITING: usize = 2048;
/// Longest time for one request of `simple`.
const SIMPLE_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            schedule_delay: None,
            export_timeout: 30_000,
            max_queue_size: 2048,
            max_export_batch_size: 512,
            exporter: ExporterConfig::default(),
        }
    }
}

impl ProcessorConfig {
    /// When it sends. `delay` is what it waits where the configuration does not say.
    pub(crate) fn pace(&self, delay: Duration) -> Pace {
        let size = |value: i64| usize::try_from(value).unwrap_or(usize::MAX).max(1);
        match &self.batch {
            Some(batch) => Pace {
                delay: batch.schedule_delay.map_or(delay, milliseconds),
                timeout: milliseconds(batch.export_timeout),
                waiting: size(batch.max_queue_size),
                batch: size(batch.max_export_batch_size),
            },
            None => Pace { delay, timeout: SIMPLE_TIMEOUT, waiting: SIMPLE_WAITING, batch: 1 },
        }
    }

    /// Nothing when it is not valid.
    pub(crate) fn to(&self) -> Option<PushTo> {
        let batch = self.batch.as_ref().map(|batch| &batch.exporter);
        let exporter = batch.or(self.simple.as_ref().map(|simple| &simple.exporter))?;
        match &exporter.otlp {
            Some(otlp) => Some(PushTo::Otlp(otlp.clone())),
            None => exporter.console.as_ref().map(|_| PushTo::Console),
        }
    }
}

impl Validate for ProcessorConfig {
    fn validate(&self, check: &mut Check) {
        match (&self.batch, &self.simple) {
            (Some(batch), None) => check.field("batch", batch),
            (None, Some(simple)) => check.at("simple", |check| check.field("exporter", &simple.exporter)),
            _ => check.error("must have batch or simple, and not both"),
        }
    }
}

impl Validate for BatchConfig {
    fn validate(&self, check: &mut Check) {
        if let Some(delay) = self.schedule_delay {
            positive(check, "schedule_delay", delay);
        }
        positive(check, "export_timeout", self.export_timeout);
        positive(check, "max_queue_size", self.max_queue_size);
        positive(check, "max_export_batch_size", self.max_export_batch_size);
        if self.max_export_batch_size > self.max_queue_size {
            check.at("max_export_batch_size", |check| check.error("must not be more than max_queue_size"));
        }
        check.field("exporter", &self.exporter);
    }
}

impl Validate for ExporterConfig {
    fn validate(&self, check: &mut Check) {
        if self.zipkin.is_some() {
            check.at("zipkin", |check| {
                check.error_with_help("is not supported by this version", "send OTLP instead: `otlp`");
            });
        }
        match (&self.otlp, &self.console) {
            (Some(otlp), None) => check.field("otlp", otlp),
            (None, Some(_)) => {}
            (None, None) if self.zipkin.is_some() => {}
            _ => check.error("must have otlp or console, and not both"),
        }
    }
}
