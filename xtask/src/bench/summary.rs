//! What the book shows of a suite: as data, and as tables.

use serde::Serialize;

use super::measure::Measurement;
use super::overload::{Overload, mebibytes};
use super::report::{CaseResult, Report, Row};
use super::statistics::Spread;
use super::suite::Entry;

/// All that is kept of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    version: &'static str,
    cpu: String,
    kernel: String,
    rounds: usize,
    window_seconds: f64,
    cases: Vec<CaseSummary>,
    overload: Vec<Overload>,
}

#[derive(Clone, Debug, Serialize)]
struct CaseSummary {
    name: &'static str,
    what: &'static str,
    mean_request_bytes: f64,
    client: &'static str,
    peers: Vec<PeerSummary>,
    bars: Vec<Held>,
}

/// Medians over the rounds, and how far they are apart.
#[derive(Clone, Debug, Serialize)]
struct PeerSummary {
    peer: String,
    /// Seconds for 10^9 bytes of protobuf.
    cpu_per_gigabyte: Option<Spread>,
    cpu_micros_per_request: Option<Spread>,
    cpu_nanos_per_item: Option<Spread>,
    items_per_second: Option<Spread>,
    peak_resident: Option<Spread>,
    idle_resident: Option<Spread>,
    /// What went wrong in how many rounds.
    failed_rounds: usize,
}

/// A bar, and what was measured.
#[derive(Clone, Debug, Serialize)]
struct Held {
    against: &'static str,
    at_most: f64,
    measured: Spread,
    met: bool,
}

impl Summary {
    pub(crate) fn new(report: &Report, entries: &[&Entry], overload: Vec<Overload>) -> Self {
        let cases = entries.iter().zip(&report.cases);
        let rounds = report.cases.iter().flat_map(|case| &case.rows).map(|row| row.rounds.len()).max();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            cpu: report.cpu.clone(),
            kernel: report.kernel.clone(),
            rounds: rounds.unwrap_or(0),
            window_seconds: report.load.seconds,
            cases: cases.map(|(entry, result)| CaseSummary::new(entry, result)).collect(),
            overload,
        }
    }

    /// One line for each bar.
    pub(crate) fn verdicts(&self) -> String {
        let mut out = String::from("\n");
        for case in &self.cases {
            for bar in &case.bars {
                let Held { against, at_most, measured, met } = bar;
                out.push_str(&format!(
                    "bar: {}: {:.2} ({:.2}-{:.2}) x {against}, at most {at_most:.2}: {}\n",
                    case.what,
                    measured.median,
                    measured.min,
                    measured.max,
                    if *met { "met" } else { "MISSED" }
                ));
            }
        }
        out
    }

    /// The tables of the book's page.
    pub(crate) fn markdown(&self) -> String {
        let mut out = format!(
            "<!-- Made by `cargo xtask bench suite`; do not edit. -->\n\n\
             Version {}, on {}, Linux {}: {} rounds, windows of {} s. Medians; in parentheses the least and the most.\n",
            self.version, self.cpu, self.kernel, self.rounds, self.window_seconds
        );
        for case in &self.cases {
            out.push_str(&case.markdown());
        }
        out.push_str(
            "\n### Bars\n\n| case | compared with | at most | measured | |\n|---|---|---|---|---|\n",
        );
        for case in &self.cases {
            for bar in &case.bars {
                out.push_str(&format!(
                    "| {} | {} | {:.2} | {} | {} |\n",
                    case.what,
                    name(bar.against),
                    bar.at_most,
                    spread(Some(bar.measured), 2),
                    if bar.met { "met" } else { "**missed**" }
                ));
            }
        }
        if !self.overload.is_empty() {
            out.push_str(
                "\n### Overload\n\n| | resident memory in each second, MiB | most, MiB |\n|---|---|---|\n",
            );
        }
        for overload in &self.overload {
            let (series, peak) = (overload.series(), mebibytes(overload.peak_resident));
            out.push_str(&format!("| {} | {series} | {peak:.0} |\n", name(&overload.peer)));
        }
        out
    }
}

impl CaseSummary {
    fn new(entry: &Entry, result: &CaseResult) -> Self {
        let find = |name: &str| result.rows.iter().find(|row| row.peer == name);
        let bars = entry.bars.iter().filter_map(|bar| {
            let (etalon, other) = (find("etalon")?, find(bar.against)?);
            let measured = Spread::of_ratios(&etalon.costs(), &other.costs())?;
            let met = measured.median <= bar.at_most;
            Some(Held { against: bar.against, at_most: bar.at_most, measured, met })
        });
        Self {
            name: entry.name,
            what: entry.what,
            mean_request_bytes: result.mean_request_bytes,
            client: result.client,
            bars: bars.collect(),
            peers: result.rows.iter().map(PeerSummary::new).collect(),
        }
    }

    fn markdown(&self) -> String {
        let mut out = format!(
            "\n### {}\n\nA request has {:.0} bytes of protobuf.\n\n\
             | | CPU s/GB | CPU µs/request | CPU ns/item | items/s, one core | most memory, MiB |\n\
             |---|---|---|---|---|---|\n",
            self.what, self.mean_request_bytes
        );
        for peer in &self.peers {
            let median = |spread: Option<Spread>, scale: f64| {
                spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.0}", spread.median * scale))
            };
            out.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                name(&peer.peer),
                spread(peer.cpu_per_gigabyte, 2),
                median(peer.cpu_micros_per_request, 1.0),
                median(peer.cpu_nanos_per_item, 1.0),
                median(peer.items_per_second, 1.0),
                median(peer.peak_resident, 1.0 / f64::from(1 << 20)),
            ));
        }
        out
    }
}

impl PeerSummary {
    fn new(row: &Row) -> Self {
        Self {
            peer: row.peer.clone(),
            cpu_per_gigabyte: row.spread(Measurement::cpu_per_gigabyte),
            cpu_micros_per_request: row.spread(Measurement::micros_per_request),
            cpu_nanos_per_item: row.spread(|m| m.cpu_per_million_items() * 1e3),
            items_per_second: row.spread(Measurement::items_per_second),
            peak_resident: row.spread(|m| m.peak_resident as f64),
            idle_resident: row.spread(|m| m.idle_resident as f64),
            failed_rounds: row.rounds.len() - row.costs().iter().flatten().count(),
        }
    }
}

/// What a peer is called in the book.
fn name(peer: &str) -> &str {
    match peer {
        "etalon" => "Etalon",
        "etalon-anew" => "Etalon, compressing anew at level 1",
        "go" => "Go collector",
        other => other,
    }
}

fn spread(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |s| format!("{:.digits$} ({:.digits$}–{:.digits$})", s.median, s.min, s.max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::{report, row};
    use crate::bench::suite::ENTRIES;

    #[test]
    fn a_bar_is_met_or_missed_by_the_ratio_within_rounds() {
        // 1 s of CPU for each against 2 and 4, and 0.9.
        for (others, met) in [([1.5, 3.5], true), ([0.4, 0.4], false)] {
            let report = report(vec![row("nginx", &others), row("etalon", &[0.5, 0.5])]);
            let summary = Summary::new(&report, &[&ENTRIES[0]], Vec::new());
            let [bar] = summary.cases[0].bars.as_slice() else {
                panic!("one bar: the Go collector did not run")
            };
            assert_eq!((bar.against, bar.met), ("nginx", met));
            assert!(summary.markdown().contains(if met { "| met |" } else { "| **missed** |" }));
            assert!(summary.verdicts().contains(if met { ": met\n" } else { ": MISSED\n" }));
        }
    }
}
