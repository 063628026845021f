//! CPU time and memory of a process and its descendants, from /proc.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// What a process and all its descendants use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time outside the kernel since the start; the kernel counts in ticks of 10 ms.
    pub(crate) user: Duration,
    /// CPU time in the kernel since the start.
    pub(crate) system: Duration,
    /// Resident memory now, bytes. Pages that processes share count once for each.
    pub(crate) resident: u64,
    /// The most resident memory that each process ever had, bytes, summed.
    pub(crate) peak_resident: u64,
    /// How many processes.
    pub(crate) processes: u32,
}

/// The usage of the process `root` and its descendants. Processes that end meanwhile are left out; an
/// error when `root` itself is gone.
pub(crate) fn usage(root: u32) -> io::Result<Usage> {
    let tick = Duration::from_secs(1) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100);
    let stats = all_stats()?;
    if !stats.contains_key(&root) {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("process {root} has ended")));
    }
    let mut total = Usage::default();
    for (pid, stat) in &stats {
        if !descends(*pid, root, &stats) {
            continue;
        }
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        total.user += tick * stat.user_ticks;
        total.system += tick * stat.system_ticks;
        total.resident += parse_status(&status, "VmRSS").unwrap_or(0);
        total.peak_resident += parse_status(&status, "VmHWM").unwrap_or(0);
        total.processes += 1;
    }
    Ok(total)
}

/// CPU time that processes got on one CPU, or on all, since the machine started; interrupts, which a
/// peer's own traffic causes, left out.
pub(crate) fn busy(cpu: Option<usize>) -> io::Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    let ticks =
        parse_busy(&text, cpu).ok_or_else(|| io::Error::other("there is no such CPU in /proc/stat"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The model name of the first CPU, and the kernel's version.
pub(crate) fn machine() -> (String, String) {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned());
    (cpu.unwrap_or_else(|| "unknown".into()), kernel.unwrap_or_else(|_| "unknown".into()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    user_ticks: u32,
    system_ticks: u32,
}

fn all_stats() -> io::Result<HashMap<u32, Stat>> {
    let mut stats = HashMap::new();
    for entry in fs::read_dir(Path::new("/proc"))? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if let Some(stat) = parse_stat(&text) {
            stats.insert(pid, stat);
        }
    }
    Ok(stats)
}

fn descends(pid: u32, root: u32, stats: &HashMap<u32, Stat>) -> bool {
    let mut at = pid;
    // Bounded: a snapshot that is not of one instant could contain a circle.
    for _ in 0..64 {
        if at == root {
            return true;
        }
        match stats.get(&at) {
            Some(stat) => at = stat.parent,
            None => return false,
        }
    }
    false
}

/// Reads `/proc/PID/stat`. The name, in parentheses, may itself hold spaces and parentheses: the fields
/// are counted from the last `)`.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // proc(5) numbers the fields from 1; the first after the name, the state, is 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
    Some(Stat { parent: field(4)?, user_ticks: field(14)?, system_ticks: field(15)? })
}

/// The ticks of `/proc/stat` that went to processes, here or on other guests of the host: user, nice,
/// system and stolen.
fn parse_busy(text: &str, cpu: Option<usize>) -> Option<u64> {
    let label = cpu.map_or_else(|| "cpu".to_owned(), |cpu| format!("cpu{cpu}"));
    let line = text.lines().find(|line| line.split_ascii_whitespace().next() == Some(&label))?;
    let fields: Vec<u64> =
        line.split_ascii_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    [0, 1, 2, 7].into_iter().map(|at| fields.get(at).copied()).sum()
}

/// A size of `/proc/PID/status` in bytes.
fn parse_status(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "4242 (a) (b c) S 4100 4242 4242 0 -1 4194304 911 0 0 0 1234 567 8 9 20 0 3 0 100 1000 250";

    #[test]
    fn a_stat_line_is_read_behind_a_name_with_spaces_and_parentheses() {
        assert_eq!(parse_stat(STAT), Some(Stat { parent: 4100, user_ticks: 1234, system_ticks: 567 }));
        assert_eq!(parse_stat("4242 (cut) S 4100 4242"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn sizes_of_a_status_file_are_bytes() {
        let status = "Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t   12 kB\nVmRSS:\t    7 kB\n";
        assert_eq!(parse_status(status, "VmHWM"), Some(12 * 1024));
        assert_eq!(parse_status(status, "VmRSS"), Some(7 * 1024));
        assert_eq!(parse_status(status, "VmSwap"), None);
    }

    #[test]
    fn busy_ticks_are_those_of_processes_on_that_cpu() {
        let text = "cpu  10 20 30 400 50 60 70 80 0 0\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu1 9 18 27 360 45 54 63 72 0 0\n";
        assert_eq!(parse_busy(text, None), Some(140));
        assert_eq!(parse_busy(text, Some(0)), Some(14));
        assert_eq!(parse_busy(text, Some(2)), None);
    }

    #[test]
    fn descendants_are_found_over_generations_and_circles_end() {
        let stat = |parent| Stat { parent, user_ticks: 0, system_ticks: 0 };
        let stats = HashMap::from([
            (10, stat(1)),
            (11, stat(10)),
            (12, stat(11)),
            (20, stat(1)),
            (30, stat(31)),
            (31, stat(30)),
        ]);
        let found = |pid| descends(pid, 10, &stats);
        assert!(found(10) && found(11) && found(12));
        assert!(!found(20) && !found(30));
    }

    #[test]
    fn this_process_has_memory_and_a_process_that_is_gone_is_an_error() {
        let usage = usage(std::process::id()).unwrap();
        assert!(usage.resident > 0 && usage.peak_resident >= usage.resident / 2 && usage.processes >= 1);
        let gone = super::usage(u32::MAX).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
}
