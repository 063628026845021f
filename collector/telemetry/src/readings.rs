//! What the metrics say of receivers, processors and exporters at one moment, for those who judge it or show it.

use std::collections::BTreeMap;

use crate::attributes::{DataType, Outcome};
use crate::definition::{Definition, Level};
use crate::generated::definitions as known;
use crate::registry::Telemetry;
use crate::selection::Selection;
use crate::snapshot::{FamilySnapshot, Point, Value};

/// Receivers, processors, exporters and the process, as their metrics have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// By id and signal.
    pub receivers: BTreeMap<Who, ReceiverReading>,
    /// By id and signal.
    pub exporters: BTreeMap<Who, ExporterReading>,
    /// By pipeline and id.
    pub processors: BTreeMap<Processor, ProcessorReading>,
    /// CPU time of the process, in seconds; 0 where the system does not tell.
    pub cpu_seconds: f64,
    /// Resident memory of the process, in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// Until when this version is supported, in seconds since 1970; 0 when no date is promised.
    pub support_end: u64,
}

/// Whose metrics they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The id of the component.
    pub id: String,
    /// The name of the signal.
    pub signal: String,
}

/// A processor of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Processor {
    /// The id of the pipeline.
    pub pipeline: String,
    /// Its own.
    pub id: String,
}

/// Of a processor in one pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessorReading {
    /// Items that it was handed.
    pub incoming_items: u64,
    /// Items that it has passed on.
    pub outgoing_items: u64,
    /// Items that it holds; nothing where it holds none ever.
    pub held_items: Option<u64>,
}

/// Of a receiver, over all its transports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverReading {
    /// Items that were taken over.
    pub accepted_items: u64,
    /// Items that were not.
    pub refused_items: u64,
    /// Requests that were not taken over, by why.
    pub refused_requests: BTreeMap<String, u64>,
}

/// Of an exporter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExporterReading {
    /// Items that the destination has taken over.
    pub sent_items: u64,
    /// Items that were given up.
    pub failed_items: u64,
    /// Items that the queue had no room for.
    pub enqueue_failed_items: u64,
    /// Items that are lost although their sender was told that all is well, by why.
    pub dropped_items: BTreeMap<String, u64>,
    /// Attempts to send that did not succeed.
    pub failed_attempts: u64,
    /// Attempts to send that did.
    pub successful_attempts: u64,
    /// Requests that are being worked on.
    pub in_flight: u64,
    /// Of the queue; nothing without one.
    pub queue: Option<QueueReading>,
    /// When the destination last took over a request, in seconds since 1970; 0 when it never has.
    pub last_success: f64,
}

/// Of a sending queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueReading {
    /// What it holds, in units of its sizer.
    pub size: u64,
    /// What it can hold, in units of its sizer.
    pub capacity: u64,
    /// Requests that it holds.
    pub requests: u64,
    /// Items that it holds.
    pub items: u64,
    /// Bytes that it holds.
    pub bytes: u64,
    /// How long the oldest request is in it, in seconds.
    pub oldest_age: f64,
}

