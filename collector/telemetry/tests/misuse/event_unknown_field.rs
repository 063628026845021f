use etalon_telemetry::tell;

fn main() {
    tell!(ReceiverTlsUnexpected { peer: &"192.0.2.7:51820", error: &"none of its fields" });
}
