//! What is known of the store while it is open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::format::SegmentKey;
use crate::progress::{RANGES_MAX, Settlement};
use crate::reader::Entry;
use crate::settled::Settled;
use crate::totals::Totals;

/// What writer, reader and everybody else know of the store.
#[derive(Debug)]
pub(crate) struct Shared<F> {
    index: Mutex<Index<F>>,
    /// Told when there may be something to read.
    pub(crate) readable: Notify,
    /// Told when something was settled.
    pub(crate) settled: Notify,
}

#[derive(Debug)]
pub(crate) struct Index<F> {
    /// By id.
    pub(crate) segments: BTreeMap<u64, Segment<F>>,
    /// Of the next request. All below are on stable storage.
    pub(crate) next_seq: u64,
    pub(crate) settled: Settled,
    pub(crate) totals: Totals,
    /// Of the contexts and bodies of what is queued.
    pub(crate) queued_bytes: u64,
    /// What the reader wants next.
    pub(crate) wanted: u64,
    /// What was given out before and came back: the reader wants it first.
    pub(crate) returned: BTreeSet<u64>,
    /// The requests from `wanted` on, when the reader is not far behind.
    pub(crate) window: VecDeque<Entry>,
    pub(crate) window_bytes: usize,
    /// Of all files.
    pub(crate) disk_bytes: u64,
}

/// A segment, as far as it can be read.
#[derive(Debug)]
pub(crate) struct Segment<F> {
    pub(crate) file: Arc<F>,
    pub(crate) key: SegmentKey,
    pub(crate) first_seq: u64,
    pub(crate) next_seq: u64,
    /// Where the last record ends.
    pub(crate) end: u64,
    /// What it takes on the disk.
    pub(crate) size: u64,
    /// Items of its records.
    pub(crate) items: u64,
}

impl<F> Shared<F> {
    pub(crate) fn new(index: Index<F>) -> Self {
        Self { index: Mutex::new(index), readable: Notify::new(), settled: Notify::new() }
    }

    /// Held for moments, and never while the disk works.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index<F>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Index<F> {
    /// Notes what is settled, and returns what of it is news.
    pub(crate) fn settle(&mut self, settlements: Vec<Settlement>) -> Vec<Settlement> {
        let mut news = settlements;
        news.retain(|Settlement { seqs, verdict, items }| {
            let added = self.settled.insert(seqs.clone());
            let is_news = added > 0 || seqs.is_empty();
            if is_news {
                self.totals.settle(*verdict, added, *items);
            }
            is_news
        });
        news
    }

    pub(crate) fn is_dead(&self, segment: &Segment<F>) -> bool {
        self.settled.within(segment.first_seq..segment.next_seq) == segment.next_seq - segment.first_seq
    }

    /// Whether so many requests wait for their verdict that no more can be given out.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.settled.count() >= RANGES_MAX
    }

    pub(crate) fn resize(&mut self, id: u64, size: u64) {
        if let Some(segment) = self.segments.get_mut(&id) {
            self.disk_bytes = self.disk_bytes + size - segment.size;
            segment.size = size;
        }
    }

    pub(crate) fn forget(&mut self, id: u64) {
        if let Some(segment) = self.segments.remove(&id) {
            self.disk_bytes -= segment.size;
        }
    }
}
