//! One measurement: a sink, a forwarder and a sender, started for it alone.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::child::Child;
use super::content::Content;
use super::error::Error;
use super::events::{Event, Latency, Received, Sent};
use super::load::{Case, Load, Protocol};
use super::peer::{Peer, Variables};
use super::process::{Usage, busy, usage};

/// What one peer did in one round of one case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement {
    /// From the start of the process until its port accepted a connection, seconds. Includes the
    /// launcher, which is about 2 ms.
    pub(crate) ready_seconds: f64,
    /// Resident memory before any load, bytes.
    pub(crate) idle_resident: u64,
    /// The most resident memory, bytes.
    pub(crate) peak_resident: u64,
    /// Length of the measuring window, seconds.
    pub(crate) window_seconds: f64,
    /// What was acknowledged within the window.
    pub(crate) window: Content,
    /// CPU time within the window, seconds.
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
    /// CPU time that others took on the peer's CPU within the window, seconds; without pinning 0.
    pub(crate) others_seconds: f64,
    pub(crate) sent: Sent,
    pub(crate) received: Received,
    pub(crate) verdict: Verdict,
}

/// Whether what arrived is what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub(crate) enum Verdict {
    Same,
    Mismatch(String),
    /// Nothing was acknowledged within the window.
    Nothing(String),
}

/// Which CPUs to run on; `None` leaves that to the system.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cpus {
    pub(crate) peer: Option<usize>,
    pub(crate) load: Option<usize>,
}

/// Limits of the steps.
pub(crate) const STARTED: Duration = Duration::from_secs(10);
const READY: Duration = Duration::from_secs(20);
pub(crate) const CONNECTED: Duration = Duration::from_secs(20);
pub(crate) const DRAINED: Duration = Duration::from_secs(30);
const ARRIVED: Duration = Duration::from_secs(5);
const SETTLED: Duration = Duration::from_secs(1);

/// A sink and a peer in front of it, without load.
pub(crate) struct Bench {
    pub(crate) sink: Child,
    pub(crate) forwarder: Child,
    listen_port: u16,
    ready: Duration,
    pub(crate) idle_resident: u64,
}

impl Bench {
    /// Starts both. `folder` is empty and belongs to this measurement.
    pub(crate) async fn start(
        peer: &Peer,
        case: &Case,
        load: &Load,
        cpus: Cpus,
        sink_arguments: &[String],
        largest: usize,
        folder: &Path,
    ) -> Result<Self, Error> {
        let mut sink = Child::ours("sink", cpus.load, sink_arguments, folder)?;
        let upstream = match sink.event("listen", STARTED).await? {
            Event::Listening { address } => address,
            other => return Err(sink.wrong(&other, "listening")),
        };
        let variables = Variables {
            folder: folder.to_owned(),
            listen_port: free_port().await?,
            upstream_port: upstream.port(),
            free_port: free_port().await?,
            signal: case.signal,
            protocol: case.protocol,
            compress: load.compress,
            in_flight: u32::from(load.connections) * u32::from(load.in_flight(case.mode)),
            body_buffer: largest.next_power_of_two().max(1 << 20),
        };
        let command = peer.prepare(&variables)?;
        let started = Instant::now();
        let mut forwarder = Child::program(&peer.name, cpus.peer, &command, folder)?;
        wait_ready(&mut forwarder, &peer.name, variables.listen_port, started).await?;
        let ready = started.elapsed();
        let idle_resident = settled(&forwarder, &peer.name).await?;
        Ok(Self { sink, forwarder, listen_port: variables.listen_port, ready, idle_resident })
    }

    /// Starts a sender.
    pub(crate) fn sender(&self, case: &Case, load: &Load, cpus: Cpus, folder: &Path) -> Result<Child, Error> {
        let mut arguments = vec!["--target".to_owned(), format!("127.0.0.1:{}", self.listen_port)];
        arguments.extend(load.arguments(case));
        Child::ours("sender", cpus.load, &arguments, folder)
    }
}

