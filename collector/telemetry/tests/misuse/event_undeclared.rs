use etalon_telemetry::tell;

fn main() {
    tell!(ServicePaused);
}
