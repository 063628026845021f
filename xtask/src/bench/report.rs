//! What the harness says: tables for people, JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::content::Signal;
use super::load::{Case, Load, Mode, Protocol};
use super::measure::{Cpus, Measurement, Verdict};
use super::process::machine;
use super::statistics::Spread;

/// Everything that a run measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) cpu: String,
    pub(crate) kernel: String,
    pub(crate) load: Load,
    cpus: Cpus,
    anchor: String,
    pub(crate) cases: Vec<CaseResult>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct CaseResult {
    pub(crate) case: Case,
    pub(crate) client: &'static str,
    pub(crate) mean_request_bytes: f64,
    #[serde(skip)]
    pub(crate) largest: usize,
    pub(crate) rows: Vec<Row>,
}

/// A peer in all rounds of a case: a measurement, or why there is none.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) peer: String,
    pub(crate) rounds: Vec<Result<Measurement, String>>,
}

/// Bars: plaintext gRPC in and out, no batching, no queue, 1,000 spans per request.
const BAR_RATIO_TO_NGINX: f64 = 1.0;
const BAR_IDLE_BYTES: u64 = 12 << 20;
const BAR_READY_SECONDS: f64 = 0.050;
/// When others take more of the peer's CPU than this share, costs are higher and vary.
const DISTURBED_SHARE: f64 = 0.05;
/// A share of late requests above this makes the latencies of an open loop void.
const LATE_SHARE: f64 = 0.01;

impl Report {
    pub(crate) fn new(load: Load, cpus: Cpus, anchor: String) -> Self {
        let (cpu, kernel) = machine();
        Self { cpu, kernel, load, cpus, anchor, cases: Vec::new() }
    }

    /// Whether each measurement succeeded and what arrived was what was acknowledged.
    pub(crate) fn all_sound(&self) -> bool {
        let rounds = self.cases.iter().flat_map(|case| &case.rows).flat_map(|row| &row.rounds);
        rounds
            .into_iter()
            .all(|round| matches!(round, Ok(measurement) if measurement.verdict == Verdict::Same))
    }
}

impl Row {
    /// The measurements that count: what lost or altered data has no speed.
    fn sound(&self) -> impl Iterator<Item = &Measurement> {
        self.rounds.iter().flatten().filter(|measurement| measurement.verdict == Verdict::Same)
    }

    pub(crate) fn spread(&self, of: impl Fn(&Measurement) -> f64) -> Option<Spread> {
        Spread::of(self.sound().map(of))
    }

    fn median(&self, of: impl Fn(&Measurement) -> f64) -> f64 {
        self.spread(of).map_or(f64::NAN, |spread| spread.median)
    }

    /// CPU per byte of each round, to compare round by round.
    pub(crate) fn costs(&self) -> Vec<Option<f64>> {
        let sound = |measurement: &Measurement| measurement.verdict == Verdict::Same;
        self.rounds
            .iter()
            .map(|round| round.as_ref().ok().filter(|m| sound(m)).map(Measurement::cpu_per_gigabyte))
            .collect()
    }
}

/// What holds for the whole run.
pub(crate) fn heading(report: &Report) -> String {
    let pin = |cpu: Option<usize>| cpu.map_or_else(|| "any CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    format!(
        "{} · Linux {} · peer on {}, sender and sink on {} · {} s after {} s of warm-up · ratios to {}\n",
        report.cpu,
        report.kernel,
        pin(report.cpus.peer),
        pin(report.cpus.load),
        report.load.seconds,
        report.load.warm_up,
        report.anchor
    )
}

/// The table of a case: medians over the rounds, and the ratio of CPU per byte to the anchor.
pub(crate) fn table(result: &CaseResult, anchor: usize) -> String {
    let Case { signal, items, protocol, mode } = result.case;
    let mut out = format!(
        "\n{} · {items} {} a request ({:.0} bytes) · {} · {mode} · client: {}\n",
        signal.name(),
        signal.items_name(),
        result.mean_request_bytes,
        protocol.name(),
        result.client,
    );
    let header = [
        "peer",
        "s/GB",
        "user",
        "system",
        "s/M items",
        "us/req",
        "req/s",
        "k items/s",
        "cpu %",
        "p50 ms",
        "p99 ms",
        "idle MiB",
        "peak MiB",
        "ready ms",
        "ratio (min-max)",
        "",
    ];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for row in &result.rows {
        lines.push(cells(row, &result.rows[anchor], mode));
    }
    out.push_str(&align(&lines));
    for row in &result.rows {
        for (round, outcome) in row.rounds.iter().enumerate() {
            if let Some(trouble) = trouble(outcome) {
                out.push_str(&format!("  {} in round {}: {trouble}\n", row.peer, round + 1));
            }
        }
    }
    out
}

