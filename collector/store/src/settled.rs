//! Which requests of a store are settled, or which items of a request: everything below a floor, and ranges above it.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of numbers that grows only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// All below are in it.
    floor: u64,
    /// From first to behind last. They do not touch one another or the floor.
    ranges: BTreeMap<u64, u64>,
    /// How many numbers are in it.
    total: u64,
}

impl Settled {
    pub(crate) fn new(floor: u64, ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut settled = Self { floor, ranges: BTreeMap::new(), total: floor };
        for range in ranges {
            settled.insert(range);
        }
        settled
    }

    /// The lowest number that is not in it.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    /// How many ranges are above the floor.
    pub(crate) fn count(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ranges.iter().map(|(from, to)| *from..*to)
    }

    /// What is below the floor, and the ranges above it.
    pub(crate) fn all(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let below = (self.floor > 0).then_some(0..self.floor);
        below.into_iter().chain(self.ranges())
    }

    /// How many of these there are.
    pub(crate) fn pieces(&self) -> usize {
        usize::from(self.floor > 0) + self.count()
    }

    /// How many numbers are in it.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn contains(&self, seq: u64) -> bool {
        seq < self.floor || self.range_at(seq).is_some()
    }

    /// The lowest number from `seq` on that is not in it.
    pub(crate) fn next_absent(&self, seq: u64) -> u64 {
        if seq < self.floor {
            return self.floor;
        }
        self.range_at(seq).map_or(seq, |range| range.end)
    }

    /// Adds what is not in it yet, and returns how many that is.
    pub(crate) fn insert(&mut self, range: Range<u64>) -> u64 {
        let mut from = range.start.max(self.floor);
        let mut to = range.end;
        if from >= to {
            return 0;
        }
        let before = self.within(from..to);
        let added = (to - from) - before;
        self.total += added;
        // What touches it becomes one with it.
        if let Some((&start, &end)) = self.ranges.range(..=from).next_back()
            && end >= from
        {
            from = start;
            to = to.max(end);
        }
        while let Some((&start, &end)) = self.ranges.range(from..=to).next() {
            self.ranges.remove(&start);
            to = to.max(end);
        }
        if from == self.floor {
            self.floor = to;
        } else {
            self.ranges.insert(from, to);
        }
        added
    }

    /// How many of `range` are in it.
    pub(crate) fn within(&self, range: Range<u64>) -> u64 {
        let below = self.floor.min(range.end).saturating_sub(range.start);
        let first = self.range_at(range.start).map_or(range.start, |first| first.start);
        let above = self.ranges.range(first..range.end.max(first));
        below
            + above
                .map(|(from, to)| (*to).min(range.end).saturating_sub((*from).max(range.start)))
                .sum::<u64>()
    }

    /// The parts of `range` that are not in it.
    pub(crate) fn absent(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut absent = Vec::new();
        let mut seq = self.next_absent(range.start);
        while seq < range.end {
            let end = self.ranges.range(seq..).next().map_or(range.end, |(from, _)| (*from).min(range.end));
            absent.push(seq..end);
            seq = self.next_absent(end);
        }
        absent
    }

    fn range_at(&self, seq: u64) -> Option<Range<u64>> {
        let (&from, &to) = self.ranges.range(..=seq).next_back()?;
        (seq < to).then_some(from..to)
    }
}
