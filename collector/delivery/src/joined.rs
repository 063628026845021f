//! A batch that is made of several requests of the queue, or of parts of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etalon_component::{Batch, Outcome};

use crate::balance::{Moving, Underway};
use crate::memory_queue::Element;
use crate::outcomes::Outcomes;
use crate::stored::Stored;
use crate::taking::Taking;

/// A batch, and whose items it has. Its bytes are those of the requests: they are shared, not copied.
pub(crate) struct Joined {
    pub(crate) batch: Batch,
    /// In the order of their items.
    pub(crate) members: Vec<Member>,
    /// Since when the queue has had the oldest of them, in the queue's own unit.
    pub(crate) since: u64,
}

/// Items of a request that are in one batch.
pub(crate) struct Member {
    request: Arc<Request>,
    /// The number of items of the request before these.
    offset: usize,
    items: usize,
}

/// A request whose items may be in several batches. It is done with when the outcomes of all of them are known; if one
/// batch is dropped without, so is the request, or what is left of it.
struct Request {
    items: usize,
    held: Held,
    underway: Arc<Underway>,
}

enum Held {
    Memory(Mutex<Progress>),
    /// It notes itself what became of which items.
    Disk(Stored),
}

/// Of a request in memory, which is answered as a whole.
struct Progress {
    /// Nothing when it is done with.
    element: Option<Element>,
    /// Of items from these numbers on.
    outcomes: Vec<(usize, Outcomes)>,
    known: usize,
    /// Once the outcomes of some items are known, and not those of all.
    moving: Option<Moving>,
}

/// A request that is about to be handed out in parts.
pub(crate) struct Members {
    request: Arc<Request>,
    offset: usize,
}

impl Joined {
    /// How long the queue has had each request whose first items are in it.
    pub(crate) fn ages(&self) -> impl Iterator<Item = Duration> {
        let begun = self.members.iter().filter(|member| member.offset == 0);
        begun.filter_map(|member| member.request.age())
    }

    /// Notes what became of so many of its items, from this one on, if they are on disk. There will be no further attempt.
    pub(crate) fn note(&self, from: usize, items: usize, outcome: &Outcome) {
        // All come from the same queue.
        let is_on_disk = |member: &Member| matches!(member.request.held, Held::Disk(_));
        if !self.members.first().is_some_and(is_on_disk) {
            return;
        }
        let to = from + items;
        let mut before = 0;
        // Each member that has some of them, and which of its items these are.
        let concerned = self.members.iter().filter_map(|member| {
            let first = before;
            before += member.items;
            let within = from.clamp(first, before) - first..to.clamp(first, before) - first;
            (!within.is_empty() || member.items == 0).then_some((member, within))
        });
        let concerned: Vec<_> = concerned.collect();
        let outcomes = Outcomes::one(items, outcome.clone());
        let shares = outcomes.divide(concerned.iter().map(|(_, within)| within.len()));
        for ((member, within), share) in concerned.into_iter().zip(shares) {
            if let Held::Disk(stored) = &member.request.held {
                stored.settle(member.offset + within.start, &share);
            }
        }
    }

    /// Tells who waits for a request what became of it, once that is known of all its items. On disk, that has been noted as
    /// far as it is final.
    pub(crate) fn finish(self, outcomes: Outcomes) {
        let shares = outcomes.divide(self.members.iter().map(|member| member.items));
        for (member, share) in self.members.into_iter().zip(shares) {
            member.request.learn(member.offset, member.items, share);
        }
    }

    /// The exporter has panicked over it.
    pub(crate) fn panicked(self) {
        for member in self.members {
            match &member.request.held {
                Held::Memory(progress) => {
                    let element = lock(progress).element.take();
                    element.into_iter().for_each(Element::panicked);
                }
                Held::Disk(stored) => stored.set_aside(),
            }
        }
    }
}

impl Members {
    pub(crate) fn of(taking: Taking, underway: &Arc<Underway>) -> Self {
        let items = taking.batch().items();
        let held = match taking {
            Taking::Memory(element) => Held::Memory(Mutex::new(Progress {
                element: Some(element),
                outcomes: Vec::new(),
                known: 0,
                moving: None,
            })),
            Taking::Disk(stored) => Held::Disk(stored),
        };
        Self { request: Arc::new(Request { items, held, underway: underway.clone() }), offset: 0 }
    }

    /// The next items of the request.
    pub(crate) fn next(&mut self, items: usize) -> Member {
        let member = Member { request: self.request.clone(), offset: self.offset, items };
        self.offset += items;
        member
    }
}

impl Request {
    fn age(&self) -> Option<Duration> {
        match &self.held {
            Held::Memory(progress) => lock(progress).element.as_ref().map(|element| element.share.age()),
            Held::Disk(stored) => Some(stored.age),
        }
    }

    /// Answers a request in memory with the outcomes of all its items, when these are the last ones.
    fn learn(&self, offset: usize, items: usize, outcomes: Outcomes) {
        let Held::Memory(progress) = &self.held else { return };
        let mut progress = lock(progress);
        progress.known += items;
        progress.outcomes.push((offset, outcomes));
        if progress.known < self.items {
            progress.moving.get_or_insert_with(|| Moving::new(&self.underway));
            return;
        }
        let mut parts = std::mem::take(&mut progress.outcomes);
        parts.sort_by_key(|(offset, _)| *offset);
        let outcomes = parts.into_iter().fold(Outcomes::default(), |mut all, (_, part)| {
            all.append(part);
            all
        });
        if let Some(element) = progress.element.take() {
            element.answer(outcomes.whole());
        }
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
