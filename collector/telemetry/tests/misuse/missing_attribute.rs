use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, Receiver};
use etalon_telemetry::metrics::{ReceiverAttributes, ReceiverMetrics};

fn main() {
    let of = ReceiverAttributes { receiver: Receiver("otlp"), data_type: DataType::Traces };
    ReceiverMetrics::new(&Telemetry::new(&[]), of);
}
