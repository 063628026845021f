//! Any sequence of calls, ends of the process and power cuts, against a model that knows what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::{Bench, body};
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
    next_body: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(0_usize..700, 1..5).prop_map(Step::Append),
        3 => (1_usize..6).prop_map(Step::Next),
        4 => (0_usize..4, any::<bool>()).prop_map(|(which, sent)| Step::Settle(which, sent)),
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
                let Some(seq) = out.keys().nth(*which).copied() else { continue };
                let entry = out.remove(&seq).expect("it is out");
                bench.settle(&entry, if *sent { Verdict::Delivered } else { Verdict::Failed });
                model.owed.remove(&seq);
                model.in_doubt.remove(&seq);
                model.settled.insert(seq);
            }
            Step::Tick => {
                bench.tick();
                model.gone.append(&mut model.settled);
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
                let place =
                    if matches!(step, Step::PowerCut) { &mut model.in_doubt } else { &mut model.gone };
                place.append(settled);
                out.clear();
                bench = Bench::open(&disk);
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

fn check(model: &Model, entry: &crate::Entry) {
    assert!(!model.gone.contains(&entry.seq), "{} was settled for good", entry.seq);
    assert_eq!(entry.items, entry.body.len() as u64);
    assert_eq!(entry.context, "ctx");
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
    bench.check_totals(entries.len() as u64);
    for entry in &entries {
        bench.settle(entry, Verdict::Delivered);
    }
    bench.check_totals(0);
    assert_eq!(bench.log.shared.index().totals.queued().items, 0);
    bench.tick();
    bench.tick();
    let segments = disk.names().into_iter().filter(|name| name.ends_with(".segment")).count();
    assert_eq!(segments, 0, "space comes back");
}
