//! Any sequence of calls, ends of the process and power cuts, against a model that knows what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Bench, body};
use crate::index::Noted;
use crate::reader::Entry;
use crate::simulation::SimDisk;
use crate::totals::Verdict;

#[derive(Clone, Debug)]
enum Step {
    /// Requests of these lengths, in one call.
    Append(Vec<usize>),
    /// So many are taken out.
    Next(usize),
    /// One of those that are out, counted from the oldest.
    Settle(usize, bool),
    /// Items of one of those that are out: from this one on, so many.
    SettleItems(usize, u64, u64, bool),
    Tick,
    /// So many steps of upkeep.
    Upkeep(usize),
    /// A new process, after the one before has closed the store.
    Restart,
    /// A new process, after the one before was killed.
    Kill,
    /// A new process, after the power was cut.
    PowerCut,
}

#[derive(Default)]
struct Model {
    /// What was acknowledged and not settled.
    owed: BTreeMap<u64, Bytes>,
    /// What was settled, and may come again if the power is cut.
    settled: BTreeSet<u64>,
    /// What was settled before the power was cut, and may have come again.
    in_doubt: BTreeSet<u64>,
    /// What is certain never to come again.
    gone: BTreeSet<u64>,
    /// The items of each request that were ever settled.
    settled_items: BTreeMap<u64, BTreeSet<u64>>,
    /// Those of them that may come again if the power is cut.
    fresh_items: BTreeMap<u64, BTreeSet<u64>>,
    /// Those of them that are certain never to come again.
    gone_items: BTreeMap<u64, BTreeSet<u64>>,
    next_body: u64,
}

