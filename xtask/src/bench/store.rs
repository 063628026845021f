//! The queue on disk: how fast it takes data, how soon it says so, what it leaves behind, and how soon it is back.
//!
//! The disk itself is measured in between, in the same folder: a disk that others use is slow for everybody.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal as EndBy;
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::child::Child;
use super::content::Signal;
use super::error::Error;
use super::events::{Event, Sent};
use super::load::{Body, Case, Compress, Load, Mode, Protocol};
use super::measure::{Bench, CONNECTED, Cpus, DRAINED, STARTED, free_port, wait_ready};
use super::peer::{Peer, Programs, Variables};
use super::run::{CpuArgs, print};
use super::statistics::Spread;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Rounds; the disk and the queue are measured once in each
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Seconds of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,
    /// Requests a second, when it is measured how soon they are acknowledged
    #[arg(long, value_name = "N", default_value_t = 50.0)]
    rate: f64,
    /// Megabytes that wait when the restart is measured
    #[arg(long, value_name = "MB", default_value_t = 1000)]
    queued: u64,
    /// Folder on the disk to measure, in which a folder is made
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    folder: PathBuf,
    #[command(flatten)]
    programs: Programs,
    #[command(flatten)]
    cpus: CpuArgs,
    /// Write everything measured to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
struct Measured {
    rounds: Vec<Round>,
    restarts: Vec<Restart>,
}

#[derive(Debug, Serialize)]
struct Round {
    /// Megabytes a second that the disk writes in blocks of [`BLOCK`], each with `fdatasync`.
    disk_megabytes: f64,
    /// What a request's bytes and `fdatasync` take at the same rate, milliseconds.
    sync_p50: f64,
    sync_p99: f64,
    /// Megabytes a second that were acknowledged, many senders at a time.
    queue_megabytes: f64,
    /// From sending to the acknowledgement at a moderate rate, milliseconds.
    acknowledged_p50: f64,
    acknowledged_p99: f64,
    /// Bytes of the segments when all was delivered.
    bytes_left: u64,
    /// Whether what arrived is what was acknowledged.
    is_complete: bool,
}

#[derive(Debug, Serialize)]
struct Restart {
    /// How the process ended before.
    after: &'static str,
    /// Bytes of the folder.
    bytes: u64,
    /// From the start of the process until its port accepted a connection, seconds.
    ready_seconds: f64,
}

/// What the store writes with one sync at most.
const BLOCK: usize = 8 << 20;
/// Spans of a request.
const ITEMS: usize = 1000;
/// Bytes that a request has at most.
const REQUEST_MAX: usize = 1 << 20;
/// Until all is delivered, and space is given back.
const EMPTIED: Duration = Duration::from_mins(1);

pub(crate) async fn run(args: StoreArgs) -> Result<ExitCode, Error> {
    let peer = args.programs.storing("etalon")?;
    let cpus = args.cpus.cpus();
    let mut measured = Measured::default();
    for _ in 0..args.rounds {
        measured.rounds.push(round(&args, &peer, cpus).await?);
    }
    measured.restarts = restarts(&args, &peer, cpus).await?;
    print(&measured.text())?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&measured).map_err(|source| Error::Print(source.into()))?;
        fs::write(path, text + "\n").map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    let is_complete = measured.rounds.iter().all(|round| round.is_complete);
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn folder(args: &StoreArgs) -> Result<tempfile::TempDir, Error> {
    tempfile::Builder::new().prefix("etalon-bench-").tempdir_in(&args.folder).map_err(Error::Folder)
}

