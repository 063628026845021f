use etalon_telemetry::Telemetry;

// Before the contract, this was how a component made its instruments.
fn main() {
    let telemetry = Telemetry::new(&[]);
    etalon_telemetry::ReceiverMetrics::new(&telemetry, "otlp", "grpc", "spans", "traces").accepted(1);
}
