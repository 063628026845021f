//! What a request costs that is refused because there is no memory, next to one that is accepted.

use std::process::ExitCode;
use std::time::Duration;

use super::content::Signal;
use super::error::Error;
use super::events::Event;
use super::load::{Body, Case, Compress, Load, Mode, Protocol};
use super::measure::{Bench, CONNECTED, Cpus, DRAINED, STARTED, used};
use super::peer::{Peer, Programs};
use super::run::{CpuArgs, print, until_interrupted};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RefusalsArgs {
    /// Rounds; each case is measured once in each
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Spans of a request; 1000 are about 360 kB
    #[arg(long, value_name = "N", default_value_t = 1000)]
    items: usize,
    /// Seconds of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    programs: Programs,
    #[command(flatten)]
    cpus: CpuArgs,
}

/// Of load before the window, seconds: long enough for 64 MiB of requests to fill the memory.
const WARM_UP: f64 = 2.0;
/// A destination that answers after this time, in milliseconds, does not answer.
const NEVER_MS: u64 = 600_000;
/// Share of requests that may be anything else than what is measured.
const OTHERS_MAX: f64 = 0.01;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    Refused,
}

/// What was counted until the window began, or ended.
struct Edge {
    acknowledged: u64,
    refused: u64,
    cpu: Duration,
}

/// Measures, and prints CPU time a request side by side.
pub(crate) async fn run(args: RefusalsArgs) -> Result<ExitCode, Error> {
    until_interrupted(run_all(&args)).await
}

async fn run_all(args: &RefusalsArgs) -> Result<ExitCode, Error> {
    // Who waits for the destination is never refused for want of memory.
    let (accepting, refusing) = (args.programs.peer("etalon")?, args.programs.limited("etalon")?);
    print("CPU microseconds of the collector for a request, one line for each round\n")?;
    print("protocol  body      accepted  refused  refused/accepted\n")?;
    for _ in 0..args.rounds {
        for protocol in [Protocol::Grpc, Protocol::Http] {
            for body in [Body::Protobuf, Body::Gzip] {
                let accepted = measured(&accepting, args, protocol, body, Fate::Accepted).await?;
                let refused = measured(&refusing, args, protocol, body, Fate::Refused).await?;
                print(&format!(
                    "{:<9} {:<9} {accepted:>8.1} {refused:>8.1} {:>17.3}\n",
                    protocol.name(),
                    body.name(),
                    refused / accepted
                ))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn measured(
    peer: &Peer,
    args: &RefusalsArgs,
    protocol: Protocol,
    body: Body,
    fate: Fate,
) -> Result<f64, Error> {
    let folder = tempfile::Builder::new().prefix("etalon-bench-").tempdir().map_err(Error::Folder)?;
    let case = Case { signal: Signal::Traces, items: args.items, protocol, mode: Mode::Saturation };
    // What came compressed leaves so: what is compared is the way in.
    let compress = if body == Body::Gzip { Compress::Gzip } else { Compress::None };
    let load = Load {
        connections: 4,
        in_flight: Some(4),
        warm_up: WARM_UP,
        seconds: args.seconds,
        body,
        compress,
        corpus: 64,
        seed: 1,
    };
    let cpus: Cpus = args.cpus.cpus();
    let delay = ["--delay".to_owned(), NEVER_MS.to_string()];
    let sink: &[String] = if fate == Fate::Refused { &delay } else { &[] };
    let bench = Bench::start(peer, &case, &load, cpus, sink, 1 << 20, folder.path()).await?;
    let mut sender = bench.sender(&case, &load, cpus, folder.path())?;
    let window = CONNECTED + Duration::from_secs_f64(WARM_UP + args.seconds);
    let mut edge = async |what, expected| match sender.event(what, window).await? {
        Event::Begin { acknowledged, refused } | Event::End { acknowledged, refused } => {
            let usage = used(&bench.forwarder, &peer.name)?;
            Ok(Edge { acknowledged: acknowledged.requests, refused, cpu: usage.user + usage.system })
        }
        other => Err(sender.wrong(&other, expected)),
    };
    let (before, after) = (edge("begin its window", "begin").await?, edge("end its window", "end").await?);
    match sender.event("finish", DRAINED + STARTED).await? {
        Event::Done(_) => {}
        other => return Err(sender.wrong(&other, "done")),
    }
    sender.end().await;
    bench.forwarder.end().await;
    bench.sink.end().await;
    let acknowledged = after.acknowledged - before.acknowledged;
    let refused = after.refused - before.refused;
    let (wanted, others) =
        if fate == Fate::Accepted { (acknowledged, refused) } else { (refused, acknowledged) };
    if wanted == 0 || others as f64 > OTHERS_MAX * wanted as f64 {
        return Err(Error::OtherFate { wanted: format!("{fate:?}").to_lowercase(), acknowledged, refused });
    }
    Ok(after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / wanted as f64)
}