/// Measures a peer. `folder` is empty and belongs to this measurement.
pub(crate) async fn measure(
    peer: &Peer,
    case: &Case,
    load: &Load,
    cpus: Cpus,
    counts_only: bool,
    largest: usize,
    folder: &Path,
) -> Result<Measurement, Error> {
    let bench = Bench::start(peer, case, load, cpus, &[], largest, folder).await?;
    let mut sender = bench.sender(case, load, cpus, folder)?;
    let Bench { mut sink, forwarder, ready, idle_resident, .. } = bench;
    let warm = CONNECTED + Duration::from_secs_f64(load.warm_up);
    let ((before, busy_before), begin) = match sender.event("begin its window", warm).await? {
        Event::Begin { acknowledged, .. } => (window_edge(&forwarder, &peer.name, cpus)?, acknowledged),
        other => return Err(sender.wrong(&other, "begin")),
    };
    let window_began = Instant::now();
    let window = STARTED + Duration::from_secs_f64(load.seconds);
    let ((after, busy_after), end) = match sender.event("end its window", window).await? {
        Event::End { acknowledged, .. } => (window_edge(&forwarder, &peer.name, cpus)?, acknowledged),
        other => return Err(sender.wrong(&other, "end")),
    };
    let window_seconds = window_began.elapsed().as_secs_f64();
    let sent = match sender.event("finish", DRAINED).await? {
        Event::Done(sent) => *sent,
        other => return Err(sender.wrong(&other, "done")),
    };
    let received = arrived(&mut sink, &sent.acknowledged, counts_only).await?;
    let peak_resident = used(&forwarder, &peer.name)?.peak_resident;
    sender.end().await;
    forwarder.end().await;
    sink.end().await;

    let window = end.since(&begin);
    let user = after.user.saturating_sub(before.user);
    let system = after.system.saturating_sub(before.system);
    let others = busy_after.saturating_sub(busy_before).saturating_sub(user + system);
    Ok(Measurement {
        ready_seconds: ready.as_secs_f64(),
        idle_resident,
        peak_resident,
        window_seconds,
        window,
        user_seconds: user.as_secs_f64(),
        system_seconds: system.as_secs_f64(),
        others_seconds: others.as_secs_f64(),
        verdict: judge(&sent, &received, &window, counts_only),
        sent,
        received,
    })
}

pub(crate) async fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::FreePort)?;
    listener.local_addr().map(|address| address.port()).map_err(Error::FreePort)
}

