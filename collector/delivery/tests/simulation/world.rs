//! A collector between senders and a destination, and what goes wrong.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etalon_component::{BuildInfo, Component as _, Extension, Host, Settings, Stage, Storage, seed_random};
use etalon_delivery::Delivery;
use etalon_pdata::TRACES;
use etalon_store::simulation::{Fault, SimDisk};
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, Exporter as ExporterName};
use etalon_telemetry::metrics::ExporterAttributes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::destination::{Destination, Exporter, Health};
use crate::ledger::Ledger;
use crate::plan::{Mode, Plan};
use crate::sender;

/// Longest time from the end of all troubles until everything has arrived: the longest hint of the destination, and then
/// some.
const DRAINED: Duration = Duration::from_hours(5);
/// What is settled is written after this time, and survives the process, if the disk works.
const WRITTEN: Duration = Duration::from_millis(100);
/// It is synced after this time, and survives a power cut.
const CERTAIN: Duration = Duration::from_millis(2500);

/// Where senders find the collector.
#[derive(Clone)]
pub(crate) struct Entrance {
    current: Arc<Mutex<Option<(Arc<Delivery>, CancellationToken)>>>,
    pub(crate) ledger: Ledger,
    pub(crate) mode: Mode,
}

impl Entrance {
    /// The collector, and what is told when it dies.
    pub(crate) fn open(&self) -> Option<(Arc<Delivery>, CancellationToken)> {
        self.current.lock().expect("no panic").clone()
    }

    fn set(&self, to: Option<(Arc<Delivery>, CancellationToken)>) {
        *self.current.lock().expect("no panic") = to;
    }
}

pub(crate) struct World {
    plan: Plan,
    rng: StdRng,
    ledger: Ledger,
    destination: Destination,
    entrance: Entrance,
    storage: Storage,
    disk: SimDisk,
    node: Option<Node>,
    /// Of all collectors that have ended.
    past: Past,
}

/// A process.
struct Node {
    delivery: Arc<Delivery>,
    host: Host,
    telemetry: Telemetry,
    died: CancellationToken,
    /// When the disk has failed it the last time: from when, and until when.
    hurt: Option<(Instant, Instant)>,
}

