//! Log lines as an OTLP request.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use etalon_pdata::proto::collector::logs::v1::ExportLogsServiceRequest;
use etalon_pdata::proto::common::v1::{AnyValue, ArrayValue, KeyValueList, any_value};
use etalon_pdata::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use etalon_telemetry::event::NAME_FIELD;
use etalon_telemetry::{SpanContext, Telemetry};
use prost::Message as _;
use serde_json::{Map, Value};
use tracing::Level;

use super::encoded::{attribute, nanoseconds, resource, scope, text};
use super::queue::{Encode, Queue};

/// A log line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) time: SystemTime,
    pub(crate) level: Level,
    pub(crate) message: String,
    /// Of the component and of the line, without the resource.
    pub(crate) fields: Map<String, Value>,
    /// What it was logged for.
    pub(crate) span: Option<Arc<SpanContext>>,
}

pub(super) type RecordQueue = Arc<Queue<Arc<Record>>>;

/// Where log lines are taken from. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Tap(Arc<RwLock<Vec<RecordQueue>>>);

impl Tap {
    /// Whether anybody takes lines.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(crate) fn record(&self, record: Record) {
        let record = Arc::new(record);
        for queue in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            queue.put(record.clone());
        }
    }

    /// From now on, these take them.
    pub(super) fn set(&self, queues: Vec<RecordQueue>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = queues;
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

pub(super) fn encoder(telemetry: &Telemetry) -> Encode<Arc<Record>> {
    let resource = resource(telemetry);
    Box::new(move |records| {
        let log_records = records.iter().map(|record| encoded(record)).collect();
        let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records, ..ScopeLogs::default() }];
        let resource_logs =
            vec![ResourceLogs { resource: Some(resource.clone()), scope_logs, ..ResourceLogs::default() }];
        ExportLogsServiceRequest { resource_logs }.encode_to_vec()
    })
}

fn encoded(record: &Record) -> LogRecord {
    let severity = match record.level {
        Level::ERROR => SeverityNumber::Error,
        Level::WARN => SeverityNumber::Warn,
        Level::INFO => SeverityNumber::Info,
        Level::DEBUG => SeverityNumber::Debug,
        _ => SeverityNumber::Trace,
    };
    let span = record.span.as_deref();
    let (trace_id, span_id) = span.and_then(SpanContext::ids).unzip();
    // In OTLP the name of the event has a place of its own.
    let fields = record.fields.iter().filter(|(key, _)| *key != NAME_FIELD);
    LogRecord {
        time_unix_nano: nanoseconds(record.time),
        observed_time_unix_nano: nanoseconds(record.time),
        severity_number: severity.into(),
        severity_text: record.level.as_str().to_ascii_lowercase(),
        body: Some(AnyValue { value: Some(text(&record.message)) }),
        attributes: fields.filter_map(|(key, value)| Some(attribute(key, any(value)?))).collect(),
        flags: span.is_some_and(SpanContext::is_sampled).into(),
        trace_id: trace_id.map(|id| id.bytes().to_vec()).unwrap_or_default(),
        span_id: span_id.map(|id| id.bytes().to_vec()).unwrap_or_default(),
        event_name: record.fields.get(NAME_FIELD).and_then(Value::as_str).unwrap_or_default().to_owned(),
        ..LogRecord::default()
    }
}

/// Nothing for null, which says nothing.
fn any(value: &Value) -> Option<any_value::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => any_value::Value::BoolValue(*value),
        Value::Number(number) => match number.as_i64() {
            Some(value) => any_value::Value::IntValue(value),
            None => any_value::Value::DoubleValue(number.as_f64().unwrap_or_default()),
        },
        Value::String(value) => text(value),
        Value::Array(values) => {
            let values = values.iter().map(|value| AnyValue { value: any(value) }).collect();
            any_value::Value::ArrayValue(ArrayValue { values })
        }
        Value::Object(fields) => {
            let values = fields.iter().filter_map(|(key, value)| Some(attribute(key, any(value)?))).collect();
            any_value::Value::KvlistValue(KeyValueList { values })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_becomes_a_record_with_its_event_name_and_its_fields() {
        let Value::Object(fields) = json!({
            "event.name": "data.dropped", "a": "text", "b": -3, "c": 1.5, "d": true, "e": null, "f": [1], "g": {"h": 2}
        }) else {
            panic!("an object")
        };
        let (message, time) = ("Dropping data.".to_owned(), SystemTime::UNIX_EPOCH);
        let record = encoded(&Record { time, level: Level::WARN, message, fields, span: None });
        assert_eq!((&*record.event_name, &*record.severity_text), ("data.dropped", "warn"));
        assert_eq!(record.severity_number, 13);
        let keys: Vec<&str> = record.attributes.iter().map(|each| each.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c", "d", "f", "g"]);
        let value = |index: usize| record.attributes[index].value.clone().unwrap().value.unwrap();
        assert_eq!(value(1), any_value::Value::IntValue(-3));
        assert_eq!(value(2), any_value::Value::DoubleValue(1.5));
        assert_eq!((record.trace_id.len(), record.span_id.len()), (0, 0));
    }
}
