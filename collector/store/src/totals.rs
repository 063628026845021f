//! Requests in numbers: what was ever accepted, and what became of it.

/// What became of a request, or of items of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The destination has taken it over.
    Delivered = 1,
    /// The destination refused it for good.
    Failed = 2,
    /// The collector gave it up, by a rule that the configuration sets.
    Dropped = 3,
    /// It cannot be read any more.
    Corrupt = 4,
    /// It is not there any more.
    Lost = 5,
    /// It was never acknowledged, since its way to the disk failed.
    Withdrawn = 6,
}

/// Requests, and the items in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    /// Items.
    pub items: u64,
}

/// What the store was ever given, and what became of it; over all processes that have used the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What was accepted.
    pub accepted: Count,
    /// Of it, what is settled, by [`Verdict`].
    pub(crate) settled: [Count; Verdict::ALL.len()],
}

impl Verdict {
    pub(crate) const ALL: [Self; 6] =
        [Self::Delivered, Self::Failed, Self::Dropped, Self::Corrupt, Self::Lost, Self::Withdrawn];
}

impl Totals {
    /// What was settled with this verdict. Items count as soon as they are settled, a request when its last item is.
    pub fn settled(&self, verdict: Verdict) -> Count {
        self.settled[verdict as usize - 1]
    }

    /// What is accepted and not settled.
    pub fn queued(&self) -> Count {
        self.settled.iter().fold(self.accepted, |rest, count| Count {
            requests: rest.requests.saturating_sub(count.requests),
            items: rest.items.saturating_sub(count.items),
        })
    }

    pub(crate) fn accept(&mut self, requests: u64, items: u64) {
        self.accepted.requests += requests;
        self.accepted.items += items;
    }

    pub(crate) fn settle(&mut self, verdict: Verdict, requests: u64, items: u64) {
        let count = &mut self.settled[verdict as usize - 1];
        count.requests += requests;
        count.items += items;
    }
}