#[derive(Default)]
struct Past {
    /// Items that were given up by a rule of the configuration, at the end of the time for a shutdown too.
    given_up: u64,
    /// Items that were in memory when a collector died.
    died: u64,
    /// Items that the last one left on the disk, when that is known.
    kept: Option<u64>,
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        seed_random(seed);
        let directory = PathBuf::from(format!("/simulation/{}", WORLDS.fetch_add(1, Ordering::Relaxed)));
        let storage = Storage { directory, queue_bytes: 16 << 20, lock_timeout: Duration::ZERO };
        let (ledger, disk) = (Ledger::default(), SimDisk::new(seed));
        disk.set_latency(plan.disk_latency);
        Self {
            rng: StdRng::seed_from_u64(!seed),
            destination: Destination::new(seed, ledger.clone()),
            entrance: Entrance { current: Arc::default(), ledger: ledger.clone(), mode: plan.mode },
            ledger,
            storage,
            disk,
            node: None,
            past: Past::default(),
            plan,
        }
    }

    /// Runs it to its end, and tells what has happened.
    ///
    /// # Panics
    /// When a promise is broken.
    pub(crate) async fn run(mut self) -> String {
        self.start().await;
        let mut senders = JoinSet::new();
        for number in 0..self.plan.senders as u64 {
            let seed = self.rng.random();
            senders.spawn(sender::run(self.entrance.clone(), seed, number << 32, self.plan.requests));
        }
        for _ in 0..self.plan.troubles {
            self.pause(30_000).await;
            self.trouble().await;
        }
        self.destination.become_(Health::Well);
        self.disk.heal();
        self.start().await;
        self.settle_down(senders).await;
        self.stop(DRAINED).await;
        self.check();
        if self.plan.mode == Mode::Disk {
            let left = etalon_store::inspect(&self.disk).expect("it can be read");
            assert!(left.segments.iter().all(|segment| segment.queued_requests == 0), "{left:?}");
        }
        SimDisk::unmount(&self.queue());
        self.ledger.trace()
    }

    /// All senders have done what they could, and nothing is in the collector any more.
    async fn settle_down(&mut self, mut senders: JoinSet<()>) {
        let healed = Instant::now();
        let node = self.node.as_ref().expect("it was started");
        let sent = timeout(DRAINED, async {
            while let Some(sent) = senders.join_next().await {
                sent.expect("no panic");
            }
        });
        assert!(sent.await.is_ok(), "senders wait for ever");
        let mut pause = Duration::from_secs(1);
        while node.metric("etalon_exporter_queue_items") > 0 {
            assert!(
                healed.elapsed() < 2 * DRAINED,
                "{} items stay in the queue",
                node.metric("etalon_exporter_queue_items")
            );
            sleep(pause).await;
            pause = pause.mul_f64(1.5);
        }
        // What is being settled at this moment.
        sleep(Duration::from_secs(5)).await;
        let (came, went) = node.balance();
        assert_eq!(came, went, "items that came and items that went");
    }

    fn check(&self) {
        self.ledger.check_duplicates();
        let unsettled = self.ledger.unsettled();
        let (lost, Past { given_up, died, .. }) = (unsettled.len() as u64, &self.past);
        let told = format!(
            "{lost} acknowledged items have not arrived ({unsettled:?}); {given_up} were given up, {died} died"
        );
        match self.plan.mode {
            Mode::Direct | Mode::Waiting => assert_eq!(lost, 0, "{told}"),
            Mode::Memory => assert!(lost <= given_up + died, "{told}"),
            Mode::Disk if self.plan.never_gives_up() => assert_eq!((lost, *given_up), (0, 0), "{told}"),
            Mode::Disk => assert!(lost <= *given_up, "{told}"),
        }
    }

    async fn pause(&mut self, milliseconds: u64) {
        // Odd times are the world's.
        sleep(Duration::from_millis(2 * self.rng.random_range(1..milliseconds / 2) + 1)).await;
    }

    async fn trouble(&mut self) {
        match self.rng.random_range(0..16) {
            0..6 => self.destination.become_(health(&mut self.rng)),
            6 | 7 => self.crash().await,
            8 => self.interrupt().await,
            9 => {
                let within = Duration::from_millis(self.rng.random_range(0..30_000));
                self.stop(within).await;
                self.pause(10_000).await;
                self.start().await;
            }
            10 | 11 => self.reload().await,
            12 | 13 => {
                self.ledger.note("clock jump", &[]);
                let jump = Duration::from_secs(self.rng.random_range(1..3 * 3600));
                tokio::time::advance(jump).await;
            }
            _ => self.hurt().await,
        }
    }

    /// A call to the disk fails.
    async fn hurt(&mut self) {
        let (what, fault) =
            [("disk error", Fault::Error), ("disk full", Fault::Full), ("disk short", Fault::Short)]
                [self.rng.random_range(0..3)];
        let began = Instant::now();
        self.disk.fail(self.rng.random_range(1..12), fault);
        self.pause(20_000).await;
        if self.disk.heal() {
            self.ledger.note(what, &[]);
            if let Some(node) = &mut self.node {
                node.hurt = Some((began, Instant::now()));
            }
        }
    }

    /// The process is killed between two calls to the disk that belong together.
    async fn interrupt(&mut self) {
        let died = self.node.as_ref().expect("it runs").died.clone();
        let dying = died.clone();
        self.disk.on_death(move || dying.cancel());
        self.disk.fail(self.rng.random_range(1..8), Fault::Dead);
        if timeout(Duration::from_secs(20), died.cancelled()).await.is_ok() {
            self.ledger.note("write interrupted", &[]);
        }
        self.crash().await;
    }

    /// The process is killed, or the power is cut.
    async fn crash(&mut self) {
        let cuts_power = self.rng.random_bool(0.4);
        self.ledger.note(if cuts_power { "power cut" } else { "kill" }, &[]);
        self.disk = self.disk.crash(cuts_power);
        let node = self.node.take().expect("it runs");
        node.died.cancel();
        self.entrance.set(None);
        let certain = if cuts_power { CERTAIN } else { WRITTEN };
        self.ledger.forget(certain + node.unnoted().unwrap_or_default());
        self.past.given_up += node.given_up();
        self.past.died += node.metric("etalon_exporter_queue_items");
        self.past.kept = None;
        drop(node);
        self.pause(10_000).await;
        self.start().await;
    }

    /// SIGTERM, with so much time.
    async fn stop(&mut self, within: Duration) {
        self.ledger.note("stop", &[]);
        let node = self.node.take().expect("it runs");
        self.entrance.set(None);
        let began = Instant::now();
        let ended = timeout(within + Duration::from_secs(1), node.delivery.shutdown(began + within)).await;
        ended.expect("it ends in time").expect("it can be shut down");
        // Whoever waits for an answer still has lost the connection.
        node.died.cancel();
        tokio::task::yield_now().await;
        self.past.given_up += node.given_up();
        let unnoted = node.unnoted();
        if let Some(unnoted) = unnoted {
            self.ledger.forget(unnoted);
        }
        let (came, went) = node.balance();
        self.past.kept = unnoted.is_none().then_some(came - went);
        if self.plan.mode != Mode::Disk {
            assert_eq!(came, went, "items that came and items that went, after the end");
        }
    }

    async fn start(&mut self) {
        let died = CancellationToken::new();
        if self.node.is_some() {
            return;
        }
        self.disk.mount(&self.queue());
        let telemetry = Telemetry::new(&[]);
        // A disk that fails makes the start fail; nothing is changed by that, and the next one goes on.
        let (host, delivery) = loop {
            let host = self.host(Host::new(mpsc::channel(1).0));
            let delivery = self.delivery(&telemetry, died.clone());
            match delivery.start(&host).await {
                Ok(()) => break (host, delivery),
                Err(error) => assert!(self.disk.heal(), "{error:?}"),
            }
            self.pause(1000).await;
        };
        let node = Node { delivery, host, telemetry, died, hurt: None };
        let restored = node.metric("etalon_exporter_restored_items");
        if let Some(kept) = self.past.kept.take() {
            assert_eq!(restored, kept, "items that were kept at the end, and were there at the start");
        }
        self.entrance.set(Some((node.delivery.clone(), node.died.clone())));
        self.node = Some(node);
    }

    /// Another chain goes on with the queue of the one that is there.
    async fn reload(&mut self) {
        self.ledger.note("reload", &[]);
        let Some(node) = &self.node else { return };
        let host = self.host(node.host.successor(|_| true));
        let delivery = self.delivery(&node.telemetry, node.died.clone());
        if let Err(error) = delivery.start(&host).await {
            assert!(self.disk.heal(), "{error:?}");
            return;
        }
        self.entrance.set(Some((delivery.clone(), node.died.clone())));
        let within = Duration::from_millis(self.rng.random_range(0..30_000));
        let Some(node) = &mut self.node else { return };
        let old = std::mem::replace(&mut node.delivery, delivery);
        node.host = host;
        old.shutdown(Instant::now() + within).await.expect("it can be shut down");
    }

    fn host(&self, host: Host) -> Host {
        let idle = Exporter { destination: self.destination.clone(), died: CancellationToken::new() };
        let extension = Extension::new(Arc::new(idle)).with_storage(self.storage.clone());
        host.with_extensions([("file_storage".parse().expect("an id"), extension)].into())
    }

    fn delivery(&self, telemetry: &Telemetry, died: CancellationToken) -> Arc<Delivery> {
        let settings = Settings {
            id: "test".parse().expect("an id"),
            pipeline: None,
            build: BuildInfo { command: "test", description: "Test", version: "0" },
            telemetry: telemetry.clone(),
            span: tracing::Span::none(),
        };
        let of = ExporterAttributes { data_type: DataType::Traces, exporter: ExporterName("test") };
        let exporter = Exporter { destination: self.destination.clone(), died };
        Arc::new(Delivery::new(&settings, TRACES, &self.plan.config, Stage::new(exporter), of))
    }

    fn queue(&self) -> PathBuf {
        self.storage.queue_directory(&"test".parse().expect("an id"), TRACES.name)
    }
}

