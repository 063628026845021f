//! What was taken out of the queue, and how it is done with.

use std::time::Duration;

use etalon_component::{Batch, Outcome};

use crate::memory_queue::Element;
use crate::outcomes::Outcomes;
use crate::stored::Stored;

/// A request. Dropped without an outcome, what is left of it goes back to a queue on disk, and to whoever waits for one in
/// memory nobody knows what became of it.
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

    /// Notes what became of so many of its items, from this one on, if it is on disk. There will be no further attempt.
    pub(crate) fn note(&self, from: usize, items: usize, outcome: &Outcome) {
        if let Self::Disk(stored) = self {
            stored.settle(from, &Outcomes::one(items, outcome.clone()));
        }
    }

    /// Tells who waits for it what became of all of it. On disk, that has been noted as far as it is final.
    pub(crate) fn finish(self, outcomes: Outcomes) {
        if let Self::Memory(element) = self {
            element.answer(outcomes.whole());
        }
    }

    /// The exporter has panicked over it.
    pub(crate) fn panicked(self) {
        match self {
            Self::Memory(element) => element.panicked(),
            Self::Disk(stored) => stored.set_aside(),
        }
    }
}

impl Element {
    /// Tells who waits what became of it.
    pub(crate) fn answer(self, outcome: Outcome) {
        // The room is free before the caller learns of the outcome.
        drop(self.share);
        if let Some(reply) = self.reply {
            // Nobody may be there any more.
            reply.send(outcome).ok();
        }
    }

    /// The exporter has panicked over it.
    pub(crate) fn panicked(self) {
        self.answer(Outcome::unknown("the exporter failed while it sent the data"));
    }
}
