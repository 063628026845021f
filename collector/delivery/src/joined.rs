//! A batch that is made of several requests of the queue, or of parts of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etalon_component::Batch;

use crate::balance::{Moving, Underway};
use crate::outcomes::Outcomes;
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
/// batch is dropped without, so is the request.
struct Request {
    items: usize,
    progress: Mutex<Progress>,
    underway: Arc<Underway>,
}

struct Progress {
    /// Nothing when it is done with.
    taking: Option<Taking>,
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
        begun.filter_map(|member| member.request.progress().taking.as_ref().map(Taking::age))
    }

    /// Tells each request what became of its items.
    pub(crate) async fn finish(self, outcomes: Outcomes, is_stopping: bool) {
        let shares = outcomes.divide(self.members.iter().map(|member| member.items));
        for (member, share) in self.members.into_iter().zip(shares) {
            if let Some((taking, outcomes)) = member.request.learn(member.offset, member.items, share) {
                taking.finish(outcomes, is_stopping).await;
            }
        }
    }

    /// The exporter has panicked over it.
    pub(crate) fn panicked(self) {
        for member in self.members {
            if let Some(taking) = member.request.progress().taking.take() {
                taking.panicked();
            }
        }
    }
}

impl Members {
    pub(crate) fn of(taking: Taking, underway: &Arc<Underway>) -> Self {
        let items = taking.batch().items();
        let (outcomes, known, moving) = (Vec::new(), 0, None);
        let progress = Mutex::new(Progress { taking: Some(taking), outcomes, known, moving });
        Self { request: Arc::new(Request { items, progress, underway: underway.clone() }), offset: 0 }
    }

    /// The next items of the request.
    pub(crate) fn next(&mut self, items: usize) -> Member {
        let member = Member { request: self.request.clone(), offset: self.offset, items };
        self.offset += items;
        member
    }
}

impl Request {
    /// The request and the outcomes of all its items, when these are the last ones.
    fn learn(&self, offset: usize, items: usize, outcomes: Outcomes) -> Option<(Taking, Outcomes)> {
        let mut progress = self.progress();
        progress.known += items;
        progress.outcomes.push((offset, outcomes));
        if progress.known < self.items {
            progress.moving.get_or_insert_with(|| Moving::new(&self.underway));
            return None;
        }
        let mut parts = std::mem::take(&mut progress.outcomes);
        parts.sort_by_key(|(offset, _)| *offset);
        let outcomes = parts.into_iter().fold(Outcomes::default(), |mut all, (_, part)| {
            all.append(part);
            all
        });
        progress.taking.take().map(|taking| (taking, outcomes))
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
