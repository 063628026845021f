//! What is told of the process itself, read from `/proc` when it is rendered, and of the contract that it keeps.

use std::env::consts;
use std::fs;
use std::time::Instant;

use crate::SUPPORT_END;
use crate::attributes::{HostArch, OsType, Version};
use crate::definitions::CONTRACT_VERSION;
use crate::metrics::{
    BuildAttributes, BuildMetrics, BuildReads, ContractAttributes, ContractMetrics, ContractReads,
    ProcessMetrics, ProcessReads, ProcessUsageMetrics, ProcessUsageReads, SupportMetrics, SupportReads,
};
use crate::registry::Telemetry;

/// What is told of the process and of the contract that it keeps, as long as this lives.
#[derive(Debug)]
#[must_use = "the series end with it"]
pub struct ProcessObservations {
    _process: ProcessMetrics,
    _contract: ContractMetrics,
    _build: BuildMetrics,
    _support: SupportMetrics,
    /// Not on every operating system.
    _usage: Option<ProcessUsageMetrics>,
}

/// Clock ticks per second as Linux reports them to user space on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Tells of the process, whose program has this version, and of the contract that it keeps, from now on.
pub fn observe_process(telemetry: &Telemetry, version: &str) -> ProcessObservations {
    #[expect(clippy::disallowed_methods, reason = "uptime is told to people, no decision depends on it")]
    let started = Instant::now();
    let reads = ProcessReads { uptime: move || started.elapsed().as_secs_f64() };
    let is_linux = fs::metadata("/proc/self/stat").is_ok();
    let usage = || {
        let reads = ProcessUsageReads {
            cpu_seconds: || cpu_seconds().unwrap_or(f64::NAN),
            memory_rss: || memory_rss().unwrap_or(0),
        };
        ProcessUsageMetrics::new(telemetry, reads)
    };
    let build = BuildAttributes {
        version: Version(version),
        os_type: OsType(consts::OS),
        host_arch: HostArch(consts::ARCH),
    };
    let of = ContractAttributes { version: Version(CONTRACT_VERSION) };
    ProcessObservations {
        _process: ProcessMetrics::new(telemetry, reads),
        _contract: ContractMetrics::new(telemetry, of, ContractReads { info: || 1 }),
        _build: BuildMetrics::new(telemetry, build, BuildReads { info: || 1 }),
        _support: SupportMetrics::new(telemetry, SupportReads { end: || SUPPORT_END }),
        _usage: is_linux.then(usage),
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

/// Bytes of memory that the process takes, where the system tells: `VmRSS` of proc(5) `/proc/self/status`, which is in kibibytes.
pub fn memory_rss() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_time() {
        assert!(memory_rss().is_some_and(|bytes| bytes > 100_000));
        assert!(cpu_seconds().is_some());
    }
}
