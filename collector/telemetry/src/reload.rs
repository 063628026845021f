//! Metrics of reloading the configuration.

use crate::definition::{Definition, Instrument, Level, Stability, ValueType};
use crate::registry::{Counter, Telemetry};

static RELOADS: Definition = Definition {
    name: "otelcol_config_reloads",
    brief: "Attempts to reload the configuration, by result.",
    unit: "{reload}",
    instrument: Instrument::Counter,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};

/// How reloads ended.
#[derive(Clone, Debug)]
pub struct ReloadMetrics {
    applied: Counter,
    refused: Counter,
}

impl ReloadMetrics {
    /// The series of both results, from zero.
    pub fn new(telemetry: &Telemetry) -> Self {
        let of = |result| telemetry.counter(&RELOADS, &[("result", result)]);
        Self { applied: of("applied"), refused: of("refused") }
    }

    /// A configuration came into service.
    pub fn applied(&self) {
        self.applied.add(1);
    }

    /// A configuration could not be used, and the one before stays.
    pub fn refused(&self) {
        self.refused.add(1);
    }
}
