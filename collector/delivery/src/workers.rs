//! The consumers of a queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use etalon_component::{Batch, Code, Failure, Outcome};
use etalon_telemetry::attributes::DropReason;
use etalon_telemetry::metrics::QueueMetrics;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::accounting::Accounting;
use crate::batcher::Batcher;
use crate::joined::Joined;
use crate::outcomes::Outcomes;
use crate::queue::Queue;
use crate::taking::Taking;

/// Tasks that send what is in the queue, each one batch at a time.
pub(crate) struct Workers {
    count: usize,
    /// Makes the batches, unless each request is one.
    batcher: Option<Arc<AsyncMutex<Batcher>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// What a task sends at a time.
enum Work {
    One(Taking),
    Joined(Joined),
}

/// What one task has in its hands.
struct Worker {
    number: usize,
    count: usize,
    queue: Arc<Queue>,
    batcher: Option<Arc<AsyncMutex<Batcher>>>,
    metrics: Arc<QueueMetrics>,
    accounting: Arc<Accounting>,
}

impl Workers {
    pub(crate) fn new(count: usize, batcher: Option<Batcher>) -> Self {
        let batcher = batcher.map(|batcher| Arc::new(AsyncMutex::new(batcher)));
        Self { count, batcher, tasks: Mutex::default() }
    }

    /// Starts the tasks.
    pub(crate) fn start(
        &self,
        queue: &Arc<Queue>,
        metrics: &Arc<QueueMetrics>,
        accounting: &Arc<Accounting>,
    ) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for number in 0..self.count {
            let worker = Worker {
                number,
                count: self.count,
                queue: queue.clone(),
                batcher: self.batcher.clone(),
                metrics: metrics.clone(),
                accounting: accounting.clone(),
            };
            tasks.spawn(async move { worker.run().await });
        }
    }

    /// Lets the tasks empty the queue, which is closed, until `deadline`. What is left is lost, and
    /// counted so.
    pub(crate) async fn drain(&self, queue: &Queue, accounting: &Accounting, deadline: Instant) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let drained = timeout_at(deadline, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tasks.shutdown().await;
        }
        let failure =
            Failure::new(Code::Unavailable, "interrupted due to shutdown: the time for it was over");
        let refused = |items| Outcomes::one(items, Outcome::Refused(failure.clone()));
        if let Some(batcher) = &self.batcher {
            for joined in batcher.lock().await.take_all() {
                let items = joined.batch.items();
                accounting.lose(items, &failure, DropReason::Shutdown);
                joined.finish(refused(items));
            }
        }
        while let Some(element) = queue.pop() {
            let items = element.batch.items();
            accounting.lose(items, &failure, DropReason::Shutdown);
            element.answer(refused(items).whole());
        }
    }
}

impl Work {
    fn batch(&self) -> Batch {
        match self {
            Self::One(taking) => taking.batch().clone(),
            Self::Joined(joined) => joined.batch.clone(),
        }
    }

    /// How long the queue has had each request that begins in it.
    fn each_age(&self, each: impl FnMut(Duration)) {
        match self {
            Self::One(taking) => [taking.age()].into_iter().for_each(each),
            Self::Joined(joined) => joined.ages().for_each(each),
        }
    }

    /// Notes what became of so many of its items, from this one on, if they are on disk.
    fn note(&self, from: usize, items: usize, outcome: &Outcome) {
        match self {
            Self::One(taking) => taking.note(from, items, outcome),
            Self::Joined(joined) => joined.note(from, items, outcome),
        }
    }

    fn finish(self, outcomes: Outcomes) {
        match self {
            Self::One(taking) => taking.finish(outcomes),
            Self::Joined(joined) => joined.finish(outcomes),
        }
    }

    fn panicked(self) {
        match self {
            Self::One(taking) => taking.panicked(),
            Self::Joined(joined) => joined.panicked(),
        }
    }
}

impl Worker {
    async fn run(self) {
        let slots = self.queue.slots();
        let (sending, waiting) = (slots.slot(self.number), slots.slot(self.count));
        loop {
            let next = match &self.batcher {
                None => self.queue.take(sending, &self.accounting).await.map(Work::One),
                Some(batcher) => {
                    let mut batcher = batcher.lock().await;
                    batcher.next(&self.queue, waiting, sending, &self.accounting).await.map(Work::Joined)
                }
            };
            let Some(work) = next else { return };
            self.send(work).await;
            sending.set(None);
        }
    }

    async fn send(&self, work: Work) {
        let _moving = self.accounting.moving();
        work.each_age(|age| self.metrics.wait_duration(age));
        let note = |from, items, outcome: &Outcome| work.note(from, items, outcome);
        match survived(self.accounting.export(work.batch(), &note)).await {
            Some(outcomes) => work.finish(outcomes),
            None => work.panicked(),
        }
    }
}

/// A sender that panics must not cost the queue a consumer. Its items are accounted for when `export` is
/// dropped. Nothing when it has panicked.
async fn survived(export: impl Future<Output = Outcomes>) -> Option<Outcomes> {
    let mut export = pin!(export);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| export.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}
