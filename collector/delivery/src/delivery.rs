//! The chain as a stage of a pipeline.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use etalon_component::{Batch, BoxError, BoxFuture, Component, Consumer, Host, Outcome, Settings, Stage};
use etalon_pdata::Signal;
use etalon_telemetry::attributes::ItemFate;
use etalon_telemetry::metrics::{
    BalanceAttributes, BalanceMetrics, BalanceReads, ExporterAttributes, ExporterMetrics, QueueAttributes,
    QueueBatchAttributes, QueueBatchMetrics, QueueLifeAttributes, QueueLifeMetrics, QueueLifeReads,
    QueueMetrics, QueueReads,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::accounting::{Accounting, Fate};
use crate::balance::{Balance, Moving};
use crate::batcher::Batcher;
use crate::disk_queue::DiskQueue;
use crate::drops::Drops;
use crate::memory_queue::MemoryQueue;
use crate::queue::{Offered, Queue};
use crate::queue_config::QueueConfig;
use crate::retry::{Retry, RetryConfig};
use crate::timeout::Attempt;
use crate::traced::Deliveries;
use crate::workers::Workers;

/// How batches reach a sender.
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// Of one attempt; zero is without limit.
    pub timeout: Duration,
    /// When to repeat an attempt.
    pub retry: RetryConfig,
    /// The queue in front; without one, the caller waits for the final outcome.
    pub queue: Option<QueueConfig>,
    /// Name of the encoding in which the sender sends on what arrived in it. Other compressed forms are
    /// of no use, and are not held.
    pub forwards: Option<&'static str>,
}

impl DeliveryConfig {
    /// The encoding in which what arrived in it is held, to be sent on. What is joined has no compressed form.
    pub(crate) fn forwarded(&self) -> Option<&'static str> {
        let joins = self.queue.as_ref().is_some_and(|queue| queue.batch.is_on());
        self.forwards.filter(|_| !joins)
    }
}

/// A sender behind a queue, with retries and a timeout, that accounts for every item.
pub struct Delivery {
    accounting: Arc<Accounting>,
    queue: Option<Queued>,
    _balance: BalanceMetrics,
    forwards: Option<&'static str>,
    sender: Arc<dyn Component>,
    stop: CancellationToken,
}

struct Queued {
    queue: Arc<Queue>,
    metrics: Arc<QueueMetrics>,
    workers: Workers,
    _life: Vec<QueueLifeMetrics>,
}

impl Delivery {
    /// The chain of `config` in front of `sender`, which makes one attempt for each batch, ends at the
    /// batch's deadline, and is started before and shut down after the chain.
    ///
    /// `of` tells whose the instruments are that count the items.
    pub fn new(
        settings: &Settings,
        signal: Signal,
        config: &DeliveryConfig,
        sender: Stage,
        of: ExporterAttributes<'_>,
    ) -> Self {
        let stop = CancellationToken::new();
        let metrics = ExporterMetrics::new(&settings.telemetry, of);
        let attempt = Attempt::new(sender.consumer, config.timeout, metrics.clone());
        let consumers = config.queue.as_ref().map(QueueConfig::consumers);
        let told = (&metrics, settings.span.clone());
        let retry = Retry::new(attempt, &config.retry, consumers, stop.clone(), told);
        let fate = match &config.queue {
            None => Fate::Rejected,
            Some(queue) if queue.storage.is_some() => Fate::Kept,
            Some(queue) if queue.wait_for_result => Fate::Rejected,
            Some(_) => Fate::Dropped,
        };
        let accounting = Accounting {
            retry,
            metrics,
            drops: Drops::new(of.data_type, settings.span.clone()),
            signal,
            span: settings.span.clone(),
            fate,
            advice: advice(config),
            underway: Arc::default(),
            bisects: config.queue.as_ref().is_some_and(|queue| queue.bisect_rejected),
            deliveries: Deliveries {
                tracer: settings.telemetry.tracer().clone(),
                exporter: settings.id.to_string(),
                data_type: of.data_type,
            },
        };
        let queue = config.queue.as_ref().map(|config| Queued::new(settings, signal, config, of));
        let balance = Balance {
            exporter: accounting.metrics.clone(),
            queue: queue.as_ref().map(|Queued { queue, metrics, .. }| (queue.clone(), metrics.clone())),
            underway: accounting.underway.clone(),
            known: AtomicU64::new(0),
        };
        let reads = BalanceReads { imbalance: move || balance.imbalance() };
        let of = BalanceAttributes { exporter: of.exporter, data_type: of.data_type };
        let balance = BalanceMetrics::new(&settings.telemetry, of, reads);
        Self {
            accounting: Arc::new(accounting),
            queue,
            _balance: balance,
            forwards: config.forwarded(),
            sender: sender.component,
            stop,
        }
    }

