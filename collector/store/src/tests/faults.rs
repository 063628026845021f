//! Each call to the disk fails once, in each way.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::{Bench, body};
use crate::AppendError;
use crate::reader::{Entry, Next};
use crate::simulation::{Fault, SimDisk};
use crate::totals::Verdict;

/// Which requests were acknowledged and not settled, and of which some items are.
#[derive(Default)]
struct Answers {
    owed: BTreeMap<u64, Bytes>,
    parts: BTreeMap<u64, Range<u64>>,
}

/// Fills several segments, takes out and settles, restarts, and goes on. Errors are taken as they come.
fn script(disk: &SimDisk, answers: &mut Answers) {
    for round in 0..3 {
        let Ok(mut bench) = Bench::try_open(disk) else { continue };
        for number in 0..6 {
            let bodies: Vec<Bytes> = (0..3).map(|i| body(round * 100 + number * 10 + i, 150)).collect();
            for (result, body) in bench.append(bodies.clone()).into_iter().zip(bodies) {
                match result {
                    Ok(seq) => drop(answers.owed.insert(seq, body)),
                    Err(error) => assert!(!matches!(error, AppendError::Closed | AppendError::Full { .. })),
                }
            }
            for which in 0..2 {
                let Ok(Next::Entry(entry)) = bench.reader.next() else { continue };
                if which == 0 {
                    bench.settle(&entry, Verdict::Delivered);
                    answers.owed.remove(&entry.seq);
                } else {
                    let part = 10..10 + 10 * number;
                    bench.settle_items(&entry, &[(Verdict::Failed, part.clone())]);
                    let known = answers.parts.entry(entry.seq).or_insert_with(|| part.clone());
                    known.end = known.end.max(part.end);
                }
            }
            bench.tick();
        }
        bench.log.close().ok();
    }
}

fn every_call(fault: Fault, cut_power: bool) {
    for call in 1.. {
        let disk = SimDisk::new(call as u64);
        let mut answers = Answers::default();
        disk.fail(call, fault);
        script(&disk, &mut answers);
        let was_reached = disk.heal();
        if cut_power {
            disk.cut_power();
        }
        let mut bench = Bench::open(&disk);
        let told = format!("{fault:?} at call {call}: {:?} {:?}", bench.recovered, bench.totals());
        let entries: BTreeMap<u64, Entry> =
            bench.drain().into_iter().map(|entry| (entry.seq, entry)).collect();
        for (seq, body) in &answers.owed {
            assert_eq!(entries.get(seq).map(|entry| &entry.body), Some(body), "request {seq}, {told}");
        }
        for entry in entries.values().filter(|entry| !entry.settled.is_empty()) {
            let known = answers.parts.get(&entry.seq).cloned().unwrap_or_default();
            let is_known = |part: &Range<u64>| known.start <= part.start && part.end <= known.end;
            assert!(entry.settled.iter().all(is_known), "{known:?} of {entry:?}, {told}");
        }
        bench.check_totals(entries.values(), &told);
        assert_eq!(bench.recovered.corrupt.requests, 0, "{told}");
        if !was_reached {
            assert!(call > 100, "the script has {call} calls only");
            return;
        }
    }
}

#[test]
fn a_call_that_fails_loses_nothing_that_was_acknowledged() {
    for fault in [Fault::Error, Fault::Full, Fault::Short] {
        every_call(fault, false);
    }
}

#[test]
fn a_call_that_fails_before_the_power_is_cut_loses_nothing_that_was_acknowledged() {
    for fault in [Fault::Error, Fault::Full, Fault::Short] {
        every_call(fault, true);
    }
}

#[test]
fn a_disk_that_dies_at_any_call_loses_nothing_that_was_acknowledged() {
    every_call(Fault::Dead, false);
    every_call(Fault::Dead, true);
}

#[test]
fn a_disk_that_syncs_no_more_loses_nothing_that_was_acknowledged() {
    every_call(Fault::NoSync, false);
    every_call(Fault::NoSync, true);
}

#[test]
fn a_request_that_was_refused_does_not_come_back_after_a_kill_although_nothing_could_be_synced() {
    let disk = SimDisk::new(1);
    let mut bench = Bench::open(&disk);
    bench.append([body(1, 10)]).remove(0).expect("the disk works");
    let entry = bench.next().expect("it is there");
    // The write, then the sync.
    disk.fail(2, Fault::NoSync);
    bench.append([body(2, 10), body(3, 10)]).remove(0).expect_err("the sync fails");
    bench.settle(&entry, Verdict::Delivered);
    let totals = bench.totals();
    drop(bench);
    disk.heal();
    let mut bench = Bench::open(&disk);
    assert_eq!(bench.drain(), []);
    assert_eq!(bench.totals(), totals);
}

#[test]
fn a_request_whose_sync_failed_is_refused_and_never_read() {
    let disk = SimDisk::new(1);
    let mut bench = Bench::open(&disk);
    bench.append([body(1, 10)]).remove(0).expect("the disk works");
    // The write, then the sync.
    disk.fail(2, Fault::Error);
    let refused = bench.append([body(2, 10)]).remove(0).expect_err("the sync fails");
    assert!(matches!(refused, AppendError::Sync(_)), "{refused}");
    disk.heal();
    bench.append([body(3, 10)]).remove(0).expect("the disk works again");
    drop(bench);
    let mut bench = Bench::open(&disk);
    let bodies: Vec<Bytes> = bench.drain().into_iter().map(|entry| entry.body).collect();
    assert_eq!(bodies, [body(1, 10), body(3, 10)]);
}
