//! A queue in memory: first in, first out, with a limit on what it holds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use etalon_component::{Batch, Code, Failure, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio::time::timeout_at;

use crate::queue::{QueueConfig, Sizer};

/// What is held counts against the capacity until its [`Element`] is dropped: while it waits, and
/// while it is being sent.
pub(crate) struct MemoryQueue {
    sizer: Sizer,
    capacity: usize,
    block_on_overflow: bool,
    wait_for_result: bool,
    space: Arc<Semaphore>,
    waiting: Mutex<VecDeque<Element>>,
    /// One permit for each element of `waiting`.
    filled: Semaphore,
}

/// A batch in the queue.
pub(crate) struct Element {
    pub(crate) batch: Batch,
    /// Who waits for the outcome.
    pub(crate) reply: Option<oneshot::Sender<Outcome>>,
    /// Its share of the capacity.
    pub(crate) size: OwnedSemaphorePermit,
}

impl MemoryQueue {
    pub(crate) fn new(config: &QueueConfig) -> Self {
        let capacity = usize::try_from(config.queue_size).unwrap_or(0).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            sizer: config.sizer,
            capacity,
            block_on_overflow: config.block_on_overflow,
            wait_for_result: config.wait_for_result,
            space: Arc::new(Semaphore::new(capacity)),
            waiting: Mutex::default(),
            filled: Semaphore::new(0),
        }
    }

    /// Most that it holds, in units of the sizer.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// What it holds, in units of the sizer.
    pub(crate) fn size(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let (capacity, space) = (self.capacity, self.space.clone());
        move || capacity - space.available_permits()
    }

    /// Takes a batch in.
    ///
    /// # Errors
    /// The refusal, when there is no room; the batch has not been taken then.
    pub(crate) async fn offer(&self, mut batch: Batch) -> Result<Outcome, Failure> {
        let size = self.sizer.size(&batch.payload);
        if size == 0 {
            return Ok(Outcome::DELIVERED);
        }
        let room = self.room(size, &batch).await?;
        if !self.wait_for_result {
            // Nobody waits any more.
            batch.context.deadline = None;
            return self.push(Element { batch, reply: None, size: room }).map(|()| Outcome::DELIVERED);
        }
        let (reply, outcome) = oneshot::channel();
        self.push(Element { batch, reply: Some(reply), size: room })?;
        Ok(outcome.await.unwrap_or_else(|_| Outcome::unknown("the exporter failed while it sent the data")))
    }

    async fn room(&self, size: usize, batch: &Batch) -> Result<OwnedSemaphorePermit, Failure> {
        let permits = u32::try_from(size).ok().filter(|_| size <= self.capacity);
        let permits = permits.ok_or_else(|| refusal("element size too large"))?;
        if !self.block_on_overflow {
            return self.space.clone().try_acquire_many_owned(permits).map_err(|error| match error {
                TryAcquireError::NoPermits => refusal("sending queue is full"),
                TryAcquireError::Closed => shut_down(),
            });
        }
        let room = self.space.clone().acquire_many_owned(permits);
        let room = match batch.context.deadline {
            None => room.await,
            Some(deadline) => timeout_at(deadline, room).await.map_err(|_| {
                Failure::new(Code::DeadlineExceeded, "the deadline passed while the sending queue was full")
            })?,
        };
        room.map_err(|_| shut_down())
    }

    fn push(&self, element: Element) -> Result<(), Failure> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that nothing comes in after the last consumer has looked.
        if self.filled.is_closed() {
            return Err(shut_down());
        }
        waiting.push_back(element);
        drop(waiting);
        self.filled.add_permits(1);
        Ok(())
    }

    /// The next element, in order; nothing when the queue is closed and empty.
    pub(crate) async fn take(&self) -> Option<Element> {
        if let Ok(permit) = self.filled.acquire().await {
            permit.forget();
        }
        self.pop()
    }

    /// The next element if there is one.
    pub(crate) fn pop(&self) -> Option<Element> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Takes nothing in any more. What is held can still be taken out.
    pub(crate) fn close(&self) {
        let _waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.space.close();
        self.filled.close();
    }
}

fn refusal(message: &str) -> Failure {
    Failure::new(Code::Unavailable, message)
}

fn shut_down() -> Failure {
    refusal("the exporter is shut down")
}
