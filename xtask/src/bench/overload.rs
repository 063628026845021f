//! Memory of a collector that is sent ten times what its destination takes.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::content::Signal;
use super::error::Error;
use super::events::Event;
use super::load::{Body, Case, Compress, Load, Mode, Protocol};
use super::measure::{Bench, CONNECTED, Cpus, DRAINED, STARTED, used};
use super::peer::Peer;

/// The sink answers so late that the ten consumers of a queue get 100 requests a second through.
const SINK_DELAY_MS: u64 = 100;
/// Requests that are sent each second.
const RATE: f64 = 1000.0;
/// Spans of a request.
const ITEMS: usize = 100;
/// Of load, in seconds.
const SECONDS: f64 = 12.0;
/// Between two looks at the memory.
const EVERY: Duration = Duration::from_secs(1);

/// What a peer did under overload.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Overload {
    pub(crate) peer: String,
    /// Requests that were sent each second, and that the destination takes.
    rate: f64,
    capacity: f64,
    /// Requests that were acknowledged, refused, and not answered.
    acknowledged: u64,
    refused: u64,
    failed: u64,
    /// Resident memory before the load, bytes.
    idle_resident: u64,
    /// Resident memory in each second of load, bytes.
    pub(crate) resident: Vec<u64>,
    pub(crate) peak_resident: u64,
}

/// Puts a peer under overload.
pub(crate) async fn run(peer: &Peer, cpus: Cpus) -> Result<Overload, Error> {
    let folder = tempfile::Builder::new().prefix("etalon-bench-").tempdir().map_err(Error::Folder)?;
    let case =
        Case { signal: Signal::Traces, items: ITEMS, protocol: Protocol::Grpc, mode: Mode::Rate(RATE) };
    let load = Load {
        connections: 4,
        in_flight: None,
        warm_up: 0.0,
        seconds: SECONDS,
        body: Body::Protobuf,
        compress: Compress::None,
        corpus: 64,
        seed: 1,
    };
    let delay = ["--delay".to_owned(), SINK_DELAY_MS.to_string()];
    let bench = Bench::start(peer, &case, &load, cpus, &delay, 1 << 20, folder.path()).await?;
    let mut sender = bench.sender(&case, &load, cpus, folder.path())?;
    match sender.event("begin its window", CONNECTED).await? {
        Event::Begin { .. } => {}
        other => return Err(sender.wrong(&other, "begin")),
    }
    let (began, mut resident) = (Instant::now(), Vec::new());
    while began.elapsed().as_secs_f64() + EVERY.as_secs_f64() < SECONDS {
        sleep_until(began + EVERY * (u32::try_from(resident.len()).unwrap_or(0) + 1)).await;
        resident.push(used(&bench.forwarder, &peer.name)?.resident);
    }
    let peak_resident = used(&bench.forwarder, &peer.name)?.peak_resident;
    match sender.event("end its window", STARTED).await? {
        Event::End { .. } => {}
        other => return Err(sender.wrong(&other, "end")),
    }
    let sent = match sender.event("finish", DRAINED).await? {
        Event::Done(sent) => *sent,
        other => return Err(sender.wrong(&other, "done")),
    };
    sender.end().await;
    bench.forwarder.end().await;
    bench.sink.end().await;
    Ok(Overload {
        peer: peer.name.clone(),
        rate: RATE,
        capacity: 10.0 * 1000.0 / SINK_DELAY_MS as f64,
        acknowledged: sent.acknowledged.requests,
        refused: sent.refused,
        failed: sent.failed,
        idle_resident: bench.idle_resident,
        resident,
        peak_resident,
    })
}

impl Overload {
    pub(crate) fn text(&self) -> String {
        format!(
            "\noverload of {}: {} requests/s of {ITEMS} spans at a destination that takes {}, a queue of 64 MiB\n  \
             {} acknowledged, {} refused, {} not answered\n  resident MiB, idle and each second: {:.0} | {} | peak {:.0}\n",
            self.peer,
            self.rate,
            self.capacity,
            self.acknowledged,
            self.refused,
            self.failed,
            mebibytes(self.idle_resident),
            self.series(),
            mebibytes(self.peak_resident),
        )
    }

    /// Resident memory in each second, MiB.
    pub(crate) fn series(&self) -> String {
        let numbers: Vec<String> =
            self.resident.iter().map(|bytes| format!("{:.0}", mebibytes(*bytes))).collect();
        numbers.join(" ")
    }
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
