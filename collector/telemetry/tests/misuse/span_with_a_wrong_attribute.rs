use etalon_telemetry::attributes::{DataType, Exporter, ItemsFailed};
use etalon_telemetry::{Span, Telemetry, spans};

fn main() {
    let span = Span::start(Telemetry::new(&[]).tracer(), None);
    span.end(None, || spans::Exporter {
        exporter: Exporter("otlp_grpc"),
        data_type: DataType::Traces,
        items_sent: "three",
        items_failed: ItemsFailed(0),
        error_type: None,
    });
}
