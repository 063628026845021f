//! Since when a queue has had what is taken out of it and not done yet.

use std::sync::atomic::{AtomicU64, Ordering};

/// A place for each that takes something out: since when the queue has had the oldest of what it has, in the queue's own
/// unit; 0 when it has nothing.
#[derive(Debug)]
pub(crate) struct Slots(Vec<AtomicU64>);

/// One of the places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a>(&'a AtomicU64);

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicU64::new(0)).collect())
    }

    /// The place of this number.
    pub(crate) fn slot(&self, number: usize) -> Slot<'_> {
        Slot(&self.0[number])
    }

    /// The oldest of all.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.0.iter().map(|since| since.load(Ordering::Relaxed)).filter(|since| *since > 0).min()
    }
}

impl Slot<'_> {
    /// Something more is there, which the queue has had since then.
    pub(crate) fn add(self, since: u64) {
        let since = since.max(1);
        let known = self.0.load(Ordering::Relaxed);
        if known == 0 || since < known {
            self.0.store(since, Ordering::Relaxed);
        }
    }

    /// The oldest of what is there now.
    pub(crate) fn set(self, since: Option<u64>) {
        self.0.store(since.map_or(0, |since| since.max(1)), Ordering::Relaxed);
    }
}
