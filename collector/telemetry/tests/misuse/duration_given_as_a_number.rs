use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, Receiver, Transport};
use etalon_telemetry::metrics::{ReceiverAttributes, ReceiverMetrics};

fn main() {
    let of = ReceiverAttributes {
        receiver: Receiver("otlp"),
        transport: Transport::Grpc,
        data_type: DataType::Traces,
    };
    let metrics = ReceiverMetrics::new(&Telemetry::new(&[]), of);
    metrics.request_duration(3);
}
