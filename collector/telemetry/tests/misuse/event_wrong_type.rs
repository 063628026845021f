use etalon_telemetry::tell;

fn main() {
    tell!(ServiceStopped { failures: "two" });
}
