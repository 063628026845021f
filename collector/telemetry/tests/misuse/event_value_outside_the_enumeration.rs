use etalon_telemetry::attributes::StopReason;
use etalon_telemetry::tell;

fn main() {
    tell!(ServiceStopping { stop_reason: StopReason::Boredom });
}