impl Model {
    fn items_are_gone(&mut self) {
        for (seq, items) in std::mem::take(&mut self.fresh_items) {
            self.gone_items.entry(seq).or_default().extend(items);
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(0_usize..700, 1..5).prop_map(Step::Append),
        3 => (1_usize..6).prop_map(Step::Next),
        4 => (0_usize..4, any::<bool>()).prop_map(|(which, sent)| Step::Settle(which, sent)),
        4 => (0_usize..4, 0_u64..300, 0_u64..300, any::<bool>())
            .prop_map(|(which, from, length, sent)| Step::SettleItems(which, from, length, sent)),
        1 => Just(Step::Tick),
        3 => (1_usize..4).prop_map(Step::Upkeep),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
        1 => Just(Step::PowerCut),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_comes_out_until_it_is_settled(steps in steps(), seed in any::<u64>()) {
        run(&steps, seed);
    }
}

fn run(steps: &[Step], seed: u64) {
    let disk = SimDisk::new(seed);
    let mut model = Model::default();
    let mut bench = Bench::open(&disk);
    let mut out = BTreeMap::new();
    for step in steps {
        match step {
            Step::Append(lengths) => append(&mut bench, &mut model, lengths),
            Step::Next(count) => {
                for _ in 0..*count {
                    let Some(entry) = bench.next() else { break };
                    assert!(out.last_key_value().is_none_or(|(last, _)| *last < entry.seq) || out.is_empty());
                    check(&model, &entry);
                    out.insert(entry.seq, entry);
                }
            }
            Step::Settle(which, sent) => {
                settle(&mut bench, &mut model, &mut out, *which, 0..u64::MAX, *sent);
            }
            Step::SettleItems(which, from, length, sent) => {
                settle(&mut bench, &mut model, &mut out, *which, *from..from + length, *sent);
            }
            Step::Tick => {
                bench.tick();
                model.gone.append(&mut model.settled);
                model.items_are_gone();
            }
            Step::Upkeep(steps) => {
                for _ in 0..*steps {
                    bench.log.upkeep();
                }
            }
            Step::Restart | Step::Kill | Step::PowerCut => {
                match step {
                    Step::Restart => bench.log.close().expect("the disk works"),
                    Step::Kill => {}
                    _ => disk.cut_power(),
                }
                let settled = &mut model.settled;
                let cuts_power = matches!(step, Step::PowerCut);
                let place = if cuts_power { &mut model.in_doubt } else { &mut model.gone };
                place.append(settled);
                out.clear();
                let totals = bench.totals();
                bench = Bench::open(&disk);
                if cuts_power {
                    model.fresh_items.clear();
                } else {
                    model.items_are_gone();
                    assert_eq!(bench.totals(), totals, "the process has no part in them");
                }
                assert_eq!(bench.recovered.corrupt.requests, 0, "{:?}", bench.recovered);
                assert_eq!(bench.recovered.lost.requests, 0, "{:?}", bench.recovered);
                assert!(!bench.recovered.progress_lost || model.gone.is_empty());
            }
        }
    }
    finish(&disk, &model, bench);
}

fn append(bench: &mut Bench, model: &mut Model, lengths: &[usize]) {
    let bodies: Vec<Bytes> =
        (model.next_body..).zip(lengths).map(|(number, length)| body(number, *length)).collect();
    model.next_body += lengths.len() as u64;
    for (result, body) in bench.append(bodies.clone()).into_iter().zip(bodies) {
        let seq = result.expect("the disk works");
        assert!(model.owed.insert(seq, body).is_none(), "a number is given once");
        assert!(!model.gone.contains(&seq), "a number is never used again");
    }
}

/// Settles items of one of those that are out, as far as it has them.
fn settle(
    bench: &mut Bench,
    model: &mut Model,
    out: &mut BTreeMap<u64, Entry>,
    which: usize,
    items: Range<u64>,
    sent: bool,
) {
    let Some((seq, entry)) = out.iter_mut().nth(which) else { return };
    let (seq, items) = (*seq, items.start.min(entry.items)..items.end.min(entry.items));
    let verdict = if sent { Verdict::Delivered } else { Verdict::Failed };
    let noted = bench.settle_items(entry, &[(verdict, items.clone())]);
    // What this process knows to be settled.
    entry.settled.push(items.clone());
    let known: BTreeSet<u64> = entry.settled.iter().cloned().flatten().collect();
    assert_eq!(noted, if known.len() as u64 == entry.items { Noted::Whole } else { Noted::Part });
    model.settled_items.entry(seq).or_default().extend(items.clone());
    model.fresh_items.entry(seq).or_default().extend(items);
    if noted == Noted::Whole {
        out.remove(&seq);
        model.owed.remove(&seq);
        model.in_doubt.remove(&seq);
        model.settled.insert(seq);
    }
}

fn check(model: &Model, entry: &Entry) {
    assert!(!model.gone.contains(&entry.seq), "{} was settled for good", entry.seq);
    assert_eq!(entry.items, entry.body.len() as u64);
    assert_eq!(entry.context, "ctx");
    let settled: BTreeSet<u64> = entry.settled.iter().cloned().flatten().collect();
    let of = |items: &BTreeMap<u64, BTreeSet<u64>>| items.get(&entry.seq).cloned().unwrap_or_default();
    assert!(settled.is_subset(&of(&model.settled_items)), "nobody settled all of {:?}", entry.settled);
    assert!(
        settled.is_superset(&of(&model.gone_items)),
        "more than {:?} was settled for good",
        entry.settled
    );
    if let Some(body) = model.owed.get(&entry.seq) {
        assert_eq!(entry.body, body);
    }
}

/// All that is owed comes out, in order; then everything is settled, the sums are right, and the disk is empty.
fn finish(disk: &SimDisk, model: &Model, bench: Bench) {
    drop(bench);
    let mut bench = Bench::open(disk);
    let entries = bench.drain();
    assert!(entries.is_sorted_by_key(|entry| entry.seq));
    let seqs: BTreeSet<u64> = entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs.len(), entries.len(), "each comes once");
    for seq in model.owed.keys() {
        assert!(seqs.contains(seq), "{seq} was acknowledged, and is not there");
    }
    for entry in &entries {
        check(model, entry);
    }
    bench.check_totals(&entries, "at the end");
    for entry in &entries {
        bench.settle(entry, Verdict::Delivered);
    }
    bench.check_totals([], "of nothing");
    bench.tick();
    bench.tick();
    let segments = disk.names().into_iter().filter(|name| name.ends_with(".segment")).count();
    assert_eq!(segments, 0, "space comes back");
}
