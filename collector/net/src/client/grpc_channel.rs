//! The connections of a gRPC client: which there are, and which one a call takes.
//!
//! Each address has one or more lanes. A lane is a task that connects, serves the connection until
//! it ends, and connects again, with a backoff after failures.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etalon_telemetry::tell;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::ConnectBackoff;
use super::connection::{Connection, ConnectionSettings, Driver, connect};
use super::dial::ConnectError;
use super::target::{Address, Place};
use super::{CALLS_PER_CONNECTION, CONNECT_TIMEOUT, CONNECTIONS, with_causes};

/// A name is resolved again at most this often.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(30);

/// Which of the addresses of a name are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancer {
    /// The first that can be connected to.
    PickFirst,
    /// All, in turn.
    RoundRobin,
}

/// Connections to one target.
#[derive(Debug)]
pub(super) struct Channel {
    place: Place,
    balancer: Balancer,
    settings: ConnectionSettings,
    lanes: Mutex<BTreeMap<usize, Lane>>,
    readiness: watch::Sender<Readiness>,
    next: AtomicUsize,
    /// Asks a lane that waits for it to connect.
    demand: Notify,
    /// Asks for another resolution of the name.
    stale: Notify,
}

/// What a call finds.
#[derive(Debug)]
enum Readiness {
    Stopped,
    Connecting,
    Ready(Vec<Arc<Connection>>),
    Failed(String),
}

#[derive(Debug)]
enum Lane {
    Idle,
    Connecting,
    Ready(Arc<Connection>),
    Failed(String),
}

/// Why a call gets no connection; nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unconnected {
    #[error("the client is not running")]
    Stopped,
    #[error("connection error: {0}")]
    Failed(String),
}

impl Channel {
    pub(super) fn new(place: Place, balancer: Balancer, settings: ConnectionSettings) -> Self {
        Self {
            place,
            balancer,
            settings,
            lanes: Mutex::default(),
            readiness: watch::Sender::new(Readiness::Stopped),
            next: AtomicUsize::new(0),
            demand: Notify::new(),
            stale: Notify::new(),
        }
    }

    /// A connection for one call: at once when there is one, or when one is being made, or, unless
    /// `wait_for_ready`, an error when the last attempts have failed.
    pub(super) async fn pick(&self, wait_for_ready: bool) -> Result<Arc<Connection>, Unconnected> {
        if let Readiness::Ready(connections) = &*self.readiness.borrow() {
            return Ok(self.choose(connections));
        }
        let mut changes = self.readiness.subscribe();
        loop {
            match &*changes.borrow_and_update() {
                Readiness::Ready(connections) => return Ok(self.choose(connections)),
                Readiness::Stopped => return Err(Unconnected::Stopped),
                Readiness::Failed(why) if !wait_for_ready => return Err(Unconnected::Failed(why.clone())),
                Readiness::Failed(_) | Readiness::Connecting => {}
            }
            changes.changed().await.map_err(|_| Unconnected::Stopped)?;
        }
    }

    /// Takes a connection out of use, on which a call could not be started.
    pub(super) fn retire(&self, connection: &Arc<Connection>) {
        self.update(|lanes| {
            for lane in lanes.values_mut() {
                if matches!(lane, Lane::Ready(ready) if Arc::ptr_eq(ready, connection)) {
                    *lane = Lane::Connecting;
                }
            }
        });
    }

    /// Lets calls wait for the connections that [`Channel::run`] is going to make.
    pub(super) fn expect_connections(&self) {
        self.readiness.send_replace(Readiness::Connecting);
    }

