//! Items that are settled before the others of their request.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Bench, body, left};
use crate::index::Noted;
use crate::inspect;
use crate::parts::PARTS_MAX;
use crate::simulation::SimDisk;
use crate::totals::{Count, Verdict};

const SLOTS: usize = 256 * 1024;
const SLOT: usize = 32;

/// A store with requests of so many items, all of which are out.
fn opened(disk: &SimDisk, sizes: &[usize]) -> (Bench, Vec<crate::Entry>) {
    let mut bench = Bench::open(disk);
    for (number, size) in sizes.iter().enumerate() {
        bench.append([body(number as u64, *size)]).remove(0).expect("the disk works");
    }
    let entries = bench.drain();
    (bench, entries)
}

/// From, and to.
fn settled(entry: &crate::Entry) -> Vec<(u64, u64)> {
    entry.settled.iter().map(|items| (items.start, items.end)).collect()
}

/// The file of progress that is in use: the one with slots, if there are any.
fn in_use(disk: &SimDisk) -> &'static str {
    let has_slots = |name: &&str| disk.bytes(name)[SLOTS..].iter().any(|byte| *byte != 0);
    ["progress.a", "progress.b"].into_iter().find(has_slots).expect("something was settled")
}

#[test]
fn what_is_settled_of_a_request_is_so_after_a_crash_and_counted_once() {
    let disk = SimDisk::new(1);
    let (mut bench, entries) = opened(&disk, &[100, 10]);
    assert_eq!(bench.settle_items(&entries[0], &[(Verdict::Delivered, 10..30)]), Noted::Part);
    assert_eq!(
        bench.settle_items(&entries[0], &[(Verdict::Failed, 20..40), (Verdict::Failed, 99..100)]),
        Noted::Part
    );
    assert_eq!(bench.settle_items(&entries[0], &[(Verdict::Dropped, 15..35)]), Noted::Part);
    let totals = bench.totals();
    let items = |items| Count { requests: 0, items };
    assert_eq!(
        [Verdict::Delivered, Verdict::Failed, Verdict::Dropped].map(|verdict| totals.settled(verdict)),
        [items(20), items(11), items(0)]
    );
    let inspected = inspect(&disk).expect("it can be read");
    assert_eq!(inspected.waiting(), Count { requests: 2, items: 79 });

    // It comes from the slots first, and from the checkpoint then.
    drop(bench);
    for _ in 0..2 {
        let mut bench = Bench::open(&disk);
        assert_eq!(bench.recovered.queued, Count { requests: 2, items: 79 });
        assert_eq!(bench.totals(), totals);
        let entries = bench.drain();
        assert_eq!(settled(&entries[0]), [(10, 40), (99, 100)]);
        assert!(entries[1].settled.is_empty());
        bench.check_totals(&entries, "after a crash");
    }
    let mut bench = Bench::open(&disk);
    let entry = bench.next().expect("it is there");
    assert_eq!(
        bench.settle_items(&entry, &[(Verdict::Dropped, 0..10), (Verdict::Delivered, 40..99)]),
        Noted::Whole
    );
    assert_eq!(bench.settle_items(&entry, &[(Verdict::Failed, 0..100)]), Noted::Whole, "it was");
    let totals = bench.totals();
    assert_eq!(totals.settled(Verdict::Delivered), Count { requests: 1, items: 79 });
    assert_eq!(totals.settled(Verdict::Failed), items(11));
    assert_eq!(totals.settled(Verdict::Dropped), items(10));
    assert_eq!(Bench::open(&disk).totals(), totals);
}

#[test]
fn what_is_given_back_comes_with_what_is_settled_of_it() {
    let disk = SimDisk::new(1);
    let (mut bench, entries) = opened(&disk, &[100, 10]);
    bench.settle_items(&entries[0], &[(Verdict::Delivered, 0..50)]);
    bench.log.shared.index().returned.insert(entries[0].seq);
    let again = bench.next().expect("it comes again");
    assert_eq!((again.seq, settled(&again)), (entries[0].seq, vec![(0, 50)]));
}

