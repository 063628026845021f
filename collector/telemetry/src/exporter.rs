//! What an exporter and its queue count.

use crate::definition::{Definition, Instrument, Level, Stability, ValueType, items, of_items};
use crate::registry::{Counter, Observation, Telemetry};

/// Counters of one exporter and signal.
///
/// Each item handed to the destination ends in exactly one of the two, when no further attempt
/// will be made.
#[derive(Clone, Debug)]
pub struct ExporterMetrics {
    sent: Counter,
    send_failed: Counter,
}

/// Instruments of one exporter's sending queue and signal. Its size and capacity are told as long as this
/// lives.
#[derive(Debug)]
pub struct QueueMetrics {
    enqueue_failed: Counter,
    _observed: [Observation; 2],
}

impl ExporterMetrics {
    /// Binds the series of `exporter` (its id), the items of a signal, and where they go.
    pub fn new(
        telemetry: &Telemetry,
        exporter: &str,
        items: &'static str,
        destination: &[(&str, &str)],
    ) -> Self {
        let mut labels = vec![("exporter", exporter)];
        labels.extend_from_slice(destination);
        Self {
            sent: telemetry.counter(of_items(&SENT, items), &labels),
            send_failed: telemetry.counter(of_items(&SEND_FAILED, items), &labels),
        }
    }

    /// `otelcol_exporter_sent_*`: the destination has accepted these items.
    pub fn sent(&self, items: usize) {
        self.sent.add(items as u64);
    }

    /// `otelcol_exporter_send_failed_*`: no further attempt will be made for these items.
    pub fn send_failed(&self, items: usize) {
        self.send_failed.add(items as u64);
    }
}

impl QueueMetrics {
    /// Binds the series of `exporter` (its id) and a signal; `size` reads how full the queue is, in
    /// the unit of `capacity`.
    pub fn new(
        telemetry: &Telemetry,
        exporter: &str,
        signal: &str,
        items: &'static str,
        capacity: usize,
        size: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Self {
        let labels = &[("exporter", exporter), ("data_type", signal)];
        let capacity = telemetry.observe(&QUEUE_CAPACITY, labels, move || capacity as f64);
        let size = telemetry.observe(&QUEUE_SIZE, labels, move || size() as f64);
        let enqueue_failed = telemetry.counter(of_items(&ENQUEUE_FAILED, items), &[("exporter", exporter)]);
        Self { enqueue_failed, _observed: [capacity, size] }
    }

    /// `otelcol_exporter_enqueue_failed_*`: the queue refused these items.
    pub fn enqueue_failed(&self, items: usize) {
        self.enqueue_failed.add(items as u64);
    }
}

static SENT: [Definition; 3] = items!("otelcol_exporter_sent_", "Items that the destination has accepted.");
static SEND_FAILED: [Definition; 3] =
    items!("otelcol_exporter_send_failed_", "Items that could not be delivered, after the last attempt.");
static QUEUE_CAPACITY: Definition = Definition {
    name: "otelcol_exporter_queue_capacity",
    brief: "Most that the sending queue can hold, in units of its sizer.",
    unit: "{batch}",
    instrument: Instrument::Gauge,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};
static QUEUE_SIZE: Definition = Definition {
    name: "otelcol_exporter_queue_size",
    brief: "What the sending queue holds, waiting and in flight, in units of its sizer.",
    unit: "{batch}",
    instrument: Instrument::Gauge,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};
static ENQUEUE_FAILED: [Definition; 3] =
    items!("otelcol_exporter_enqueue_failed_", "Items that the sending queue refused.");
