//! What a receiver counts.

use crate::definition::{Definition, Instrument, Level, Stability, ValueType, items, of_items};
use crate::registry::{Counter, Telemetry};

/// Counters of one receiver, transport and signal.
///
/// `received = accepted + refused`: each item of a request that could be read is counted in exactly
/// one of the two, when its outcome is known.
#[derive(Clone, Debug)]
pub struct ReceiverMetrics {
    accepted: Counter,
    refused: Counter,
    repaired: Counter,
}

impl ReceiverMetrics {
    /// Binds the series of `receiver` (its id), `transport` (`grpc` or `http`) and the items of a
    /// signal (`spans`, `metric_points`, `log_records`), and the signal itself (`traces`).
    pub fn new(
        telemetry: &Telemetry,
        receiver: &str,
        transport: &str,
        items: &'static str,
        signal: &str,
    ) -> Self {
        let labels = &[("receiver", receiver), ("transport", transport)];
        Self {
            accepted: telemetry.counter(of_items(&ACCEPTED, items), labels),
            refused: telemetry.counter(of_items(&REFUSED, items), labels),
            repaired: telemetry.counter(
                &REPAIRED,
                &[("receiver", receiver), ("transport", transport), ("data_type", signal)],
            ),
        }
    }

    /// `otelcol_receiver_accepted_*`: the pipeline has taken these items over.
    pub fn accepted(&self, items: usize) {
        self.accepted.add(items as u64);
    }

    /// `otelcol_receiver_refused_*`: these items stay with the sender.
    pub fn refused(&self, items: usize) {
        self.refused.add(items as u64);
    }

    /// `otelcol_receiver_repaired_strings`: these strings were not UTF-8 and have been made so.
    pub fn repaired(&self, strings: usize) {
        self.repaired.add(strings as u64);
    }
}

static ACCEPTED: [Definition; 3] =
    items!("otelcol_receiver_accepted_", "Items that the pipeline has taken over from the sender.");
static REFUSED: [Definition; 3] = items!(
    "otelcol_receiver_refused_",
    "Items that the pipeline could not take over; they stay with the sender."
);
static REPAIRED: Definition = Definition {
    name: "otelcol_receiver_repaired_strings",
    brief: "Strings that were not UTF-8, in which each bad byte has become a question mark.",
    unit: "{string}",
    instrument: Instrument::Counter,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};