/// Waits until it accepts connections.
pub(crate) async fn wait_ready(
    forwarder: &mut Child,
    name: &str,
    port: u16,
    started: Instant,
) -> Result<(), Error> {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        forwarder.check()?;
        if started.elapsed() > READY {
            let said = forwarder.said();
            return Err(Error::TooLate {
                name: name.to_owned(),
                what: "accept connections",
                limit: READY,
                said,
            });
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

pub(crate) fn used(forwarder: &Child, name: &str) -> Result<Usage, Error> {
    usage(forwarder.pid()).map_err(|source| Error::Usage { name: name.to_owned(), source })
}

/// What the peer has used, and how busy its CPU was.
fn window_edge(forwarder: &Child, name: &str, cpus: Cpus) -> Result<(Usage, Duration), Error> {
    let usage = used(forwarder, name)?;
    let busy = cpus.peer.map_or(Ok(Duration::ZERO), |cpu| busy(Some(cpu)));
    Ok((usage, busy.map_err(|source| Error::Usage { name: name.to_owned(), source })?))
}

/// Resident memory once it no longer changes.
async fn settled(forwarder: &Child, name: &str) -> Result<u64, Error> {
    let started = Instant::now();
    let mut last = used(forwarder, name)?.resident;
    loop {
        sleep(Duration::from_millis(100)).await;
        let now = used(forwarder, name)?.resident;
        if now == last || started.elapsed() > SETTLED {
            return Ok(now);
        }
        last = now;
    }
}

/// What the sink has received, once that is everything, or once it had the time for it: a peer with a
/// queue delivers after it acknowledged.
async fn arrived(sink: &mut Child, sent: &Content, counts_only: bool) -> Result<Received, Error> {
    let started = Instant::now();
    loop {
        sink.ask().await?;
        let received = match sink.event("say what it received", STARTED).await? {
            Event::Received(received) => received,
            other => return Err(sink.wrong(&other, "received")),
        };
        if same(sent, &received.content, counts_only) || started.elapsed() > ARRIVED {
            return Ok(received);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn same(sent: &Content, received: &Content, counts_only: bool) -> bool {
    if counts_only { sent.items == received.items } else { sent.same_entries(received) }
}

fn judge(sent: &Sent, received: &Received, window: &Content, counts_only: bool) -> Verdict {
    let (there, here) = (&sent.acknowledged, &received.content);
    let error =
        sent.first_error.as_deref().map(|error| format!("; first error: {error}")).unwrap_or_default();
    let troubles = format!("{} refused and {} unanswered requests{error}", sent.refused, sent.failed);
    if window.requests == 0 {
        return Verdict::Nothing(troubles);
    }
    if sent.rejected_items > 0 {
        return Verdict::Mismatch(format!("{} items were rejected", sent.rejected_items));
    }
    if same(there, here, counts_only) {
        return Verdict::Same;
    }
    let what = if there.items != here.items {
        format!("{} items acknowledged, {} received", there.items, here.items)
    } else {
        format!(
            "{} items on both sides, with other content ({} entries acknowledged, {} received)",
            there.items, there.entries, here.entries
        )
    };
    Verdict::Mismatch(format!("{what}; {troubles}"))
}

impl Measurement {
    /// CPU seconds, user and system.
    pub(crate) fn cpu(&self) -> f64 {
        self.user_seconds + self.system_seconds
    }

    /// CPU seconds for 10^9 bytes of protobuf.
    pub(crate) fn cpu_per_gigabyte(&self) -> f64 {
        self.cpu() * 1e9 / self.window.bytes.max(1) as f64
    }

    /// CPU seconds for 10^6 items.
    pub(crate) fn cpu_per_million_items(&self) -> f64 {
        self.cpu() * 1e6 / self.window.items.max(1) as f64
    }

    /// CPU microseconds for one request.
    pub(crate) fn micros_per_request(&self) -> f64 {
        self.cpu() * 1e6 / self.window.requests.max(1) as f64
    }

    pub(crate) fn requests_per_second(&self) -> f64 {
        self.window.requests as f64 / self.window_seconds
    }

    pub(crate) fn items_per_second(&self) -> f64 {
        self.window.items as f64 / self.window_seconds
    }

    /// Share of the peer's CPU that was busy.
    pub(crate) fn utilization(&self) -> f64 {
        self.cpu() / self.window_seconds
    }

    /// Share of the peer's CPU that others took.
    pub(crate) fn others_share(&self) -> f64 {
        self.others_seconds / self.window_seconds
    }

    /// Latencies, in milliseconds.
    pub(crate) fn latency_ms(&self, of: impl Fn(&Latency) -> u64) -> f64 {
        of(&self.sent.latency) as f64 / 1e6
    }
}

impl Protocol {
    /// What the sender is, for the record: a peer's cost depends on it.
    pub(crate) fn client(self) -> &'static str {
        match self {
            Self::Grpc => "h2 crate, DATA frames of 16 KiB, one write each",
            Self::Http => "hyper, HTTP/1.1, head and body in one write",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(acknowledged: Content) -> Sent {
        Sent {
            acknowledged,
            rejected_items: 0,
            refused: 0,
            failed: 0,
            first_error: None,
            latency: Latency::default(),
            late_share: 0.0,
        }
    }

    fn received(content: Content) -> Received {
        Received { content, refused: 0, wire_bytes: 0 }
    }

    const CONTENT: Content = Content { requests: 2, items: 20, bytes: 200, entries: 4, hash: 77 };

    #[test]
    fn the_same_entries_in_other_requests_are_the_same() {
        let joined = Content { requests: 1, bytes: 201, ..CONTENT };
        assert_eq!(judge(&sent(CONTENT), &received(joined), &CONTENT, false), Verdict::Same);
    }

    #[test]
    fn lost_doubled_altered_and_rejected_items_are_a_mismatch() {
        let judged = |here| judge(&sent(CONTENT), &received(here), &CONTENT, false);
        for here in [
            Content { items: 19, ..CONTENT },
            Content { items: 21, ..CONTENT },
            Content { hash: 78, ..CONTENT },
            Content { entries: 5, ..CONTENT },
        ] {
            assert!(matches!(judged(here), Verdict::Mismatch(_)), "{here:?}");
        }
        let rejected = Sent { rejected_items: 1, ..sent(CONTENT) };
        assert!(matches!(judge(&rejected, &received(CONTENT), &CONTENT, false), Verdict::Mismatch(_)));
    }

    #[test]
    fn a_peer_that_writes_anew_is_held_to_its_counts() {
        let rewritten = Content { hash: 1, entries: 9, ..CONTENT };
        assert_eq!(judge(&sent(CONTENT), &received(rewritten), &CONTENT, true), Verdict::Same);
        let lost = Content { items: 19, ..rewritten };
        assert!(matches!(judge(&sent(CONTENT), &received(lost), &CONTENT, true), Verdict::Mismatch(_)));
    }

    #[test]
    fn nothing_acknowledged_is_no_success() {
        let nothing = Content::default();
        assert!(matches!(judge(&sent(nothing), &received(nothing), &nothing, false), Verdict::Nothing(_)));
    }
}
