//! Metrics of reloading the configuration.

use std::borrow::Cow;

use crate::registry::{Counter, Definition, Instrument, Telemetry};

const RELOADS: Definition = Definition {
    name: Cow::Borrowed("otelcol_config_reloads"),
    help: "Attempts to reload the configuration, by result.",
    instrument: Instrument::Counter,
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
        let of = |result| telemetry.counter(RELOADS, &[("result", result)]);
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