async fn round(args: &StoreArgs, peer: &Peer, cpus: Cpus) -> Result<Round, Error> {
    let folder = folder(args)?;
    let fast = Load { warm_up: 0.5, seconds: args.seconds, ..load(8) };
    let case = case(Mode::Saturation);
    let bench = Bench::start(peer, &case, &fast, cpus, &[], REQUEST_MAX, folder.path()).await?;
    let (sent, seconds, bytes) = send(&bench, &case, &fast, cpus, folder.path()).await?;
    let slow = Load { warm_up: 0.5, seconds: args.seconds, ..load(4) };
    let paced = self::case(Mode::Rate(args.rate));
    let (timed, _, _) = send(&bench, &paced, &slow, cpus, folder.path()).await?;
    let request = timed.acknowledged.bytes / timed.acknowledged.requests.max(1);
    let path = folder.path().join("disk");
    let disk = Disk::measure(&path, args, usize::try_from(request).unwrap_or(REQUEST_MAX)).await;
    let (disk_megabytes, mut syncs) = disk.map_err(|source| Error::Write { path, source })?;
    let acknowledged = sent.acknowledged.items + timed.acknowledged.items;
    let Bench { mut sink, forwarder, .. } = bench;
    let (mut arrived, mut bytes_left, began) = (0, u64::MAX, Instant::now());
    // Space is given back within seconds after the last request is settled.
    while (arrived < acknowledged || bytes_left > 0) && began.elapsed() < EMPTIED {
        sleep(Duration::from_millis(200)).await;
        sink.ask().await?;
        arrived = match sink.event("say what it received", STARTED).await? {
            Event::Received(received) => received.content.items,
            other => return Err(sink.wrong(&other, "received")),
        };
        bytes_left = segment_bytes(folder.path());
    }
    forwarder.end().await;
    sink.end().await;
    syncs.sort_by(f64::total_cmp);
    Ok(Round {
        disk_megabytes,
        sync_p50: percentile(&syncs, 50),
        sync_p99: percentile(&syncs, 99),
        queue_megabytes: bytes as f64 / 1e6 / seconds,
        acknowledged_p50: timed.latency.p50 as f64 / 1e6,
        acknowledged_p99: timed.latency.p99 as f64 / 1e6,
        bytes_left,
        is_complete: arrived == acknowledged,
    })
}

/// Runs a sender to its end. What it sent, and the seconds and the acknowledged bytes of its window.
async fn send(
    bench: &Bench,
    case: &Case,
    load: &Load,
    cpus: Cpus,
    folder: &Path,
) -> Result<(Sent, f64, u64), Error> {
    let mut sender = bench.sender(case, load, cpus, folder)?;
    let begin = match sender.event("begin its window", CONNECTED + Duration::from_secs(1)).await? {
        Event::Begin { acknowledged, .. } => acknowledged,
        other => return Err(sender.wrong(&other, "begin")),
    };
    let began = Instant::now();
    let limit = STARTED + Duration::from_secs_f64(load.seconds);
    let end = match sender.event("end its window", limit).await? {
        Event::End { acknowledged, .. } => acknowledged,
        other => return Err(sender.wrong(&other, "end")),
    };
    let seconds = began.elapsed().as_secs_f64();
    let sent = match sender.event("finish", DRAINED).await? {
        Event::Done(sent) => *sent,
        other => return Err(sender.wrong(&other, "done")),
    };
    sender.end().await;
    Ok((sent, seconds, end.since(&begin).bytes))
}

/// Fills a queue whose destination is away, and starts it again: killed, and ended in order.
async fn restarts(args: &StoreArgs, peer: &Peer, cpus: Cpus) -> Result<Vec<Restart>, Error> {
    let folder = folder(args)?;
    let load = Load { warm_up: 0.0, seconds: args.seconds, ..load(8) };
    let case = case(Mode::Saturation);
    let bench = Bench::start(peer, &case, &load, cpus, &[], REQUEST_MAX, folder.path()).await?;
    // The destination is away.
    bench.sink.kill();
    while segment_bytes(folder.path()) < args.queued * 1_000_000 {
        send(&bench, &case, &load, cpus, folder.path()).await?;
    }
    let Bench { mut forwarder, .. } = bench;
    let mut restarts = Vec::new();
    for (after, signal) in [("kill -9", EndBy::KILL), ("SIGTERM", EndBy::TERM)] {
        forwarder.end_by(signal, DRAINED).await;
        let bytes = segment_bytes(folder.path());
        let variables = Variables {
            folder: folder.path().to_owned(),
            listen_port: free_port().await?,
            upstream_port: free_port().await?,
            free_port: free_port().await?,
            signal: case.signal,
            protocol: case.protocol,
            compress: load.compress,
            in_flight: 1,
            body_buffer: 1,
        };
        let command = peer.prepare(&variables)?;
        let started = Instant::now();
        forwarder = Child::program(&peer.name, cpus.peer, &command, folder.path())?;
        wait_ready(&mut forwarder, &peer.name, variables.listen_port, started).await?;
        restarts.push(Restart { after, bytes, ready_seconds: started.elapsed().as_secs_f64() });
    }
    Ok(restarts)
}

