use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::Result;
use etalon_telemetry::metrics::ConfigMetrics;

fn main() {
    ConfigMetrics::new(&Telemetry::new(&[])).reloads(1, Result::Postponed);
}
