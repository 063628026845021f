//! `periodic` of a reader: metrics that are pushed.

use std::time::Duration;

use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::telemetry_config::otlp::{Console, OtlpConfig, PushTo, milliseconds, positive};

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
    otlp: Option<OtlpMetricsConfig>,
    /// Standard output, a line of OTLP's JSON for each push: `{}`.
    console: Option<Console>,
}

/// A destination that takes OTLP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(OtlpConfig, Form)", into = "(OtlpConfig, Form)")]
struct OtlpMetricsConfig {
    destination: OtlpConfig,
    form: Form,
}

/// In which form metrics are pushed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Form {
    /// What values are compared with: `cumulative` is with zero, `delta` counters and histograms with their value of
    /// the last push, `lowmemory` only those of them that are not merely read when they are pushed. Unset is
    /// `cumulative`.
    temporality_preference: Option<Temporality>,
    /// How histograms look: only `explicit_bucket_histogram`, which is also the default, is accepted.
    default_histogram_aggregation: Option<HistogramAggregation>,
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

impl Default for PeriodicConfig {
    fn default() -> Self {
        Self { interval: 60_000, timeout: 30_000, exporter: PeriodicExporterConfig::default() }
    }
}

etalon_conf::joined!(OtlpMetricsConfig { destination: OtlpConfig, form: Form });

impl PeriodicConfig {
    pub(crate) fn interval(&self) -> Duration {
        milliseconds(self.interval)
    }

    pub(crate) fn timeout(&self) -> Duration {
        milliseconds(self.timeout)
    }

    pub(crate) fn temporality(&self) -> Temporality {
        self.exporter.otlp.as_ref().and_then(|otlp| otlp.form.temporality_preference).unwrap_or_default()
    }

    /// Nothing when it is not valid.
    pub(crate) fn to(&self) -> Option<PushTo> {
        match &self.exporter.otlp {
            Some(otlp) => Some(PushTo::Otlp(otlp.destination.clone())),
            None => self.exporter.console.as_ref().map(|_| PushTo::Console),
        }
    }
}

impl Validate for PeriodicConfig {
    fn validate(&self, check: &mut Check) {
        positive(check, "interval", self.interval);
        positive(check, "timeout", self.timeout);
        let PeriodicExporterConfig { otlp, console } = &self.exporter;
        check.at("exporter", |check| match (otlp, console) {
            (Some(otlp), None) => check.field("otlp", &otlp.destination),
            (None, Some(_)) => {}
            _ => check.error("must have otlp or console, and not both"),
        });
    }
}
