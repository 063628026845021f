//! What was accepted, and what became of it.

use std::ops::Range;

use crate::parts::Parts;
use crate::settled::Settled;
use crate::totals::{Totals, Verdict};

/// Of which it has been said what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Requests {
        seqs: Range<u64>,
        verdict: Verdict,
        /// Of all of them, those that are settled on their own included.
        items: u64,
    },
    /// Items of one request, by their numbers in it.
    Items { seq: u64, verdict: Verdict, items: Range<u64> },
}

/// All that a store must remember of what it was ever given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) totals: Totals,
    /// Requests.
    pub(crate) settled: Settled,
    /// Items of other requests.
    pub(crate) parts: Parts,
}

impl Settlement {
    /// The requests that it is of.
    pub(crate) fn seqs(&self) -> Range<u64> {
        match self {
            Self::Requests { seqs, .. } => seqs.clone(),
            Self::Items { seq, .. } => *seq..seq + 1,
        }
    }
}

impl Account {
    /// Counts what is settled, and returns what of it is news. Items for which there is no room are left out, unless
    /// their request is settled, too.
    pub(crate) fn settle(&mut self, settlements: Vec<Settlement>) -> Vec<Settlement> {
        let mut whole = Settled::default();
        if settlements.len() > 1 {
            for settlement in &settlements {
                if let Settlement::Requests { seqs, .. } = settlement {
                    whole.insert(seqs.clone());
                }
            }
        }
        let mut news = settlements;
        news.retain(|settlement| match settlement {
            Settlement::Requests { seqs, verdict, items } => {
                let added = self.settled.insert(seqs.clone());
                if added > 0 {
                    let known = self.parts.remove(seqs);
                    self.totals.settle(*verdict, added, items.saturating_sub(known));
                }
                added > 0
            }
            Settlement::Items { seq, verdict, items } => {
                let has_room = whole.contains(*seq) || self.parts.has_room(1);
                if self.settled.contains(*seq) || !has_room {
                    return false;
                }
                let added = self.parts.insert(*seq, items.clone());
                self.totals.settle(*verdict, 0, added);
                added > 0
            }
        });
        news
    }

    /// Settles requests of which is only known how many items that are not settled they have together. They are counted with
    /// the first.
    pub(crate) fn unnamed(&self, verdict: Verdict, requests: Vec<Range<u64>>, left: u64) -> Vec<Settlement> {
        let mut left = left;
        let settlement = |seqs| {
            let items = std::mem::take(&mut left) + self.parts.items(&seqs);
            Settlement::Requests { seqs, verdict, items }
        };
        requests.into_iter().map(settlement).collect()
    }

    /// What the verdicts on items of a request with so many `items` come to, and whether all of its items are settled then.
    /// Nothing when there is no room to note them on their own.
    pub(crate) fn settlements(
        &self,
        seq: u64,
        items: u64,
        verdicts: &[(Verdict, Range<u64>)],
    ) -> Option<(Vec<Settlement>, bool)> {
        let mut said = Settled::default();
        for (_, range) in verdicts {
            said.insert(range.start..range.end.min(items));
        }
        let known = self.parts.of(seq);
        let before = |range| known.map_or(0, |known| known.within(range));
        let added: u64 = said.all().map(|range| range.end - range.start - before(range)).sum();
        let is_whole = known.map_or(0, Settled::total) + added == items;
        if !is_whole && !self.parts.has_room(verdicts.len()) {
            return None;
        }
        // That of the request is that of all items which no other is given to.
        let verdict = verdicts.last().map_or(Verdict::Delivered, |(verdict, _)| *verdict);
        let on_their_own = verdicts.iter().filter(|(other, _)| !is_whole || *other != verdict);
        let mut settlements: Vec<_> = on_their_own
            .map(|(verdict, range)| Settlement::Items { seq, verdict: *verdict, items: range.clone() })
            .collect();
        if is_whole {
            settlements.push(Settlement::Requests { seqs: seq..seq + 1, verdict, items });
        }
        Some((settlements, is_whole))
    }
}
