use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, Exporter, Transport};
use etalon_telemetry::metrics::{ReceiverAttributes, ReceiverMetrics};

fn main() {
    let of = ReceiverAttributes {
        receiver: Exporter("otlp"),
        transport: Transport::Grpc,
        data_type: DataType::Traces,
    };
    ReceiverMetrics::new(&Telemetry::new(&[]), of);
}
