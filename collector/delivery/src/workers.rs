//! The consumers of a queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use etalon_component::{Code, Failure, Outcome};
use etalon_telemetry::attributes::DropReason;
use etalon_telemetry::metrics::QueueMetrics;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::accounting::Accounting;
use crate::memory_queue::Element;
use crate::queue::{Queue, Taking};

/// Tasks that send what is in the queue, each one batch at a time.
pub(crate) struct Workers {
    tasks: Mutex<JoinSet<()>>,
}

impl Workers {
    pub(crate) fn new() -> Self {
        Self { tasks: Mutex::default() }
    }

    /// Starts `count` tasks.
    pub(crate) fn start(
        &self,
        count: usize,
        queue: &Arc<Queue>,
        metrics: &Arc<QueueMetrics>,
        accounting: &Arc<Accounting>,
    ) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for number in 0..count {
            tasks.spawn(work(number, queue.clone(), metrics.clone(), accounting.clone()));
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
        while let Some(Element { batch, reply, .. }) = queue.pop() {
            accounting.lose(batch.items(), &failure, DropReason::Shutdown);
            answer(reply, Outcome::Refused(failure.clone()));
        }
    }
}

async fn work(number: usize, queue: Arc<Queue>, metrics: Arc<QueueMetrics>, accounting: Arc<Accounting>) {
    while let Some(taking) = queue.take(number, &accounting).await {
        metrics.wait_duration(taking.age());
        match taking {
            Taking::Memory(Element { batch, reply, share }, sending) => {
                let outcome = survived(accounting.export(batch)).await;
                let outcome =
                    outcome.unwrap_or_else(|| Outcome::unknown("the exporter failed while it sent the data"));
                // The room is free before the caller learns of the outcome.
                drop((share, sending));
                answer(reply, outcome);
            }
            Taking::Disk(stored) => match survived(accounting.export(stored.batch.clone())).await {
                Some(outcome) => stored.finish(&outcome, accounting.retry.is_stopping()).await,
                None => stored.set_aside(),
            },
        }
    }
}

fn answer(reply: Option<tokio::sync::oneshot::Sender<Outcome>>, outcome: Outcome) {
    if let Some(reply) = reply {
        // Nobody may be there any more.
        reply.send(outcome).ok();
    }
}

/// A sender that panics must not cost the queue a consumer. Its items are accounted for when `export` is
/// dropped. Nothing when it has panicked.
async fn survived(export: impl Future<Output = Outcome>) -> Option<Outcome> {
    let mut export = pin!(export);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| export.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}
