use etalon_telemetry::attributes::{DataType, Exporter};
use etalon_telemetry::{Span, Telemetry, spans};

fn main() {
    let span = Span::start(Telemetry::new(&[]).tracer(), None);
    span.end(None, || spans::Exporter { exporter: Exporter("otlp_grpc"), data_type: DataType::Traces });
}
