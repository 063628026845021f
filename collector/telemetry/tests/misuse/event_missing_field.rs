use etalon_telemetry::tell;

fn main() {
    tell!(ReceiverTlsHandshakeFailed { peer: &"192.0.2.7:51820" });
}
