//! Takes requests in, and sends batches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etalon_component::{
    Batch, Budgets, Code, Consumer, Context, Failure, MemoryBudget, MemoryLimits, Outcome, Reserved,
};
use etalon_telemetry::metrics::BatchProcessorMetrics;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::Config;
use crate::batch::Joined;
use crate::pending::{Due, Key, Pending, caller, key};
use crate::ticket::Ticket;

/// Most bytes that one `batch` processor holds in one pipeline, waiting and under way. What would be more is refused.
pub const HELD_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(crate) struct Batcher {
    config: Config,
    pub(crate) next: Arc<dyn Consumer>,
    metrics: BatchProcessorMetrics,
    span: tracing::Span,
    held: MemoryBudget,
    pending: Mutex<Pending>,
    tasks: TaskTracker,
    /// Gives up what is under way.
    cut: CancellationToken,
}

/// Why a batch leaves.
#[derive(Clone, Copy)]
enum Trigger {
    Size,
    Timeout,
}

impl Batcher {
    pub(crate) fn new(
        config: Config,
        next: Arc<dyn Consumer>,
        metrics: BatchProcessorMetrics,
        span: tracing::Span,
    ) -> Self {
        let pending = Pending::new(metrics.clone());
        let limits = MemoryLimits { hard: HELD_BYTES_MAX, soft: HELD_BYTES_MAX };
        Self {
            config,
            next,
            metrics,
            span,
            held: MemoryBudget::new(limits, |_| {}),
            pending: Mutex::new(pending),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Takes a request in, and returns where its outcome arrives.
    ///
    /// # Errors
    /// Why it has not been taken in.
    pub(crate) fn take(self: &Arc<Self>, batch: Batch) -> Result<oneshot::Receiver<Outcome>, Outcome> {
        let Batch { payload, context } = batch;
        let mut held = Reserved::of(Budgets::from_buf([self.held.clone()]), None);
        held.resize(payload.held_bytes()).map_err(etalon_component::NoRoom::outcome)?;
        let key = key(&self.config, context.caller.as_deref());
        let mut pending = self.pending();
        if pending.closed {
            return Err(Outcome::refused("the batch processor is shut down"));
        }
        if !pending.has_room(&self.config, &key) {
            return Err(Outcome::Refused(Failure::new(
                Code::Unavailable,
                "too many batcher metadata-value combinations",
            )));
        }
        let held = (held, self.metrics.held_items(payload.items()));
        let (ticket, outcome) = Ticket::new(payload.items(), context.memory, held);
        let due = pending.add(&self.config, &key, Joined::of(payload, Arc::new(ticket)));
        let (parts, wait) = match due {
            Due::Nothing => (Vec::new(), None),
            Due::Timer(wait) => (Vec::new(), Some(wait)),
            Due::Full(parts, wait) => (parts, wait),
        };
        if let Some(wait) = wait {
            let timer = self.tasks.spawn(self.clone().wait(key.clone(), wait)).abort_handle();
            pending.set_timer(&key, wait, timer);
        }
        drop(pending);
        self.send(&key, parts, Trigger::Size);
        Ok(outcome)
    }

    /// Lets what waits now leave when its time is over.
    async fn wait(self: Arc<Self>, key: Key, wait: u64) {
        sleep(self.config.timeout.to_std()).await;
        let late = self.pending().take_late(&self.config, &key, wait);
        self.send(&key, late, Trigger::Timeout);
    }

    /// Sends batches side by side: the senders of each wait for its own.
    fn send(&self, key: &Key, parts: Vec<Joined>, trigger: Trigger) {
        if parts.is_empty() {
            return;
        }
        let caller = caller(&self.config, key);
        for mut joined in parts {
            let Some(payload) = joined.take() else { continue };
            match trigger {
                Trigger::Size => self.metrics.full(1),
                Trigger::Timeout => self.metrics.late(1),
            }
            self.metrics.items(payload.items());
            self.metrics.send_size(payload.items());
            self.metrics.send_size_bytes(payload.len());
            let context = Context { caller: caller.clone(), memory: joined.memory(), ..Context::default() };
            let (next, cut) = (self.next.clone(), self.cut.clone());
            let sending = async move {
                let sent = next.consume(Batch { payload, context });
                // Dropped, it tells its senders that nobody knows.
                if let Some(outcome) = cut.run_until_cancelled(sent).await {
                    joined.settle(&outcome);
                }
            };
            self.tasks.spawn(sending.instrument(self.span.clone()));
        }
    }

    /// Takes nothing in any more, sends what waits, and gives up at `deadline` what has no outcome by then.
    pub(crate) async fn shutdown(&self, deadline: Instant) {
        let waiting = {
            let mut pending = self.pending();
            pending.closed = true;
            pending.take_all(&self.config)
        };
        for (key, parts) in waiting {
            self.send(&key, parts, Trigger::Timeout);
        }
        self.tasks.close();
        if timeout_at(deadline, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
