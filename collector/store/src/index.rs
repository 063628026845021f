//! What is known of the store while it is open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::account::{Account, Settlement};
use crate::format::SegmentKey;
use crate::progress::{Checkpoint, RANGES_MAX, SLOTS_MAX};
use crate::reader::{Entry, Receipt};
use crate::totals::{Count, Verdict};

/// What writer, reader and everybody else know of the store.
#[derive(Debug)]
pub(crate) struct Shared<F> {
    index: Mutex<Index<F>>,
    /// Told when there may be something to read.
    pub(crate) readable: Notify,
    /// Told when something was settled, or was not kept.
    pub(crate) settled: Notify,
}

#[derive(Debug)]
pub(crate) struct Index<F> {
    /// By id.
    pub(crate) segments: BTreeMap<u64, Segment<F>>,
    /// Of the next request. All below are on stable storage.
    pub(crate) next_seq: u64,
    pub(crate) account: Account,
    /// What is settled and not written down, in its order. When it is longer than a file of progress has room for, some is
    /// missing, which is in the next checkpoint.
    unwritten: Vec<Settlement>,
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

/// What came of it to settle items of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// All items of the request are settled.
    Whole,
    /// These are, and others are not.
    Part,
    /// Nothing: too many requests are settled in part. To be said again with the rest of its items.
    Nothing,
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
    /// One in which nothing can be read yet.
    pub(crate) fn new(Checkpoint { next_seq, account }: Checkpoint, disk_bytes: u64) -> Self {
        Self {
            segments: BTreeMap::new(),
            next_seq,
            account,
            unwritten: Vec::new(),
            queued_bytes: 0,
            wanted: 0,
            returned: BTreeSet::new(),
            window: VecDeque::new(),
            window_bytes: 0,
            disk_bytes,
        }
    }

    /// Notes what is settled. Whether somebody has to be told that there is something to write down.
    pub(crate) fn settle(&mut self, settlements: Vec<Settlement>) -> bool {
        let was_empty = self.unwritten.is_empty();
        let news = self.account.settle(settlements);
        let room = (SLOTS_MAX as usize + 1).saturating_sub(self.unwritten.len());
        self.unwritten.extend(news.into_iter().take(room));
        was_empty && !self.unwritten.is_empty()
    }

    /// Notes what became of items of a request, and whether somebody has to be told that there is something to write down.
    pub(crate) fn settle_items(
        &mut self,
        Receipt { seq, items, bytes }: Receipt,
        verdicts: &[(Verdict, Range<u64>)],
    ) -> (Noted, bool) {
        if self.account.settled.contains(seq) {
            return (Noted::Whole, false);
        }
        let Some((settlements, is_whole)) = self.account.settlements(seq, items, verdicts) else {
            return (Noted::Nothing, false);
        };
        let is_due = self.settle(settlements);
        if !is_whole {
            return (Noted::Part, is_due);
        }
        self.queued_bytes = self.queued_bytes.saturating_sub(bytes as u64);
        // The bytes of what is damaged are not known: they are found out when nothing is left.
        if self.account.totals.queued().requests == 0 {
            self.queued_bytes = 0;
        }
        (Noted::Whole, is_due)
    }

    /// Settles what cannot be read, and returns what it was.
    pub(crate) fn give_up(&mut self, damage: Vec<Settlement>) -> Count {
        let before = self.account.totals.queued();
        self.settle(damage);
        let after = self.account.totals.queued();
        Count { requests: before.requests - after.requests, items: before.items - after.items }
    }

    /// What is settled and has to be written down.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Settlement> {
        std::mem::take(&mut self.unwritten)
    }

    /// What a checkpoint of now has. Nothing is left to be written down when it is made.
    pub(crate) fn checkpoint(&mut self) -> Checkpoint {
        self.unwritten.clear();
        Checkpoint { next_seq: self.next_seq, account: self.account.clone() }
    }

    pub(crate) fn is_dead(&self, segment: &Segment<F>) -> bool {
        self.account.settled.within(segment.first_seq..segment.next_seq)
            == segment.next_seq - segment.first_seq
    }

    /// Whether so many requests wait for their verdict that no more can be given out.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.account.settled.count() >= RANGES_MAX
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
