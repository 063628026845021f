//! The queue, in memory or on disk, and how it refuses.

use std::sync::Arc;
use std::time::Duration;

use etalon_component::{Batch, BoxError, Code, Failure, Host, Origin};
use etalon_store::Verdict;
use etalon_telemetry::attributes::ItemFate;
use etalon_telemetry::metrics::QueueMetrics;

use crate::accounting::Accounting;
use crate::balance::Moving;
use crate::disk_queue::DiskQueue;
use crate::memory_queue::{Element, MemoryQueue, Taken};
use crate::slots::{Slot, Slots};
use crate::taking::Taking;

/// In memory, or on disk.
pub(crate) enum Queue {
    Memory(MemoryQueue),
    Disk(DiskQueue),
}

/// Items that the queue has not taken yet. Whatever ends the wait before it does, a caller that waits no longer
/// included, leaves them refused.
pub(crate) struct Offered {
    pub(crate) metrics: Arc<QueueMetrics>,
    pub(crate) items: usize,
    pub(crate) _moving: Moving,
}

impl Offered {
    /// The queue has them.
    pub(crate) fn are_taken(mut self) {
        self.items = 0;
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        self.metrics.enqueue_failed(self.items);
    }
}

impl Queue {
    pub(crate) async fn start(&self, host: &Host, accounting: &Accounting) -> Result<(), BoxError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(queue) => queue.start(host, accounting).await,
        }
    }

    /// Takes a batch in.
    ///
    /// # Errors
    /// The refusal; the batch has not been taken then.
    pub(crate) async fn offer(&self, batch: Batch, offered: Offered) -> Result<Taken, Failure> {
        match self {
            Self::Memory(queue) => {
                let taken = queue.offer(batch).await?;
                offered.are_taken();
                Ok(taken)
            }
            Self::Disk(queue) => queue.offer(batch, offered).await.map(|()| Taken::ForGood),
        }
    }

    /// The next element, in order, into `slot`; nothing when the queue is closed, and if it is in memory, empty. When the
    /// future is dropped, nothing is lost.
    pub(crate) async fn take(&self, slot: Slot<'_>, accounting: &Accounting) -> Option<Taking> {
        match self {
            Self::Memory(queue) => queue.take(slot).await.map(Taking::Memory),
            Self::Disk(queue) => queue.take(slot, accounting).await.map(Taking::Disk),
        }
    }

    /// The places for what is taken out of it.
    pub(crate) fn slots(&self) -> &Slots {
        match self {
            Self::Memory(queue) => &queue.slots,
            Self::Disk(queue) => &queue.slots,
        }
    }

    /// Whether what it holds is still there after the end of the process.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self, Self::Disk(_))
    }

    /// What is left in memory.
    pub(crate) fn pop(&self) -> Option<Element> {
        match self {
            Self::Memory(queue) => queue.pop(),
            Self::Disk(_) => None,
        }
    }

    /// Takes nothing in any more.
    pub(crate) fn close(&self) {
        match self {
            Self::Memory(queue) => queue.close(),
            Self::Disk(queue) => queue.close(),
        }
    }

    /// When nobody takes anything out any more. The number of items that stay there, if nobody else has the queue.
    pub(crate) async fn end(&self) -> u64 {
        match self {
            Self::Memory(_) => 0,
            Self::Disk(queue) => queue.end().await,
        }
    }

    /// Items that a queue on disk has ever accepted, or what became of them; 0 in memory.
    pub(crate) fn items_ever(&self, fate: ItemFate) -> u64 {
        let Self::Disk(queue) = self else { return 0 };
        let totals = queue.totals();
        let verdict = match fate {
            ItemFate::Accepted => return totals.accepted.items,
            ItemFate::Delivered => Verdict::Delivered,
            ItemFate::Failed => Verdict::Failed,
            ItemFate::Dropped => Verdict::Dropped,
            ItemFate::Corrupt => Verdict::Corrupt,
            ItemFate::Lost => Verdict::Lost,
            ItemFate::Withdrawn => Verdict::Withdrawn,
        };
        totals.settled(verdict).items
    }

    /// Most that it holds, in units of the sizer.
    pub(crate) fn capacity(&self) -> u64 {
        match self {
            Self::Memory(queue) => queue.capacity() as u64,
            Self::Disk(queue) => queue.capacity(),
        }
    }

    /// What it holds, in units of the sizer.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Memory(queue) => queue.size() as u64,
            Self::Disk(queue) => queue.size(),
        }
    }

    /// What it holds, in requests, items and bytes.
    pub(crate) fn held(&self) -> (u64, u64, u64) {
        match self {
            Self::Memory(queue) => queue.held(),
            Self::Disk(queue) => queue.held(),
        }
    }

    /// Since when it holds what it has held the longest; zero when it is empty.
    pub(crate) fn oldest_age(&self) -> Duration {
        match self {
            Self::Memory(queue) => queue.oldest_age(),
            Self::Disk(queue) => queue.oldest_age(),
        }
    }
}

/// There is no room.
pub(crate) fn full(message: &str) -> Failure {
    Failure::new(Code::Unavailable, message).from_origin(Origin::FullQueue)
}

/// There has been no room for as long as the caller waits.
pub(crate) fn late() -> Failure {
    Failure::new(Code::DeadlineExceeded, "the deadline passed while the sending queue was full")
        .from_origin(Origin::FullQueue)
}

/// Nothing is taken in any more.
pub(crate) fn shut_down() -> Failure {
    Failure::new(Code::Unavailable, "the exporter is shut down")
}
