//! A request that was taken out of a queue on disk.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use etalon_component::Batch;
use etalon_pdata::{Most, Part, Payload, Signal};
use etalon_store::{Entry, Noted, Receipt, Verdict};

use crate::balance::{Moving, Underway};
use crate::context;
use crate::open_store::OpenStore;
use crate::outcomes::Outcomes;

/// Dropped before all its items are settled, it is given out again, with the others.
pub(crate) struct Stored {
    /// Of its items, those that are not settled.
    pub(crate) batch: Batch,
    /// How long the queue has had it.
    pub(crate) age: Duration,
    /// When it was accepted, in milliseconds since 1970.
    pub(crate) accepted: u64,
    store: Arc<OpenStore>,
    receipt: Receipt,
    /// The numbers that the items of the batch have in the queue, in their order.
    numbers: Vec<Range<u64>>,
    progress: Mutex<Progress>,
    underway: Arc<Underway>,
}

#[derive(Default)]
struct Progress {
    /// Whether it must not be given out again.
    is_done: bool,
    /// Items of which is known what became of them.
    known: usize,
    /// What the queue could not note yet.
    unnoted: Vec<(Verdict, Range<u64>)>,
    /// As long as there is something.
    moving: Option<Moving>,
}

impl Stored {
    /// An entry of the store.
    pub(crate) fn new(store: Arc<OpenStore>, signal: Signal, entry: Entry, underway: &Arc<Underway>) -> Self {
        let (receipt, accepted) = (entry.receipt(), entry.accepted);
        let items = usize::try_from(entry.items).unwrap_or(usize::MAX);
        let whole = Payload::from_validated(signal, entry.body, items);
        let numbers = rest(entry.items, &entry.settled);
        // What cannot be cut so is sent as a whole.
        let all = 0..entry.items;
        let cut = (!entry.settled.is_empty()).then(|| cut(&whole, &numbers)).flatten();
        let (payload, numbers) = match cut {
            Some(rest) => (rest, numbers),
            None => (whole, vec![all]),
        };
        let batch = Batch { payload, context: context::decode(entry.context) };
        let (age, underway) = (age(accepted), underway.clone());
        Self { batch, age, accepted, store, receipt, numbers, progress: Mutex::default(), underway }
    }

    /// Notes what became of some of its items, from this one of its batch on.
    pub(crate) fn settle(&self, from: usize, outcomes: &Outcomes) {
        let mut progress = self.progress();
        progress.known += outcomes.items();
        let is_first = progress.unnoted.is_empty();
        for (verdict, items) in outcomes.verdicts() {
            let items = from as u64 + items.start as u64..from as u64 + items.end as u64;
            progress.unnoted.extend(numbered(&self.numbers, items).map(|items| (verdict, items)));
        }
        // A queue that could not note so many is not asked each time whether it now can.
        let is_last = progress.known >= self.batch.items();
        if is_first || is_last || progress.unnoted.len().is_power_of_two() {
            self.note(&mut progress);
        }
    }

    fn note(&self, progress: &mut Progress) {
        match self.store.store.settle(self.receipt, &progress.unnoted) {
            Noted::Nothing => drop(progress.moving.get_or_insert_with(|| Moving::new(&self.underway))),
            noted => {
                progress.is_done |= noted == Noted::Whole;
                progress.unnoted.clear();
                progress.moving = None;
            }
        }
    }

    /// Leaves what is not settled of it on the disk until the next start: the exporter panics over it, and would do so
    /// again.
    pub(crate) fn set_aside(&self) {
        self.progress().is_done = true;
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What nobody knows the end of is sent again, by whoever has the queue then.
impl Drop for Stored {
    fn drop(&mut self) {
        let mut progress = self.progress();
        if !progress.unnoted.is_empty() {
            self.note(&mut progress);
        }
        if !progress.is_done {
            self.store.store.give_back(self.receipt);
        }
    }
}

/// The numbers of the items that are not settled, of so many.
fn rest(items: u64, settled: &[Range<u64>]) -> Vec<Range<u64>> {
    let starts = std::iter::once(0).chain(settled.iter().map(|settled| settled.end));
    let ends = settled.iter().map(|settled| settled.start).chain([items]);
    starts.zip(ends).filter(|(start, end)| start < end).map(|(start, end)| start..end).collect()
}

/// The items with these numbers, which are in their order.
fn cut(whole: &Payload, numbers: &[Range<u64>]) -> Option<Payload> {
    let mut parts = whole.clone().into_parts();
    let mut kept: Option<Payload> = None;
    let mut at = 0;
    for range in numbers {
        for (end, is_kept) in [(range.start, false), (range.end, true)] {
            let Some(items) = NonZeroUsize::new(usize::try_from(end - at).ok()?) else { continue };
            let Some(Part::Fits(part)) = parts.next_within(Most::Items(items)) else { return None };
            at = end;
            match &mut kept {
                _ if !is_kept => {}
                Some(kept) => kept.join(part),
                None => kept = Some(part),
            }
        }
    }
    kept
}

/// The numbers of items, by their places in a batch that has the items of these numbers.
fn numbered(numbers: &[Range<u64>], places: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut before = 0;
    numbers.iter().filter_map(move |numbers| {
        let (first, count) = (before, numbers.end - numbers.start);
        before += count;
        let from = places.start.clamp(first, before) - first;
        let to = places.end.clamp(first, before) - first;
        (from < to).then(|| numbers.start + from..numbers.start + to)
    })
}

/// What a clock has to tell that goes on when no process runs.
pub(crate) fn unix_milliseconds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "an age that survives the process; no decision depends on it"
    )]
    let now = SystemTime::now();
    u64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Since so many milliseconds after 1970.
pub(crate) fn age(since: u64) -> Duration {
    Duration::from_millis(unix_milliseconds().saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_rest_have_the_numbers_of_the_whole() {
        for settled in 0_u32..256 {
            let is_settled = |number: &u64| settled & (1 << number) != 0;
            let ranges: Vec<_> = (0..8).filter(is_settled).map(|number| number..number + 1).collect();
            let numbers = rest(8, &ranges);
            let left: Vec<u64> = (0..8).filter(|number| !is_settled(number)).collect();
            assert_eq!(numbers.iter().cloned().flatten().collect::<Vec<_>>(), left, "{settled:b}");
            for (from, to) in (0..=left.len()).flat_map(|from| (from..=left.len()).map(move |to| (from, to)))
            {
                let found: Vec<u64> = numbered(&numbers, from as u64..to as u64).flatten().collect();
                assert_eq!(found, &left[from..to], "{from}..{to} of {settled:b}");
            }
        }
    }
}
