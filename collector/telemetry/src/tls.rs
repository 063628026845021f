//! What is told of TLS files.

use crate::definition::{Definition, Instrument, Level, Stability, ValueType};
use crate::registry::{Observation, Telemetry};

static STALE: Definition = Definition {
    name: "otelcol_tls_files_stale",
    brief: "1 while changed TLS files cannot be used and the ones from before stay in use, else 0.",
    unit: "1",
    instrument: Instrument::Gauge,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};

/// Tells whether the TLS files of a receiver (its id) and `transport` (`grpc` or `http`) are stale, as long as the
/// observation lives.
pub fn observe_receiver_tls(
    telemetry: &Telemetry,
    receiver: &str,
    transport: &str,
    is_stale: impl Fn() -> bool + Send + Sync + 'static,
) -> Observation {
    telemetry.observe(&STALE, &[("receiver", receiver), ("transport", transport)], move || {
        f64::from(u8::from(is_stale()))
    })
}

/// Tells whether the TLS files of an exporter (its id) and a signal are stale, as long as the
/// observation lives.
pub fn observe_exporter_tls(
    telemetry: &Telemetry,
    exporter: &str,
    signal: &str,
    is_stale: impl Fn() -> bool + Send + Sync + 'static,
) -> Observation {
    telemetry.observe(&STALE, &[("exporter", exporter), ("data_type", signal)], move || {
        f64::from(u8::from(is_stale()))
    })
}