fn cells(row: &Row, anchor: &Row, mode: Mode) -> Vec<String> {
    let number = |digits: usize, of: &dyn Fn(&Measurement) -> f64| match row.median(of) {
        value if value.is_nan() => "-".to_owned(),
        value => format!("{value:.digits$}"),
    };
    let per_gigabyte = |seconds: f64, m: &Measurement| seconds * 1e9 / m.window.bytes.max(1) as f64;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let ratio = Spread::of_ratios(&row.costs(), &anchor.costs())
        .map_or_else(|| "-".into(), |r| format!("{:.2} ({:.2}-{:.2})", r.median, r.min, r.max));
    vec![
        row.peer.clone(),
        number(3, &Measurement::cpu_per_gigabyte),
        number(3, &|m| per_gigabyte(m.user_seconds, m)),
        number(3, &|m| per_gigabyte(m.system_seconds, m)),
        number(3, &Measurement::cpu_per_million_items),
        number(1, &Measurement::micros_per_request),
        number(0, &Measurement::requests_per_second),
        number(0, &|m| m.items_per_second() / 1e3),
        number(0, &|m| m.utilization() * 100.0),
        number(2, &|m| m.latency_ms(|latency| latency.p50)),
        number(2, &|m| m.latency_ms(|latency| latency.p99)),
        number(1, &|m| mebibytes(m.idle_resident)),
        number(1, &|m| mebibytes(m.peak_resident)),
        number(0, &|m| m.ready_seconds * 1e3),
        ratio,
        remark(row, mode),
    ]
}

/// The worst that happened in any round.
fn remark(row: &Row, mode: Mode) -> String {
    let measured = || row.rounds.iter().flatten();
    let refused: u64 = measured().map(|m| m.sent.refused + m.sent.failed).sum();
    let late = measured().map(|m| m.sent.late_share).fold(0.0, f64::max);
    if measured().any(|m| matches!(m.verdict, Verdict::Mismatch(_))) {
        "MISMATCH".into()
    } else if row.rounds.iter().any(Result::is_err) || measured().any(|m| m.verdict != Verdict::Same) {
        "FAILED".into()
    } else if refused > 0 {
        format!("{refused} refused")
    } else if mode != Mode::Saturation && late > LATE_SHARE {
        format!("late: {:.0} %, latency void", late * 100.0)
    } else if let Some(others) = row.spread(Measurement::others_share).filter(|o| o.median > DISTURBED_SHARE)
    {
        format!("ok, but others took {:.0} % of the CPU", others.median * 100.0)
    } else {
        "ok".into()
    }
}

fn trouble(outcome: &Result<Measurement, String>) -> Option<String> {
    match outcome {
        Err(error) => Some(error.clone()),
        Ok(Measurement { verdict: Verdict::Mismatch(why), .. }) => Some(format!("MISMATCH: {why}")),
        Ok(Measurement { verdict: Verdict::Nothing(why), .. }) => {
            Some(format!("nothing was acknowledged: {why}"))
        }
        Ok(Measurement { sent, .. }) => sent.first_error.clone(),
    }
}

/// Columns of equal width: the first to the left, the last as it is, the others to the right.
fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for (at, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            match at {
                0 => text.push_str(&format!("  {cell}{pad}")),
                _ if at + 1 == columns => text.push_str(&format!("  {cell}")),
                _ => text.push_str(&format!("  {pad}{cell}")),
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// The bars, where the run measured what they are about; else nothing.
pub(crate) fn bars(report: &Report) -> String {
    let mut out = String::new();
    for result in &report.cases {
        let Case { signal, items, protocol, mode } = result.case;
        if (signal, items, protocol, mode) != (Signal::Traces, 1000, Protocol::Grpc, Mode::Saturation) {
            continue;
        }
        let find = |name: &str| result.rows.iter().find(|row| row.peer == name);
        let Some(etalon) = find("etalon") else { continue };
        let mut bar = |what: &str, value: Option<f64>, limit: f64, unit: &str| {
            if let Some(value) = value {
                let word = if value <= limit { "met" } else { "MISSED" };
                // Writing to a string cannot fail.
                let _infallible =
                    writeln!(out, "bar: {what}: {value:.2}{unit}, at most {limit:.2}{unit}: {word}");
            }
        };
        let ratio = find("nginx").and_then(|nginx| Spread::of_ratios(&etalon.costs(), &nginx.costs()));
        bar("CPU compared with nginx", ratio.map(|ratio| ratio.median), BAR_RATIO_TO_NGINX, "");
        let mebibyte = f64::from(1 << 20);
        let idle = etalon.spread(|m| m.idle_resident as f64 / mebibyte).map(|idle| idle.max);
        bar("idle memory", idle, BAR_IDLE_BYTES as f64 / mebibyte, " MiB");
        let ready = etalon.spread(|m| m.ready_seconds * 1e3).map(|ready| ready.median);
        bar("ready after", ready, BAR_READY_SECONDS * 1e3, " ms");
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

#[cfg(test)]
pub(crate) mod tests;
