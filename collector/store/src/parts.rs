//! Requests of which some items are settled, and not all.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::settled::Settled;

/// Most ranges of items, of all requests together, that a checkpoint has room for.
pub(crate) const PARTS_MAX: usize = 2000;

/// Items that are settled on their own, by the sequence numbers of their requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// By their numbers in the request; none is empty.
    requests: BTreeMap<u64, Settled>,
    /// Of all requests.
    ranges: usize,
}

impl Parts {
    /// Whether there may be so many ranges more.
    pub(crate) fn has_room(&self, ranges: usize) -> bool {
        self.ranges + ranges <= PARTS_MAX
    }

    /// Adds items of a request that are not in it yet, and returns how many that is.
    pub(crate) fn insert(&mut self, seq: u64, items: Range<u64>) -> u64 {
        if items.is_empty() {
            return 0;
        }
        let of_request = self.requests.entry(seq).or_default();
        let before = of_request.pieces();
        let added = of_request.insert(items);
        self.ranges = self.ranges + of_request.pieces() - before;
        added
    }

    /// Forgets requests, and returns how many of their items were in it.
    pub(crate) fn remove(&mut self, seqs: &Range<u64>) -> u64 {
        let mut removed = 0;
        for (_, items) in self.requests.extract_if(seqs.start..seqs.end.max(seqs.start), |_, _| true) {
            removed += items.total();
            self.ranges -= items.pieces();
        }
        removed
    }

    /// Items of these requests that are in it.
    pub(crate) fn items(&self, seqs: &Range<u64>) -> u64 {
        self.within(seqs).map(|(_, items)| items.total()).sum()
    }

    /// The items of a request.
    pub(crate) fn of(&self, seq: u64) -> Option<&Settled> {
        self.requests.get(&seq)
    }

    /// All ranges, each with the request that it is of.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Range<u64>)> + '_ {
        self.requests.iter().flat_map(|(seq, items)| items.all().map(|range| (*seq, range)))
    }

    fn within(&self, seqs: &Range<u64>) -> impl Iterator<Item = (u64, &Settled)> {
        self.requests.range(seqs.start..seqs.end.max(seqs.start)).map(|(seq, items)| (*seq, items))
    }
}
