//! What was taken out of the queue, and how it is done with.

use std::time::Duration;

use etalon_component::{Batch, Outcome};
use tokio::sync::oneshot;

use crate::memory_queue::Element;
use crate::outcomes::Outcomes;
use crate::stored::Stored;

/// A request. Dropped without an outcome, it goes back to a queue on disk, and to whoever waits for one in memory nobody
/// knows what became of it.
pub(crate) enum Taking {
    Memory(Element),
    Disk(Stored),
}

impl Taking {
    pub(crate) fn batch(&self) -> &Batch {
        match self {
            Self::Memory(element) => &element.batch,
            Self::Disk(stored) => &stored.batch,
        }
    }

    /// How long the queue has had it.
    pub(crate) fn age(&self) -> Duration {
        match self {
            Self::Memory(element) => element.share.age(),
            Self::Disk(stored) => stored.age,
        }
    }

    /// Since when the queue has had it, in the queue's own unit.
    pub(crate) fn since(&self) -> u64 {
        match self {
            Self::Memory(element) => element.since,
            Self::Disk(stored) => stored.accepted,
        }
    }

    /// Notes what became of it. While the chain `is_stopping`, a queue on disk keeps what may yet be delivered.
    pub(crate) async fn finish(self, outcomes: Outcomes, is_stopping: bool) {
        match self {
            Self::Memory(Element { reply, share, .. }) => {
                // The room is free before the caller learns of the outcome.
                drop(share);
                answer(reply, outcomes.whole());
            }
            Self::Disk(stored) => stored.finish(&outcomes, is_stopping).await,
        }
    }

    /// The exporter has panicked over it.
    pub(crate) fn panicked(self) {
        match self {
            Self::Memory(Element { reply, share, .. }) => {
                drop(share);
                answer(reply, Outcome::unknown("the exporter failed while it sent the data"));
            }
            Self::Disk(stored) => stored.set_aside(),
        }
    }
}

fn answer(reply: Option<oneshot::Sender<Outcome>>, outcome: Outcome) {
    if let Some(reply) = reply {
        // Nobody may be there any more.
        reply.send(outcome).ok();
    }
}
