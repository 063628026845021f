//! The fixed list of cases whose results the book shows, with the bars that they are held to.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use super::content::Signal;
use super::error::Error;
use super::load::{Body, Case, Compress, Load, Mode, Protocol};
use super::measure::Cpus;
use super::overload::{self, Overload};
use super::peer::{Peer, Programs, installed};
use super::report::{self, CaseResult, Report, Row};
use super::run::{self, CpuArgs, print};
use super::summary;

/// The other collector, and the proxies.
const ALL: &[&str] = &["etalon", "nginx", "haproxy", "go"];

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SuiteArgs {
    /// Most rounds; every peer of every case is measured once in each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// No round is begun that would not end within so many minutes, the first one aside
    #[arg(long, value_name = "N", default_value_t = 11)]
    minutes: u64,
    /// Seconds of the measuring window
    #[arg(long, value_name = "SECONDS", default_value_t = 1.5)]
    seconds: f64,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    #[command(flatten)]
    programs: Programs,
    #[command(flatten)]
    cpus: CpuArgs,
    /// Folder for performance.json and performance.md, of which the book's page is made
    #[arg(long, value_name = "FOLDER", default_value = "book/src/data")]
    out: PathBuf,
}

/// A case of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    protocol: Protocol,
    signal: Signal,
    items: usize,
    body: Body,
    compress: Compress,
    peers: &'static [&'static str],
    pub(crate) anchor: &'static str,
    /// Most that etalon may cost, relative to another peer.
    pub(crate) bars: &'static [Bar],
}

/// What etalon's CPU per byte may be at most, as a multiple of another peer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) against: &'static str,
    pub(crate) at_most: f64,
}

const fn bar(against: &'static str, at_most: f64) -> Bar {
    Bar { against, at_most }
}

const fn traces(
    name: &'static str,
    what: &'static str,
    protocol: Protocol,
    items: usize,
    bars: &'static [Bar],
) -> Entry {
    let (body, compress) = (Body::Protobuf, Compress::None);
    Entry {
        name,
        what,
        protocol,
        signal: Signal::Traces,
        items,
        body,
        compress,
        peers: ALL,
        anchor: "nginx",
        bars,
    }
}

/// Four times cheaper than the Go collector, in every case that both take.
const GO: Bar = bar("go", 0.25);

pub(crate) const ENTRIES: &[Entry] = &[
    traces("grpc-1000", "gRPC, 1,000 spans a request", Protocol::Grpc, 1000, &[bar("nginx", 1.0), GO]),
    traces("grpc-100", "gRPC, 100 spans a request", Protocol::Grpc, 100, &[bar("nginx", 1.0), GO]),
    traces("grpc-10", "gRPC, 10 spans a request", Protocol::Grpc, 10, &[bar("nginx", 0.7), GO]),
    traces(
        "http-1000",
        "HTTP protobuf, 1,000 spans a request",
        Protocol::Http,
        1000,
        &[bar("nginx", 1.5), GO],
    ),
    traces("http-10", "HTTP protobuf, 10 spans a request", Protocol::Http, 10, &[bar("nginx", 1.5), GO]),
    Entry {
        signal: Signal::Logs,
        peers: &["etalon", "nginx", "go"],
        ..traces("grpc-logs-1000", "gRPC, 1,000 log records a request", Protocol::Grpc, 1000, &[GO])
    },
    Entry {
        signal: Signal::Metrics,
        peers: &["etalon", "nginx", "go"],
        ..traces("grpc-metrics-1000", "gRPC, 1,000 data points a request", Protocol::Grpc, 1000, &[GO])
    },
    Entry {
        body: Body::Gzip,
        compress: Compress::Gzip,
        peers: &["etalon", "etalon-anew", "go"],
        anchor: "etalon-anew",
        ..traces(
            "http-gzip-1000",
            "HTTP protobuf with gzip in and out, 1,000 spans a request",
            Protocol::Http,
            1000,
            &[bar("etalon-anew", 0.25), GO],
        )
    },
    Entry {
        body: Body::Gzip,
        compress: Compress::Gzip,
        peers: &["etalon", "go"],
        anchor: "go",
        ..traces(
            "grpc-gzip-1000",
            "gRPC with gzip in and out, 1,000 spans a request",
            Protocol::Grpc,
            1000,
            &[GO],
        )
    },
    Entry {
        body: Body::Json,
        peers: &["etalon", "go"],
        anchor: "go",
        ..traces(
            "http-json-100",
            "HTTP JSON in, protobuf out, 100 spans a request",
            Protocol::Http,
            100,
            &[GO],
        )
    },
];

impl Entry {
    fn case(&self) -> Case {
        Case { signal: self.signal, items: self.items, protocol: self.protocol, mode: Mode::Saturation }
    }