/// The number below which so many per cent are, of numbers by size.
fn percentile(sorted: &[f64], per_cent: usize) -> f64 {
    let at = (sorted.len() * per_cent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn case(mode: Mode) -> Case {
    Case { signal: Signal::Traces, items: ITEMS, protocol: Protocol::Grpc, mode }
}

fn load(connections: u16) -> Load {
    Load {
        connections,
        in_flight: None,
        warm_up: 0.0,
        seconds: 0.0,
        body: Body::Protobuf,
        compress: Compress::None,
        corpus: 64,
        seed: 1,
    }
}

/// Bytes that the segments of the queue have on the disk.
fn segment_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let queues = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    let files = queues.filter_map(|queue| fs::read_dir(queue).ok()).flatten().flatten();
    let segments = files.filter(|file| file.path().extension().is_some_and(|is| is == "segment"));
    segments.filter_map(|file| file.metadata().ok()).map(|file| file.blocks() * 512).sum()
}

/// The disk without a collector.
struct Disk(File);

impl Disk {
    /// Megabytes a second in large blocks, and what single requests of so many bytes take, in milliseconds.
    async fn measure(path: &Path, args: &StoreArgs, request: usize) -> io::Result<(f64, Vec<f64>)> {
        let mut disk = Self(File::create(path)?);
        let block = vec![0xA5; BLOCK];
        let (began, mut written) = (Instant::now(), 0);
        while began.elapsed().as_secs_f64() < args.seconds {
            disk.write(&block)?;
            written += block.len();
        }
        let megabytes = written as f64 / 1e6 / began.elapsed().as_secs_f64();
        let mut disk = Self(File::create(path)?);
        let (mut syncs, mut due) = (Vec::new(), Instant::now());
        let end = due + Duration::from_secs_f64(args.seconds);
        while due < end {
            // As the requests come: a disk that has just slept is not that which never does.
            sleep_until(due).await;
            due += Duration::from_secs_f64(1.0 / args.rate);
            let each = Instant::now();
            disk.write(&block[..request])?;
            syncs.push(each.elapsed().as_secs_f64() * 1e3);
        }
        fs::remove_file(path)?;
        Ok((megabytes, syncs))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.sync_data()
    }
}

impl Measured {
    fn text(&self) -> String {
        let of = |value: fn(&Round) -> f64| {
            Spread::of(self.rounds.iter().map(value)).map_or(f64::NAN, |spread| spread.median)
        };
        let mut text = format!(
            "\nqueue on disk, requests of {ITEMS} spans, medians of {} rounds\n  \
             throughput           {:7.1} MB/s; the disk alone, 8 MiB and fdatasync: {:.1} MB/s\n  \
             acknowledged after   {:7.2} ms p50, {:.2} ms p99; the disk alone, a request and fdatasync: {:.2} ms p50, {:.2} ms p99\n  \
             segments left when all is delivered {:.1} MiB\n",
            self.rounds.len(),
            of(|round| round.queue_megabytes),
            of(|round| round.disk_megabytes),
            of(|round| round.acknowledged_p50),
            of(|round| round.acknowledged_p99),
            of(|round| round.sync_p50),
            of(|round| round.sync_p99),
            of(|round| round.bytes_left as f64 / f64::from(1 << 20)),
        );
        if !self.rounds.iter().all(|round| round.is_complete) {
            text.push_str("  MISMATCH: what was acknowledged is not what arrived\n");
        }
        for Restart { after, bytes, ready_seconds } in &self.restarts {
            let megabytes = *bytes as f64 / 1e6;
            text.push_str(&format!(
                "  restart after {after:<8} {ready_seconds:6.3} s with {megabytes:.0} MB queued\n"
            ));
        }
        text
    }
}
