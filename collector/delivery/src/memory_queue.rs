//! A queue in memory: first in, first out, with a limit on what it holds.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etalon_component::{Batch, Failure, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::queue::{full, late, shut_down};
use crate::queue_config::{QueueConfig, Sizer};
use crate::slots::{Slot, Slots};

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
    held: Arc<Held>,
    /// In nanoseconds since `made`.
    pub(crate) slots: Slots,
    made: Instant,
}

/// What is held, in all units.
#[derive(Debug, Default)]
pub(crate) struct Held {
    requests: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

/// A batch in the queue.
pub(crate) struct Element {
    pub(crate) batch: Batch,
    /// Who waits for the outcome.
    pub(crate) reply: Option<oneshot::Sender<Outcome>>,
    pub(crate) share: Share,
    /// When it came, in nanoseconds since the queue was made.
    pub(crate) since: u64,
}

/// What an element takes of the queue, until this is dropped.
pub(crate) struct Share {
    _room: OwnedSemaphorePermit,
    held: Arc<Held>,
    items: u64,
    bytes: u64,
    since: Instant,
}

/// A batch that the queue has taken.
pub(crate) enum Taken {
    /// Nobody waits for what becomes of it.
    ForGood,
    /// What becomes of it is told there.
    Until(oneshot::Receiver<Outcome>),
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
            held: Arc::default(),
            slots: Slots::new(config.slots()),
            made: Instant::now(),
        }
    }

    /// What it holds, in requests, items and bytes.
    pub(crate) fn held(&self) -> (u64, u64, u64) {
        let Held { requests, items, bytes } = &*self.held;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(requests), read(items), read(bytes))
    }

    /// Since when it holds what it has held the longest; zero when it is empty.
    pub(crate) fn oldest_age(&self) -> Duration {
        let waiting = self.waiting().front().map(|element| element.since);
        let now = self.made.elapsed();
        let oldest = waiting.into_iter().chain(self.slots.oldest()).min();
        oldest.map_or(Duration::ZERO, |oldest| now.saturating_sub(Duration::from_nanos(oldest)))
    }

    /// Most that it holds, in units of the sizer.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// What it holds, in units of the sizer.
    pub(crate) fn size(&self) -> usize {
        self.capacity - self.space.available_permits()
    }

    /// Takes a batch in.
    ///
    /// # Errors
    /// The refusal, when there is no room; the batch has not been taken then.
    pub(crate) async fn offer(&self, mut batch: Batch) -> Result<Taken, Failure> {
        let size = self.sizer.size(&batch.payload);
        if size == 0 {
            return Ok(Taken::ForGood);
        }
        let room = self.room(size, &batch).await?;
        let share = Share::new(room, &self.held, &batch);
        let since = u64::try_from((share.since - self.made).as_nanos()).unwrap_or(u64::MAX);
        if !self.wait_for_result {
            // Nobody waits any more.
            batch.context.deadline = None;
            return self.push(Element { batch, reply: None, share, since }).map(|()| Taken::ForGood);
        }
        let (reply, outcome) = oneshot::channel();
        self.push(Element { batch, reply: Some(reply), share, since })?;
        Ok(Taken::Until(outcome))
    }

    async fn room(&self, size: usize, batch: &Batch) -> Result<OwnedSemaphorePermit, Failure> {
        let permits = u32::try_from(size).ok().filter(|_| size <= self.capacity);
        let permits = permits.ok_or_else(|| full("element size too large"))?;
        if !self.block_on_overflow {
            return self.space.clone().try_acquire_many_owned(permits).map_err(|error| match error {
                TryAcquireError::NoPermits => full("sending queue is full"),
                TryAcquireError::Closed => shut_down(),
            });
        }
        let room = self.space.clone().acquire_many_owned(permits);
        let room = match batch.context.deadline {
            None => room.await,
            Some(deadline) => timeout_at(deadline, room).await.map_err(|_| late())?,
        };
        room.map_err(|_| shut_down())
    }

    fn push(&self, element: Element) -> Result<(), Failure> {
        let mut waiting = self.waiting();
        // Under the lock, so that nothing comes in after the last consumer has looked.
        if self.filled.is_closed() {
            return Err(shut_down());
        }
        waiting.push_back(element);
        drop(waiting);
        self.filled.add_permits(1);
        Ok(())
    }

    /// The next element, in order, into `slot`; nothing when the queue is closed and empty. When the future is dropped,
    /// nothing is lost.
    pub(crate) async fn take(&self, slot: Slot<'_>) -> Option<Element> {
        if let Ok(permit) = self.filled.acquire().await {
            permit.forget();
        }
        let mut waiting = self.waiting();
        let element = waiting.pop_front()?;
        // Under the lock, so that the age of the oldest is never that of a younger one.
        slot.add(element.since);
        Some(element)
    }

    /// The next element if there is one.
    pub(crate) fn pop(&self) -> Option<Element> {
        self.waiting().pop_front()
    }

    /// Takes nothing in any more. What is held can still be taken out.
    pub(crate) fn close(&self) {
        let _waiting = self.waiting();
        self.space.close();
        self.filled.close();
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Element>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    fn new(room: OwnedSemaphorePermit, held: &Arc<Held>, batch: &Batch) -> Self {
        let (items, bytes) = (batch.items() as u64, batch.payload.len() as u64);
        held.requests.fetch_add(1, Ordering::Relaxed);
        held.items.fetch_add(items, Ordering::Relaxed);
        held.bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { _room: room, held: held.clone(), items, bytes, since: Instant::now() }
    }

    /// How long the queue has held it.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.requests.fetch_sub(1, Ordering::Relaxed);
        self.held.items.fetch_sub(self.items, Ordering::Relaxed);
        self.held.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Taken {
    /// What became of it, once that is known.
    pub(crate) async fn outcome(self) -> Outcome {
        match self {
            Self::ForGood => Outcome::DELIVERED,
            Self::Until(outcome) => outcome
                .await
                .unwrap_or_else(|_| Outcome::unknown("the exporter failed while it sent the data")),
        }
    }
}