    fn load(&self, seconds: f64) -> Load {
        Load {
            connections: 4,
            in_flight: None,
            warm_up: 0.5,
            seconds,
            body: self.body,
            compress: self.compress,
            corpus: 64,
            seed: 1,
        }
    }
}

/// Runs the list, and writes what the book shows.
pub(crate) async fn run(args: SuiteArgs) -> Result<ExitCode, Error> {
    run::until_interrupted(run_all(&args)).await
}

async fn run_all(args: &SuiteArgs) -> Result<ExitCode, Error> {
    let entries: Vec<&Entry> = ENTRIES.iter().filter(|entry| entry.name.contains(&args.only)).collect();
    let cpus = args.cpus.cpus();
    let mut cases = prepare(args, &entries)?;
    let mut overloads = Vec::new();
    if "overload".contains(&args.only) {
        for name in ["etalon", "go"] {
            let (found, skipped) = installed(vec![args.programs.queueing(name)?]);
            for peer in &found {
                overloads.push(overload::run(peer, cpus).await?);
            }
            tell_skipped(&skipped)?;
        }
    }
    measure(args, &entries, &mut cases, cpus).await?;
    let load = ENTRIES[0].load(args.seconds);
    let mut report = Report::new(load, cpus, "nginx".to_owned());
    print(&report::heading(&report))?;
    for (entry, (_, result)) in entries.iter().zip(cases) {
        let anchor = result.rows.iter().position(|row| row.peer == entry.anchor).unwrap_or(0);
        print(&format!("\n{}: {}", entry.name, report::table(&result, anchor).trim_start()))?;
        report.cases.push(result);
    }
    for overload in &overloads {
        print(&overload.text())?;
    }
    write(args, &entries, &report, overloads)?;
    Ok(if report.all_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The peers of each case, and a row for each.
fn prepare(args: &SuiteArgs, entries: &[&Entry]) -> Result<Vec<(Vec<Peer>, CaseResult)>, Error> {
    let mut told = Vec::new();
    let mut cases = Vec::new();
    for entry in entries {
        let peers: Result<Vec<Peer>, Error> =
            entry.peers.iter().map(|name| args.programs.peer(name)).collect();
        let (peers, skipped) = installed(peers?);
        for peer in skipped {
            if !told.contains(&peer.name) {
                told.push(peer.name.clone());
                tell_skipped(std::slice::from_ref(&peer))?;
            }
        }
        let rows = peers.iter().map(|peer| Row { peer: peer.name.clone(), rounds: Vec::new() }).collect();
        cases.push((peers, run::no_result(entry.case(), &entry.load(args.seconds), rows)?));
    }
    Ok(cases)
}

fn tell_skipped(skipped: &[super::peer::Skipped]) -> Result<(), Error> {
    skipped.iter().try_for_each(|peer| print(&format!("skipping {}: {}\n", peer.name, peer.why)))
}

/// Rounds over all cases, so that what disturbs the machine for a while disturbs one round of each.
async fn measure(
    args: &SuiteArgs,
    entries: &[&Entry],
    cases: &mut [(Vec<Peer>, CaseResult)],
    cpus: Cpus,
) -> Result<(), Error> {
    let (began, limit) = (Instant::now(), Duration::from_secs(60 * args.minutes));
    for round in 0..usize::from(args.rounds) {
        let round_began = Instant::now();
        for (entry, (peers, result)) in entries.iter().zip(cases.iter_mut()) {
            let (case, load) = (entry.case(), entry.load(args.seconds));
            run::round(&case, &load, peers, cpus, round, result, |name| {
                super::peer::rewrites(name) || entry.body == Body::Json
            })
            .await;
        }
        let took = round_began.elapsed();
        print(&format!("round {} of {}: {:.0} s\n", round + 1, args.rounds, took.as_secs_f64()))?;
        if began.elapsed() + took > limit {
            break;
        }
    }
    Ok(())
}

fn write(
    args: &SuiteArgs,
    entries: &[&Entry],
    report: &Report,
    overloads: Vec<Overload>,
) -> Result<(), Error> {
    let summary = summary::Summary::new(report, entries, overloads);
    let json = serde_json::to_string_pretty(&summary).map_err(|source| Error::Print(source.into()))?;
    fs::create_dir_all(&args.out).map_err(|source| Error::Write { path: args.out.clone(), source })?;
    for (name, text) in [("performance.json", json + "\n"), ("performance.md", summary.markdown())] {
        let path = args.out.join(name);
        fs::write(&path, text).map_err(|source| Error::Write { path, source })?;
    }
    print(&summary.verdicts())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_each_case_has_its_anchor_and_what_its_bars_are_about() {
        for (at, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[..at].iter().all(|other| other.name != entry.name), "{}", entry.name);
            assert!(entry.peers.contains(&entry.anchor) && entry.peers.contains(&"etalon"), "{}", entry.name);
            assert!(entry.bars.iter().all(|bar| entry.peers.contains(&bar.against)), "{}", entry.name);
        }
    }
}