    async fn offer(&self, queued: &Queued, batch: Batch, moving: Moving) -> Outcome {
        let items = batch.items();
        let offered = Offered { metrics: queued.metrics.clone(), items, _moving: moving };
        match queued.queue.offer(batch, offered).await {
            Ok(taken) => taken.outcome().await,
            Err(failure) => {
                self.accounting.log_rejected(items, &failure);
                Outcome::Refused(failure)
            }
        }
    }
}

impl Queued {
    fn new(settings: &Settings, signal: Signal, config: &QueueConfig, of: ExporterAttributes<'_>) -> Self {
        let queue = Arc::new(match &config.storage {
            None => Queue::Memory(MemoryQueue::new(config)),
            Some(storage) => {
                let (id, span) = (settings.id.clone(), settings.span.clone());
                Queue::Disk(DiskQueue::new(config, storage.clone(), id, signal, span))
            }
        });
        let capacity = queue.capacity();
        let read = |read: fn(&Queue) -> u64| {
            let queue = queue.clone();
            move || read(&queue)
        };
        let aging = queue.clone();
        let of = QueueAttributes { exporter: of.exporter, data_type: of.data_type };
        let reads = QueueReads {
            capacity: move || capacity,
            size: read(Queue::size),
            requests: read(|queue| queue.held().0),
            items: read(|queue| queue.held().1),
            bytes: read(|queue| queue.held().2),
            oldest_age: move || aging.oldest_age().as_secs_f64(),
        };
        let metrics = Arc::new(QueueMetrics::new(&settings.telemetry, of, reads));
        let batcher = config.batch.get().map(|batch| {
            let of = QueueBatchAttributes { exporter: of.exporter, data_type: of.data_type };
            Batcher::new(batch, config.sizer, QueueBatchMetrics::new(&settings.telemetry, of))
        });
        let life = if config.storage.is_some() { life(settings, &queue, of) } else { Vec::new() };
        Self { queue, metrics, workers: Workers::new(config.consumers(), batcher), _life: life }
    }
}

/// What became of all that a queue on disk has ever accepted.
fn life(settings: &Settings, queue: &Arc<Queue>, of: QueueAttributes<'_>) -> Vec<QueueLifeMetrics> {
    let QueueAttributes { exporter, data_type } = of;
    let each = ItemFate::ALL.map(|item_fate| {
        let queue = queue.clone();
        let reads = QueueLifeReads { items: move || queue.items_ever(item_fate) };
        let of = QueueLifeAttributes { exporter, data_type, item_fate };
        QueueLifeMetrics::new(&settings.telemetry, of, reads)
    });
    each.into()
}

/// What upstream tells users at a failure.
fn advice(config: &DeliveryConfig) -> &'static str {
    match (config.queue.is_some(), config.retry.enabled) {
        (true, true) => "",
        (true, false) => " Try enabling retry_on_failure config option to retry on retryable errors.",
        (false, true) => " Try enabling sending_queue config option to survive temporary failures.",
        (false, false) => {
            " Try enabling sending_queue config option to survive temporary failures. Try enabling retry_on_failure config option to retry on retryable errors."
        }
    }
}

impl Consumer for Delivery {
    fn consume(&self, mut batch: Batch) -> BoxFuture<'_, Outcome> {
        batch.payload.retain_compressed(self.forwards);
        let moving = self.accounting.moving();
        self.accounting.metrics.incoming(batch.items());
        match &self.queue {
            Some(queued) => Box::pin(self.offer(queued, batch, moving)),
            None => Box::pin(async move {
                let _moving = moving;
                self.accounting.export(batch, &|_, _, _| {}).await.whole()
            }),
        }
    }
}

impl Component for Delivery {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            self.sender.start(host).await?;
            let _moving = self.accounting.moving();
            if let Some(Queued { queue, metrics, workers, .. }) = &self.queue {
                queue.start(host, &self.accounting).await?;
                workers.start(queue, metrics, &self.accounting);
            }
            Ok(())
        })
    }

    /// Ends the waits between attempts, sends what is queued in memory with one attempt each until `deadline`,
    /// counts the rest as failed, and shuts the sender down. What is queued on disk stays there.
    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            self.stop.cancel();
            let _moving = self.accounting.moving();
            if let Some(Queued { queue, workers, .. }) = &self.queue {
                queue.close();
                workers.drain(queue, &self.accounting, deadline).await;
                let kept = queue.end().await;
                self.accounting.metrics.kept(usize::try_from(kept).unwrap_or(usize::MAX));
            }
            self.accounting.drops.end();
            self.sender.shutdown(deadline).await
        })
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("signal", &self.accounting.signal).finish_non_exhaustive()
    }
}