#[test]
fn a_request_of_which_the_slot_is_torn_and_those_of_its_items_are_not_is_settled_when_it_is_read() {
    let disk = SimDisk::new(1);
    let (mut bench, entries) = opened(&disk, &[100, 10]);
    bench.settle_items(&entries[0], &[(Verdict::Failed, 0..60)]);
    bench.settle_items(&entries[0], &[(Verdict::Failed, 60..70), (Verdict::Delivered, 70..90)]);
    bench.settle_items(&entries[0], &[(Verdict::Failed, 90..100)]);
    let name = in_use(&disk);
    // The last slot settles the request; what it says of items is in none of the others.
    let mut bytes = disk.bytes(name);
    bytes[SLOTS + 3 * SLOT] ^= 1;
    disk.put(name, bytes);
    let mut bench = Bench::open(&disk);
    let entries = bench.drain();
    assert_eq!(settled(&entries[0]), [(0, 90)]);
    bench.check_totals(&entries, "torn");
    bench.settle_items(&entries[0], &[(Verdict::Failed, 90..99)]);
    // As if a later process had died between two slots.
    bench.log.shared.index().settle(vec![crate::account::Settlement::Items {
        seq: entries[0].seq,
        verdict: Verdict::Delivered,
        items: 99..100,
    }]);
    bench.log.note();
    let mut bench = Bench::open(&disk);
    let entries = bench.drain();
    assert_eq!(entries.len(), 1, "nothing is left of the first");
    bench.check_totals(&entries, "settled when it was read");
    let totals = bench.totals();
    assert_eq!(Bench::open(&disk).totals(), totals, "and that is noted");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever slots a power cut tears, what is accepted is settled or comes again, and only what was settled does not.
    #[test]
    fn sums_are_exact_whatever_slots_are_torn(
        settled in prop::collection::vec((0_usize..4, 0_u64..60, 0_u64..60, 0_usize..3), 1..25),
        torn in prop::collection::vec(any::<bool>(), 64),
    ) {
        let disk = SimDisk::new(1);
        let (mut bench, entries) = opened(&disk, &[60, 30, 1, 0]);
        let mut said = vec![BTreeSet::new(); entries.len()];
        for (which, from, length, verdict) in settled {
            let entry = &entries[which];
            let items = from.min(entry.items)..(from + length).min(entry.items);
            let verdict = [Verdict::Delivered, Verdict::Failed, Verdict::Dropped][verdict];
            let middle = items.start.midpoint(items.end);
            let verdicts = [(verdict, items.start..middle), (Verdict::Delivered, middle..items.end)];
            bench.settle_items(entry, &verdicts);
            said[which].extend(items);
        }
        let totals = bench.totals();
        drop(bench);
        prop_assert_eq!(&Bench::open(&disk.copy()).totals(), &totals);
        for name in ["progress.a", "progress.b"] {
            let mut bytes = disk.bytes(name);
            for (slot, _) in torn.iter().enumerate().filter(|(_, torn)| **torn) {
                bytes[SLOTS + SLOT * slot..][..SLOT].fill(0);
            }
            disk.put(name, bytes);
        }
        let mut bench = Bench::open(&disk);
        let again = bench.drain();
        bench.check_totals(&again, "torn");
        for entry in &entries {
            let said = &said[usize::try_from(entry.seq).expect("a few")];
            match again.iter().find(|other| other.seq == entry.seq) {
                None => prop_assert_eq!(said.len() as u64, entry.items),
                Some(again) => prop_assert!(again.settled.iter().cloned().flatten().all(|item| said.contains(&item))),
            }
        }
    }
}

#[test]
fn at_the_bound_items_are_settled_with_their_request_and_counted_exactly() {
    let disk = SimDisk::new(1);
    let (mut bench, entries) = opened(&disk, &[2 * PARTS_MAX + 1, 10]);
    for part in 0..PARTS_MAX as u64 {
        let noted = bench.settle_items(&entries[0], &[(Verdict::Delivered, 2 * part..2 * part + 1)]);
        assert_eq!(noted, Noted::Part, "{part}");
    }
    assert_eq!(bench.settle_items(&entries[1], &[(Verdict::Delivered, 0..1)]), Noted::Nothing);
    assert_eq!(bench.totals().settled(Verdict::Delivered).items, PARTS_MAX as u64);
    // The last of them take no room.
    let verdicts = [(Verdict::Failed, 0..3), (Verdict::Dropped, 3..5), (Verdict::Delivered, 5..10)];
    assert_eq!(bench.settle_items(&entries[1], &verdicts), Noted::Whole);
    let totals = bench.totals();
    assert_eq!((totals.settled(Verdict::Failed).items, totals.settled(Verdict::Dropped).items), (3, 2));
    for how in ["slots", "checkpoint"] {
        let mut bench = Bench::open(&disk);
        assert_eq!(bench.totals(), totals, "of {how}");
        let entries = bench.drain();
        assert_eq!((entries.len(), left(&entries[0])), (1, PARTS_MAX as u64 + 1), "of {how}");
    }
    let mut bench = Bench::open(&disk);
    let entry = bench.next().expect("it is there");
    assert_eq!(bench.settle_items(&entry, &[(Verdict::Delivered, 0..entry.items)]), Noted::Whole);
    bench.check_totals([], "all is settled");
    assert_eq!(bench.settle_items(&entry, &[]), Noted::Whole);
}

#[test]
fn more_notes_than_a_file_has_room_for_make_a_checkpoint() {
    let disk = SimDisk::new(1);
    let (mut bench, entries) = opened(&disk, &[30_000]);
    for item in 0..29_999 {
        // Nobody writes down.
        bench.log.shared.index().settle_items(entries[0].receipt(), &[(Verdict::Delivered, item..item + 1)]);
    }
    bench.log.note();
    let mut bench = Bench::open(&disk);
    assert_eq!(settled(&bench.next().expect("it is there")), [(0, 29_999)]);
    assert_eq!(bench.totals().settled(Verdict::Delivered).items, 29_999);
}

#[test]
fn numbers_of_requests_that_somebody_took_away_are_not_given_again() {
    let disk = SimDisk::new(1);
    let (mut bench, entries) = opened(&disk, &[10, 20, 30, 40]);
    bench.settle(&entries[2], Verdict::Delivered);
    bench.settle_items(&entries[3], &[(Verdict::Delivered, 0..7)]);
    drop(bench);
    for name in disk.names() {
        if name.ends_with(".segment") {
            disk.delete(&name);
        }
    }
    let mut bench = Bench::open(&disk);
    assert_eq!(bench.recovered.lost.requests, 3);
    let appended = bench.append((0..4).map(|number| body(number, 10)));
    let seqs: Vec<u64> = appended.into_iter().map(|seq| seq.expect("the disk works")).collect();
    let entries = bench.drain();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), seqs);
    bench.check_totals(&entries, "of what came then");
}
