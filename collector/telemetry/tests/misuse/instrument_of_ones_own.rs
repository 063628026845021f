use etalon_telemetry::{Definition, Instrument, Level, Stability, Telemetry, ValueType};

static MINE: Definition = Definition {
    name: "mine",
    brief: "Mine.",
    unit: "1",
    instrument: Instrument::Counter,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Stable,
    on_event: false,
    buckets: &[],
};

fn main() {
    Telemetry::new(&[]).counter(&MINE, &[]).add(1);
}