    /// Keeps connections until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut lanes = Lanes::default();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow_name(&mut lanes) => {}
        }
        lanes.tasks.shutdown().await;
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.readiness.send_replace(Readiness::Stopped);
    }

    fn choose(&self, connections: &[Arc<Connection>]) -> Arc<Connection> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = &connections[turn % connections.len()];
        if connection.in_flight() >= CALLS_PER_CONNECTION {
            self.demand.notify_one();
        }
        connection.clone()
    }

    /// Resolves the name, has lanes for its addresses, and again whenever a connection was lost.
    async fn follow_name(self: &Arc<Self>, lanes: &mut Lanes) {
        let mut backoff = ConnectBackoff::new();
        loop {
            let started = Instant::now();
            let resolved = timeout(CONNECT_TIMEOUT, self.place.resolve()).await;
            let resolved = resolved.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
            match resolved {
                Ok(addresses) => {
                    backoff.reset();
                    lanes.follow(self, &self.groups(addresses));
                    self.stale.notified().await;
                    sleep_until(started + RESOLVE_INTERVAL).await;
                }
                Err(source) => {
                    let error = ConnectError::Resolve { host: self.place.to_string(), source };
                    let why = with_causes(&error);
                    tell!(ExporterResolveFailed { error: &why, endpoint: &self.place });
                    if lanes.open.is_empty() {
                        self.readiness.send_replace(Readiness::Failed(why));
                    }
                    sleep_until(started + backoff.failed()).await;
                }
            }
        }
    }

    /// The addresses that each lane may connect to.
    fn groups(&self, addresses: Vec<Address>) -> Vec<Vec<Address>> {
        match self.balancer {
            Balancer::PickFirst => vec![addresses],
            Balancer::RoundRobin => addresses.into_iter().map(|address| vec![address]).collect(),
        }
    }

    /// The work of a lane: keeps a connection until `stop`, then lets its last calls end.
    async fn lane(self: Arc<Self>, id: usize, addresses: Vec<Address>, eager: bool, stop: CancellationToken) {
        let mut kept = Kept::default();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep(id, &addresses, eager, &mut kept) => {}
        }
        self.update(|lanes| {
            lanes.remove(&id);
        });
        if let Some(driver) = kept.serving.take() {
            driver.finish().await;
        }
        while kept.finishing.join_next().await.is_some() {}
    }

    /// Connects again and again. All but the `eager` lane of a group do so on demand.
    async fn keep(&self, id: usize, addresses: &[Address], eager: bool, kept: &mut Kept) {
        let mut backoff = ConnectBackoff::new();
        let mut failed = false;
        loop {
            if !eager {
                self.demand.notified().await;
            }
            if !failed {
                self.set(id, Lane::Connecting);
            }
            let started = Instant::now();
            match self.connect_any(addresses).await {
                Ok((connection, driver)) => {
                    failed = false;
                    self.set(id, Lane::Ready(connection));
                    kept.serving.insert(driver).serve().await;
                    self.set(id, if eager { Lane::Connecting } else { Lane::Idle });
                    kept.retire();
                }
                Err(error) => {
                    failed = true;
                    let why = with_causes(&error);
                    tell!(ExporterConnectFailed { error: &why, endpoint: &self.place });
                    self.set(id, if eager { Lane::Failed(why) } else { Lane::Idle });
                }
            }
            self.stale.notify_one();
            // What lasted longer than the wait before the next attempt was of use.
            let next = started + backoff.failed();
            if !failed && Instant::now() > next {
                backoff.reset();
            }
            sleep_until(next).await;
        }
    }

    async fn connect_any(&self, addresses: &[Address]) -> Result<(Arc<Connection>, Driver), ConnectError> {
        let mut last = ConnectError::TimedOut;
        for address in addresses {
            let attempt = timeout(CONNECT_TIMEOUT, connect(address, &self.settings)).await;
            match attempt.unwrap_or(Err(ConnectError::TimedOut)) {
                Ok(connected) => return Ok(connected),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn set(&self, id: usize, lane: Lane) {
        self.update(|lanes| {
            lanes.insert(id, lane);
        });
    }

    fn update(&self, change: impl FnOnce(&mut BTreeMap<usize, Lane>)) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut lanes);
        self.readiness.send_replace(readiness(&lanes));
    }
}

/// What the lanes come to: as gRPC's round robin policy aggregates its subchannels.
fn readiness(lanes: &BTreeMap<usize, Lane>) -> Readiness {
    let mut ready = Vec::new();
    let mut connecting = lanes.is_empty();
    let mut failure = None;
    for lane in lanes.values() {
        match lane {
            Lane::Ready(connection) => ready.push(connection.clone()),
            Lane::Connecting => connecting = true,
            Lane::Failed(why) => failure = Some(why),
            Lane::Idle => {}
        }
    }
    match failure {
        _ if !ready.is_empty() => Readiness::Ready(ready),
        Some(why) if !connecting => Readiness::Failed(why.clone()),
        _ => Readiness::Connecting,
    }
}

/// Connections to one destination: no more than there are CPUs to drive them, as each one more has its own reads and
/// writes.
fn connections() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(CONNECTIONS)
}

/// The connections of a lane that must be driven.
#[derive(Default)]
struct Kept {
    serving: Option<Driver>,
    /// Those that take no new calls. They end with this set.
    finishing: JoinSet<()>,
}

impl Kept {
    fn retire(&mut self) {
        while self.finishing.try_join_next().is_some() {}
        if let Some(driver) = self.serving.take() {
            self.finishing.spawn(driver.finish());
        }
    }
}

/// The lanes that run.
#[derive(Debug, Default)]
struct Lanes {
    tasks: JoinSet<()>,
    open: Vec<OpenLane>,
    started: usize,
}

#[derive(Debug)]
struct OpenLane {
    addresses: Vec<Address>,
    stop: CancellationToken,
}

impl Lanes {
    /// Ends the lanes of groups that are not there any more, and starts those of new ones.
    fn follow(&mut self, channel: &Arc<Channel>, groups: &[Vec<Address>]) {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|lane| {
            let kept = groups.contains(&lane.addresses);
            if !kept {
                lane.stop.cancel();
            }
            kept
        });
        let lanes_each = (connections() / groups.len().max(1)).max(1);
        for group in groups {
            if self.open.iter().any(|lane| lane.addresses == *group) {
                continue;
            }
            for index in 0..lanes_each {
                self.started += 1;
                let stop = CancellationToken::new();
                let lane = channel.clone().lane(self.started, group.clone(), index == 0, stop.clone());
                self.tasks.spawn(lane);
                self.open.push(OpenLane { addresses: group.clone(), stop });
            }
        }
    }
}

#[cfg(test)]
mod tests;
