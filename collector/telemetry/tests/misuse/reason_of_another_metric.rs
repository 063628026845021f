use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, DropReason, Exporter, RefusalReason};
use etalon_telemetry::metrics::{ExporterAttributes, ExporterMetrics};

fn main() {
    let of = ExporterAttributes { exporter: Exporter("otlp_grpc"), data_type: DataType::Traces };
    let metrics = ExporterMetrics::new(&Telemetry::new(&[]), of);
    metrics.dropped(1, DropReason::Bored);
    metrics.dropped(1, RefusalReason::Rejected);
}
