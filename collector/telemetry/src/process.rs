//! Metrics of the process itself, read from `/proc` when they are rendered.

use std::fs;
use std::time::Instant;

use crate::definition::{Definition, Instrument, Level, Stability, ValueType};
use crate::registry::Telemetry;

static UPTIME: Definition = Definition {
    name: "otelcol_process_uptime",
    brief: "Seconds since the collector started.",
    unit: "s",
    instrument: Instrument::Counter,
    value_type: ValueType::Double,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};
static CPU_SECONDS: Definition = Definition {
    name: "otelcol_process_cpu_seconds",
    brief: "CPU time of the process, user and system, in seconds.",
    unit: "s",
    instrument: Instrument::Counter,
    value_type: ValueType::Double,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};
static MEMORY_RSS: Definition = Definition {
    name: "otelcol_process_memory_rss",
    brief: "Resident memory of the process, in bytes.",
    unit: "By",
    instrument: Instrument::Gauge,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};

/// Clock ticks per second as Linux reports them to user space on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) fn register(telemetry: &Telemetry) {
    #[expect(clippy::disallowed_methods, reason = "uptime is told to people, no decision depends on it")]
    let started = Instant::now();
    telemetry.observe_always(&UPTIME, &[], move || started.elapsed().as_secs_f64());
    if fs::metadata("/proc/self/stat").is_ok() {
        telemetry.observe_always(&CPU_SECONDS, &[], || cpu_seconds().unwrap_or(f64::NAN));
        telemetry.observe_always(&MEMORY_RSS, &[], || memory_rss().unwrap_or(f64::NAN));
    }
}

/// `utime` and `stime` of proc(5) `/proc/self/stat`: fields 14 and 15, counted after the last `)`.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// `VmRSS` of proc(5) `/proc/self/status`, which is in kibibytes.
fn memory_rss() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_time() {
        assert!(memory_rss().is_some_and(|bytes| bytes > 100_000.0));
        assert!(cpu_seconds().is_some());
    }
}