/// The metrics that there is one of for each signal, in this order: a label of theirs would be the signal.
type OfSignals = [&'static Definition; 3];
const SIGNALS: [DataType; 3] = [DataType::Traces, DataType::Metrics, DataType::Logs];

impl Readings {
    /// Reads the metrics as they are now.
    pub fn of(telemetry: &Telemetry) -> Self {
        let all = Selection { level: Level::Detailed, ..Selection::default() };
        let mut readings = Self::default();
        for FamilySnapshot { definition, points } in &telemetry.snapshot(&all).families {
            for point in points {
                readings.add(definition, point);
            }
        }
        readings
    }

    fn add(&mut self, definition: &'static Definition, point: &Point) {
        let is = |other: &'static Definition| definition.name == other.name;
        let is_any = |all: OfSignals| signal_of(definition, all).is_some();
        let whole = whole(&point.value);
        if is(&known::OTELCOL_PROCESS_CPU_SECONDS) {
            self.cpu_seconds = number(&point.value);
        } else if is(&known::OTELCOL_PROCESS_MEMORY_RSS) {
            self.memory_bytes = whole;
        } else if is(&known::ETALON_SUPPORT_END_TIMESTAMP) {
            self.support_end = whole;
        } else if let Some(processor) = self.processor(point) {
            if is(&known::OTELCOL_PROCESSOR_INCOMING_ITEMS) {
                processor.incoming_items += whole;
            } else if is(&known::OTELCOL_PROCESSOR_OUTGOING_ITEMS) {
                processor.outgoing_items += whole;
            } else if is(&known::ETALON_PROCESSOR_BATCH_HELD_ITEMS) {
                *processor.held_items.get_or_insert_default() += whole;
            }
        } else if let Some(receiver) = self.receiver(definition, point) {
            if is_any(ACCEPTED) {
                receiver.accepted_items += whole;
            } else if is_any(REFUSED) {
                receiver.refused_items += whole;
            } else if is(&known::ETALON_RECEIVER_REFUSED_REQUESTS) {
                *receiver.refused_requests.entry(text(point, "refusal_reason")).or_default() += whole;
            }
        } else if let Some(exporter) = self.exporter(definition, point) {
            if is_any(SENT) {
                exporter.sent_items += whole;
            } else if is_any(SEND_FAILED) {
                exporter.failed_items += whole;
            } else if is_any(ENQUEUE_FAILED) {
                exporter.enqueue_failed_items += whole;
            } else if is(&known::ETALON_EXPORTER_DROPPED_ITEMS) {
                *exporter.dropped_items.entry(text(point, "drop_reason")).or_default() += whole;
            } else if is(&known::OTELCOL_EXPORTER_IN_FLIGHT_REQUESTS) {
                exporter.in_flight += whole;
            } else if is(&known::ETALON_EXPORTER_LAST_SUCCESS_TIMESTAMP) {
                exporter.last_success = exporter.last_success.max(number(&point.value));
            } else if is(&known::ETALON_EXPORTER_REQUEST_DURATION) {
                match label(point, "outcome") {
                    Some(outcome) if outcome == Outcome::Delivered.as_str() => {
                        exporter.successful_attempts += whole;
                    }
                    _ => exporter.failed_attempts += whole,
                }
            } else {
                exporter.add_queue(definition, point);
            }
        }
    }

    fn processor(&mut self, point: &Point) -> Option<&mut ProcessorReading> {
        let pipeline = label(point, "pipeline")?.to_owned();
        let id = label(point, "processor")?.to_owned();
        Some(self.processors.entry(Processor { pipeline, id }).or_default())
    }

    fn receiver(&mut self, definition: &Definition, point: &Point) -> Option<&mut ReceiverReading> {
        Some(self.receivers.entry(who(definition, point, "receiver")?).or_default())
    }

    fn exporter(&mut self, definition: &Definition, point: &Point) -> Option<&mut ExporterReading> {
        Some(self.exporters.entry(who(definition, point, "exporter")?).or_default())
    }
}

impl ExporterReading {
    fn add_queue(&mut self, definition: &'static Definition, point: &Point) {
        let name = definition.name;
        let whole = whole(&point.value);
        let mut queue = self.queue.unwrap_or_default();
        if name == known::OTELCOL_EXPORTER_QUEUE_SIZE.name {
            queue.size = whole;
        } else if name == known::OTELCOL_EXPORTER_QUEUE_CAPACITY.name {
            queue.capacity = whole;
        } else if name == known::ETALON_EXPORTER_QUEUE_REQUESTS.name {
            queue.requests = whole;
        } else if name == known::ETALON_EXPORTER_QUEUE_ITEMS.name {
            queue.items = whole;
        } else if name == known::ETALON_EXPORTER_QUEUE_BYTES.name {
            queue.bytes = whole;
        } else if name == known::ETALON_EXPORTER_QUEUE_OLDEST_AGE.name {
            queue.oldest_age = number(&point.value);
        } else {
            return;
        }
        self.queue = Some(queue);
    }
}

const ACCEPTED: OfSignals = [
    &known::OTELCOL_RECEIVER_ACCEPTED_SPANS,
    &known::OTELCOL_RECEIVER_ACCEPTED_METRIC_POINTS,
    &known::OTELCOL_RECEIVER_ACCEPTED_LOG_RECORDS,
];
const REFUSED: OfSignals = [
    &known::OTELCOL_RECEIVER_REFUSED_SPANS,
    &known::OTELCOL_RECEIVER_REFUSED_METRIC_POINTS,
    &known::OTELCOL_RECEIVER_REFUSED_LOG_RECORDS,
];
const SENT: OfSignals = [
    &known::OTELCOL_EXPORTER_SENT_SPANS,
    &known::OTELCOL_EXPORTER_SENT_METRIC_POINTS,
    &known::OTELCOL_EXPORTER_SENT_LOG_RECORDS,
];
const SEND_FAILED: OfSignals = [
    &known::OTELCOL_EXPORTER_SEND_FAILED_SPANS,
    &known::OTELCOL_EXPORTER_SEND_FAILED_METRIC_POINTS,
    &known::OTELCOL_EXPORTER_SEND_FAILED_LOG_RECORDS,
];
const ENQUEUE_FAILED: OfSignals = [
    &known::OTELCOL_EXPORTER_ENQUEUE_FAILED_SPANS,
    &known::OTELCOL_EXPORTER_ENQUEUE_FAILED_METRIC_POINTS,
    &known::OTELCOL_EXPORTER_ENQUEUE_FAILED_LOG_RECORDS,
];

/// Nothing when it is of no such component. The signal is a label, or in the name of the metric.
fn who(definition: &Definition, point: &Point, role: &str) -> Option<Who> {
    let id = label(point, role)?.to_owned();
    let all = [ACCEPTED, REFUSED, SENT, SEND_FAILED, ENQUEUE_FAILED];
    let in_name = || all.into_iter().find_map(|all| signal_of(definition, all)).map(DataType::as_str);
    let signal = label(point, "data_type").or_else(in_name)?.to_owned();
    Some(Who { id, signal })
}

fn label<'a>(point: &'a Point, name: &str) -> Option<&'a str> {
    point.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn text(point: &Point, name: &str) -> String {
    label(point, name).unwrap_or_default().to_owned()
}

fn signal_of(definition: &Definition, all: OfSignals) -> Option<DataType> {
    let found = all.iter().position(|other| other.name == definition.name)?;
    Some(SIGNALS[found])
}

/// A whole number; of a distribution, how many there are in it.
fn whole(value: &Value) -> u64 {
    match value {
        Value::Int(value) => u64::try_from(*value).unwrap_or(0),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the nearest there is will do"
        )]
        Value::Double(value) => *value as u64,
        Value::Histogram { counts, .. } => counts.iter().sum(),
    }
}

fn number(value: &Value) -> f64 {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "as precise as it is needed")]
        Value::Int(value) => *value as f64,
        Value::Double(value) => *value,
        Value::Histogram { sum, .. } => *sum,
    }
}

#[cfg(test)]
mod tests;
