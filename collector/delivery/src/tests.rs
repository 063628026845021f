//! The chain under a stopped clock, in front of a sender that does as it is told.

mod accounting;
mod batch;
mod circuit;
mod disk;
mod drops;
mod partly;
mod parts;
mod queue;
mod retry;
mod shutdown;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{
    Batch, BoxError, BoxFuture, BuildInfo, Component, Consumer, Delivered, Host, Outcome, Settings, Stage,
};
use etalon_pdata::{Payload, TRACES};
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, Exporter};
use etalon_telemetry::metrics::ExporterAttributes;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::{Delivery, DeliveryConfig, QueueConfig, RetryConfig};

const OF: ExporterAttributes<'_> =
    ExporterAttributes { data_type: DataType::Traces, exporter: Exporter("test") };

/// What the sender does with one batch.
enum Reply {
    Outcome(Outcome),
    /// Nothing, for ever.
    Silence,
    Panic,
}

/// Plays a script, then delivers. Notes what it is given.
struct Sender {
    script: Mutex<VecDeque<Reply>>,
    attempts: Mutex<Vec<Attempt>>,
    /// Each attempt takes one; tests that do not care have plenty.
    gate: Semaphore,
}

#[derive(Clone, Debug)]
struct Attempt {
    at: Duration,
    items: usize,
    deadline: Option<Duration>,
    caller: Option<Arc<etalon_component::Caller>>,
}

struct Chain {
    delivery: Arc<Delivery>,
    sender: Arc<Sender>,
    telemetry: Telemetry,
    epoch: Instant,
}

impl Sender {
    fn new(script: impl IntoIterator<Item = Reply>, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into_iter().collect()),
            attempts: Mutex::default(),
            gate: Semaphore::new(permits),
        })
    }
}

struct Recorder(Arc<Sender>, Instant);

impl Consumer for Recorder {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        let Self(sender, epoch) = self;
        Box::pin(async move {
            sender.attempts.lock().unwrap().push(Attempt {
                at: epoch.elapsed(),
                items: batch.items(),
                deadline: batch.context.deadline.map(|deadline| deadline - *epoch),
                caller: batch.context.caller.clone(),
            });
            let reply = sender.script.lock().unwrap().pop_front();
            sender.gate.acquire().await.unwrap().forget();
            match reply {
                None => Outcome::DELIVERED,
                Some(Reply::Outcome(outcome)) => outcome,
                Some(Reply::Silence) => std::future::pending().await,
                Some(Reply::Panic) => panic!("the sender is broken"),
            }
        })
    }
}

impl Component for Recorder {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

const PLENTY: usize = 1_000_000;

impl Chain {
    async fn new(config: &DeliveryConfig, script: impl IntoIterator<Item = Reply>) -> Self {
        Self::gated(config, script, PLENTY).await
    }

    /// A chain whose sender may answer `permits` times.
    async fn gated(config: &DeliveryConfig, script: impl IntoIterator<Item = Reply>, permits: usize) -> Self {
        let host = Host::new(mpsc::channel(1).0);
        Self::on(&host, config, script, permits).await.expect("nothing can fail here")
    }

    /// A chain that is started with a host of the test's own.
    async fn on(
        host: &Host,
        config: &DeliveryConfig,
        script: impl IntoIterator<Item = Reply>,
        permits: usize,
    ) -> Result<Self, BoxError> {
        let (sender, epoch) = (Sender::new(script, permits), Instant::now());
        let stage = Stage::new(Recorder(sender.clone(), epoch));
        let (delivery, telemetry) = started(host, config, stage).await?;
        Ok(Self { delivery, sender, telemetry, epoch })
    }

    /// A chain in front of a sender of the test's own.
    async fn before(config: &DeliveryConfig, stage: Stage) -> Self {
        Self::before_on(&Host::new(mpsc::channel(1).0), config, stage).await
    }

    async fn before_on(host: &Host, config: &DeliveryConfig, stage: Stage) -> Self {
        let epoch = Instant::now();
        let (delivery, telemetry) = started(host, config, stage).await.expect("nothing can fail here");
        Self { delivery, sender: Sender::new([], 0), telemetry, epoch }
    }

    async fn consume(&self, items: usize) -> Outcome {
        self.delivery.consume(batch(items)).await
    }

    /// Consumes in a task of its own.
    fn spawn(&self, batch: Batch) -> tokio::task::JoinHandle<Outcome> {
        let delivery = self.delivery.clone();
        tokio::spawn(async move { delivery.consume(batch).await })
    }

    async fn shutdown(&self, within: Duration) {
        self.delivery.shutdown(Instant::now() + within).await.expect("nothing can fail here");
    }

    fn attempts(&self) -> Vec<Attempt> {
        self.sender.attempts.lock().unwrap().clone()
    }

    /// When attempts were made, in seconds.
    fn times(&self) -> Vec<f64> {
        self.attempts().iter().map(|attempt| attempt.at.as_secs_f64()).collect()
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.telemetry.prometheus_text();
        let line = text.lines().find(|line| line.split(['{', ' ']).next() == Some(name));
        let value = line.and_then(|line| line.rsplit(' ').next()).expect("the series exists from the start");
        value.parse().expect("a whole number")
    }

    fn sent(&self) -> u64 {
        self.metric("otelcol_exporter_sent_spans")
    }

    fn failed(&self) -> u64 {
        self.metric("otelcol_exporter_send_failed_spans")
    }

    fn enqueue_failed(&self) -> u64 {
        self.metric("otelcol_exporter_enqueue_failed_spans")
    }

    fn queue_size(&self) -> u64 {
        self.metric("otelcol_exporter_queue_size")
    }

    /// Waits, in the time of the test, until `condition` holds.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let limit = Duration::from_hours(24);
        let held = tokio::time::timeout(limit, async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        assert!(held.await.is_ok(), "sent {}, failed {}", self.sent(), self.failed());
    }
}

async fn started(
    host: &Host,
    config: &DeliveryConfig,
    stage: Stage,
) -> Result<(Arc<Delivery>, Telemetry), BoxError> {
    let telemetry = Telemetry::new(&[]);
    let settings = Settings {
        id: "test".parse().expect("an id"),
        pipeline: None,
        build: BuildInfo { command: "test", description: "Test", version: "0" },
        telemetry: telemetry.clone(),
        span: tracing::Span::none(),
    };
    let delivery = Arc::new(Delivery::new(&settings, TRACES, config, stage, OF));
    delivery.start(host).await?;
    Ok((delivery, telemetry))
}

fn batch(items: usize) -> Batch {
    Batch::new(Payload::from_validated(TRACES, Bytes::from(vec![0; 10 * items]), items))
}

fn with_deadline(items: usize, within: Duration) -> Batch {
    let mut batch = batch(items);
    batch.context.deadline = Some(Instant::now() + within);
    batch
}

fn refused() -> Reply {
    Reply::Outcome(Outcome::refused("later"))
}

fn rejected(rejected: u64) -> Reply {
    Reply::Outcome(Outcome::Delivered(Delivered { rejected, message: None }))
}

/// Without a queue; retries without randomness.
fn direct() -> DeliveryConfig {
    DeliveryConfig {
        timeout: Duration::ZERO,
        retry: RetryConfig { randomization_factor: 0.0, ..RetryConfig::default() },
        queue: None,
        forwards: None,
    }
}

fn without_retry() -> DeliveryConfig {
    DeliveryConfig { retry: RetryConfig { enabled: false, ..RetryConfig::default() }, ..direct() }
}

fn queued(queue: QueueConfig) -> DeliveryConfig {
    DeliveryConfig { queue: Some(queue), ..direct() }
}