impl Node {
    /// Since when what was settled may not be noted, for the disk has just failed.
    fn unnoted(&self) -> Option<Duration> {
        let (began, ended) = self.hurt?;
        (ended.elapsed() <= CERTAIN).then(|| began.elapsed() + WRITTEN)
    }

    /// The sum of the series of a metric.
    fn metric(&self, name: &str) -> u64 {
        let text = self.telemetry.prometheus_text();
        let of_it = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        of_it
            .map(|line| {
                line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a whole number")
            })
            .sum()
    }

    /// Items that were lost although their sender was told OK, and although the destination has not refused them.
    fn given_up(&self) -> u64 {
        let text = self.telemetry.prometheus_text();
        let rules = ["retries_exhausted", "shutdown", "internal_error"];
        let is_of_it = |line: &&str| {
            line.starts_with("etalon_exporter_dropped_items{")
                && rules.iter().any(|rule| line.contains(&format!("\"{rule}\"")))
        };
        let of_it = text.lines().filter(is_of_it);
        of_it
            .map(|line| {
                line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a whole number")
            })
            .sum()
    }

    /// Items that came, and items of which is known where they are.
    fn balance(&self) -> (u64, u64) {
        let came = ["etalon_exporter_incoming_items", "etalon_exporter_restored_items"];
        let went = [
            "otelcol_exporter_sent_spans",
            "otelcol_exporter_send_failed_spans",
            "otelcol_exporter_enqueue_failed_spans",
            "etalon_exporter_queue_items",
        ];
        let sum = |names: &[&str]| names.iter().map(|name| self.metric(name)).sum();
        (sum(&came), sum(&went))
    }
}

fn health(rng: &mut StdRng) -> Health {
    match rng.random_range(0..10) {
        0 | 1 => Health::Well,
        2..5 => Health::Odd,
        5 | 6 => {
            let hint =
                [None, Some(Duration::from_secs(2)), Some(Duration::from_hours(3))][rng.random_range(0..3)];
            Health::Refusing(rng.random_range(1..17), hint)
        }
        7 => Health::Late,
        8 => Health::Cut,
        _ => Health::Mute,
    }
}
