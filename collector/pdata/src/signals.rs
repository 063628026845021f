//! The stable signals. The only place that names one.

use crate::generated::tables;
use crate::{Signal, SignalSpec, text};

/// Traces; an item is a span.
pub const TRACES: Signal = Signal::new(&TRACES_SPEC);

static TRACES_SPEC: SignalSpec = SignalSpec {
    name: "traces",
    items: "spans",
    grpc_path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    http_path: "/v1/traces",
    request: &tables::EXPORT_TRACE_SERVICE_REQUEST,
    response: &tables::EXPORT_TRACE_SERVICE_RESPONSE,
    rejected_field: "rejected_spans",
    dropped_field: "dropped_spans",
    text: &text::TRACES,
};

/// Metrics; an item is a data point.
pub const METRICS: Signal = Signal::new(&METRICS_SPEC);

static METRICS_SPEC: SignalSpec = SignalSpec {
    name: "metrics",
    items: "metric_points",
    grpc_path: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    http_path: "/v1/metrics",
    request: &tables::EXPORT_METRICS_SERVICE_REQUEST,
    response: &tables::EXPORT_METRICS_SERVICE_RESPONSE,
    rejected_field: "rejected_data_points",
    dropped_field: "dropped_data_points",
    text: &text::METRICS,
};

/// Logs; an item is a log record.
pub const LOGS: Signal = Signal::new(&LOGS_SPEC);

static LOGS_SPEC: SignalSpec = SignalSpec {
    name: "logs",
    items: "log_records",
    grpc_path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    http_path: "/v1/logs",
    request: &tables::EXPORT_LOGS_SERVICE_REQUEST,
    response: &tables::EXPORT_LOGS_SERVICE_RESPONSE,
    rejected_field: "rejected_log_records",
    dropped_field: "dropped_log_records",
    text: &text::LOGS,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_counts_agree_with_the_wire_tables() {
        for signal in [TRACES, METRICS, LOGS] {
            let (service, _) = signal.grpc_path.trim_start_matches('/').rsplit_once('/').expect("a method");
            let (package, _) = service.rsplit_once('.').expect("a package");
            assert!(signal.request.name.starts_with(package), "{signal}");
            assert!(signal.response.name.starts_with(package), "{signal}");
            let partial_success = signal.response.field_by_name("partial_success").expect("the field");
            let crate::table::Kind::Message(table) = partial_success.kind else {
                panic!("{signal}: no message")
            };
            assert!(table.field_by_name(signal.rejected_field).is_some(), "{signal}");
        }
    }
}
