//! The harness: cases, rounds, peers.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::content::Signal;
use super::corpus;
use super::error::Error;
use super::load::{Body, Case, Load, Mode, Protocol};
use super::measure::{Cpus, Measurement, measure};
use super::peer::{Peer, PeerArgs, rewrites};
use super::report::{self, CaseResult, Report, Row};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Signals
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', default_value = "traces")]
    signal: Vec<Signal>,
    /// Items in each request, one case for each number
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1000,100,10")]
    items: Vec<usize>,
    /// Protocols, the same into and out of the peer
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', default_value = "grpc")]
    protocol: Vec<Protocol>,
    /// `saturation` (closed loop), or `rate=N` (open loop, N requests per second)
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "saturation")]
    mode: Vec<Mode>,
    /// Rounds of each case; every peer is measured once in each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    peers: PeerArgs,
    /// Peer that the others are compared with [default: nginx when it runs, else the first]
    #[arg(long, value_name = "NAME")]
    anchor: Option<String>,
    #[command(flatten)]
    cpus: CpuArgs,
    /// Write everything measured, each round, to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Which CPUs to use.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CpuArgs {
    /// CPU of the peer under test, all its threads
    #[arg(long, value_name = "N", default_value_t = 0)]
    peer_cpu: usize,
    /// CPU of the sender and the sink
    #[arg(long, value_name = "N", default_value_t = 1)]
    load_cpu: usize,
    /// Pin nothing to a CPU
    #[arg(long)]
    no_pin: bool,
}

impl CpuArgs {
    pub(crate) fn cpus(&self) -> Cpus {
        let pin = |cpu| (!self.no_pin).then_some(cpu);
        Cpus { peer: pin(self.peer_cpu), load: pin(self.load_cpu) }
    }
}

/// Runs all cases. The exit code tells whether every measurement succeeded and nothing was lost or
/// altered; it never depends on a time.
pub(crate) async fn run(args: RunArgs) -> Result<ExitCode, Error> {
    until_interrupted(run_all(&args)).await
}

/// Ends with what runs, or when the process is asked to end.
pub(crate) async fn until_interrupted<T>(
    running: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    // Leaving drops the children, which kills them.
    tokio::select! {
        result = running => result,
        _ = interrupt.recv() => Err(Error::Interrupted),
        _ = terminate.recv() => Err(Error::Interrupted),
    }
}

async fn run_all(args: &RunArgs) -> Result<ExitCode, Error> {
    let (peers, skipped) = args.peers.resolve()?;
    for peer in &skipped {
        print(&format!("skipping {}: {}\n", peer.name, peer.why))?;
    }
    let anchor = anchor(args.anchor.as_deref(), &peers)?;
    let mut report = Report::new(args.load.clone(), args.cpus.cpus(), peers[anchor].name.clone());
    print(&report::heading(&report))?;
    for case in args.cases() {
        let result = run_case(args, case, &peers).await?;
        print(&report::table(&result, anchor))?;
        report.cases.push(result);
    }
    print(&report::bars(&report))?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|source| Error::Print(source.into()))?;
        fs::write(path, text + "\n").map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    Ok(if report.all_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn anchor(asked: Option<&str>, peers: &[Peer]) -> Result<usize, Error> {
    let find = |name: &str| peers.iter().position(|peer| peer.name == name);
    match asked {
        Some(name) => find(name).ok_or_else(|| Error::NoAnchor(name.to_owned())),
        None if peers.is_empty() => Err(Error::NoPeers),
        None => Ok(find("nginx").unwrap_or(0)),
    }
}

async fn run_case(args: &RunArgs, case: Case, peers: &[Peer]) -> Result<CaseResult, Error> {
    let rows = peers.iter().map(|peer| Row { peer: peer.name.clone(), rounds: Vec::new() }).collect();
    let mut result = no_result(case, &args.load, rows)?;
    for at in 0..usize::from(args.rounds) {
        round(&case, &args.load, peers, args.cpus.cpus(), at, &mut result, |name| {
            rewrites(name)
                || args.load.body == Body::Json
                || args.peers.counts_only.iter().any(|peer| peer == name)
        })
        .await;
    }
    Ok(result)
}

/// A case that has not been measured yet.
pub(crate) fn no_result(case: Case, load: &Load, rows: Vec<Row>) -> Result<CaseResult, Error> {
    if load.body == Body::Json && case.protocol == Protocol::Grpc {
        return Err(Error::JsonOverGrpc);
    }
    let plain = Load { body: Body::Protobuf, ..load.clone() };
    let corpus = corpus::prepare(&case, &plain)?;
    let largest = corpus.iter().map(|request| request.body.len()).max().unwrap_or(0);
    let bytes: u64 = corpus.iter().map(|request| request.content.bytes).sum();
    let mean_request_bytes = bytes as f64 / corpus.len().max(1) as f64;
    Ok(CaseResult { case, client: case.protocol.client(), mean_request_bytes, largest, rows })
}

/// Measures each peer once.
pub(crate) async fn round(
    case: &Case,
    load: &Load,
    peers: &[Peer],
    cpus: Cpus,
    round: usize,
    result: &mut CaseResult,
    counts_only: impl Fn(&str) -> bool,
) {
    // Rotated, so that no peer always comes after the same one.
    for at in 0..peers.len() {
        let at = (at + round) % peers.len();
        let peer = &peers[at];
        let outcome = measured(peer, case, load, cpus, counts_only(&peer.name), result.largest).await;
        result.rows[at].rounds.push(outcome.map_err(|error| super::chain(&error)));
    }
}

async fn measured(
    peer: &Peer,
    case: &Case,
    load: &Load,
    cpus: Cpus,
    counts_only: bool,
    largest: usize,
) -> Result<Measurement, Error> {
    let folder = tempfile::Builder::new().prefix("etalon-bench-").tempdir().map_err(Error::Folder)?;
    measure(peer, case, load, cpus, counts_only, largest, folder.path()).await
}

impl RunArgs {
    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for &protocol in &self.protocol {
            for &signal in &self.signal {
                for &items in &self.items {
                    cases.extend(self.mode.iter().map(|&mode| Case { signal, items, protocol, mode }));
                }
            }
        }
        cases
    }
}

pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Print)
}
