//! Damage stays where it is, and is counted.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Bench, body, left};
use crate::OpenError;
use crate::index::Noted;
use crate::simulation::SimDisk;
use crate::totals::Verdict;

/// Where a head has the version in its magic.
const VERSION: usize = 7;

/// Three segments with requests that are queued, but for the second of each segment, and for a third of the items of the
/// first.
fn filled() -> (SimDisk, BTreeMap<u64, Bytes>) {
    let disk = SimDisk::new(1);
    let mut bench = Bench::open(&disk);
    let mut owed = BTreeMap::new();
    for number in 0..12 {
        let body = body(number + 1, 150);
        let seq = bench.append([body.clone()]).remove(0).expect("the disk works");
        owed.insert(seq, body);
    }
    for entry in bench.drain() {
        if entry.seq % 4 == 1 {
            bench.settle(&entry, Verdict::Delivered);
            owed.remove(&entry.seq);
        }
        if entry.seq % 4 == 0 {
            let parts = [(Verdict::Delivered, 0..40), (Verdict::Failed, 140..150)];
            assert_eq!(bench.settle_items(&entry, &parts), Noted::Part);
        }
    }
    bench.log.close().expect("the disk works");
    (disk, owed)
}

/// What comes out of a damaged directory. It never fails to open, nothing comes out that was not put in, and what
/// is missing is counted.
fn check(disk: &SimDisk, owed: &BTreeMap<u64, Bytes>, most_missing: usize, what: &str) {
    let mut bench = Bench::open(disk);
    let entries = bench.drain();
    let is_settled_again = bench.recovered.progress_lost;
    for entry in &entries {
        match owed.get(&entry.seq) {
            Some(body) => assert_eq!(entry.body, body, "{what}"),
            None => {
                assert!(is_settled_again || what.contains("progress"), "{what}: {} was settled", entry.seq);
            }
        }
    }
    let there = entries.iter().filter(|entry| owed.contains_key(&entry.seq)).count();
    let missing = owed.len() - there;
    assert!(missing <= most_missing, "{what}: {missing} are missing");
    let totals = bench.totals();
    let counted = totals.settled(Verdict::Corrupt).requests + totals.settled(Verdict::Lost).requests;
    assert!(counted >= missing as u64 || is_settled_again, "{what}: {missing} are missing, {totals:?}");
    assert!(missing > 0 || counted == 0 || is_settled_again, "{what}: nothing is missing, {totals:?}");
    for entry in &entries {
        let parts = if entry.seq % 4 == 0 { vec![0..40, 140..150] } else { Vec::new() };
        assert!(entry.settled == parts || is_settled_again || what.contains("progress"), "{what}: {entry:?}");
        assert!(entry.settled.iter().all(|part| parts.contains(part)), "{what}: {entry:?}");
    }
    if is_settled_again {
        assert!(totals.accepted.items >= entries.iter().map(left).sum(), "{what}");
    } else {
        bench.check_totals(&entries, what);
    }
}

fn segments(disk: &SimDisk) -> Vec<String> {
    disk.names().into_iter().filter(|name| name.ends_with(".segment")).collect()
}

#[test]
fn a_bit_that_flips_costs_its_request_at_most() {
    let (disk, owed) = filled();
    for name in segments(&disk) {
        let bytes = disk.bytes(&name);
        for at in 0..bytes.len() {
            let copy = disk.copy();
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            copy.put(&name, damaged);
            if at == VERSION {
                assert!(matches!(Bench::try_open(&copy), Err(OpenError::Version { .. })));
                continue;
            }
            check(&copy, &owed, 1, &format!("bit at {at} of {name}"));
        }
    }
}

#[test]
fn a_segment_that_is_cut_anywhere_costs_what_is_behind() {
    let (disk, owed) = filled();
    for name in segments(&disk) {
        let bytes = disk.bytes(&name);
        for length in 0..bytes.len() {
            let copy = disk.copy();
            copy.put(&name, bytes[..length].to_vec());
            check(&copy, &owed, 4, &format!("{name} cut at {length}"));
        }
    }
}

#[test]
fn a_segment_that_is_not_there_is_counted() {
    let (disk, owed) = filled();
    for name in segments(&disk) {
        let copy = disk.copy();
        copy.delete(&name);
        check(&copy, &owed, 4, &format!("{name} deleted"));
    }
}

#[test]
fn blocks_that_are_swapped_doubled_or_zero_cost_what_was_in_them() {
    let (disk, owed) = filled();
    let names = segments(&disk);
    for (name, other) in names.iter().zip(names.iter().cycle().skip(1)) {
        let (bytes, others) = (disk.bytes(name), disk.bytes(other));
        for at in (0..bytes.len()).step_by(64) {
            let end = (at + 64).min(bytes.len()).min(others.len());
            let zero = vec![0; end - at];
            let doubled = bytes[..end - at].to_vec();
            for (how, block) in [("swapped", others[at..end].to_vec()), ("zero", zero), ("doubled", doubled)]
            {
                let copy = disk.copy();
                let mut damaged = bytes.clone();
                damaged[at..end].copy_from_slice(&block);
                copy.put(name, damaged);
                check(&copy, &owed, 2, &format!("{how} at {at} of {name}"));
            }
        }
    }
}

#[test]
fn damaged_progress_loses_nothing() {
    let (disk, owed) = filled();
    for name in ["progress.a", "progress.b"] {
        let bytes = disk.bytes(name);
        let heads = (0..400).chain(128 * 1024..128 * 1024 + 400);
        for at in heads.chain(256 * 1024..256 * 1024 + 300).step_by(3) {
            let copy = disk.copy();
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            copy.put(name, damaged);
            if let Err(error) = Bench::try_open(&copy) {
                assert!(matches!(error, OpenError::Version { .. }) && at % (128 * 1024) == VERSION);
                continue;
            }
            check(&copy, &owed, 0, &format!("{at} of {name}, progress"));
        }
        let copy = disk.copy();
        copy.delete(name);
        check(&copy, &owed, 0, &format!("{name} deleted, progress"));
    }
    disk.delete("progress.a");
    disk.delete("progress.b");
    check(&disk, &owed, 0, "no progress");
}

#[test]
fn another_version_is_refused_and_stays_as_it_is() {
    let (disk, _) = filled();
    let name = segments(&disk).remove(0);
    let mut bytes = disk.bytes(&name);
    bytes[7] = b'9';
    disk.put(&name, bytes.clone());
    let before: Vec<_> = disk.names().into_iter().map(|name| (disk.bytes(&name), name)).collect();
    let error = Bench::try_open(&disk).err().expect("it is refused");
    assert_eq!(
        error.to_string(),
        format!(
            "{name} is of a version that this collector does not know (\"ETLNSEG9\"); nothing was changed"
        )
    );
    assert_eq!(disk.names().into_iter().map(|name| (disk.bytes(&name), name)).collect::<Vec<_>>(), before);
}

#[test]
fn damage_that_comes_while_the_store_is_open_is_found_when_it_is_read() {
    let (disk, owed) = filled();
    let mut bench = Bench::open(&disk);
    let first = bench.next().expect("there is a request");
    // In the content of the last request of the second segment, of which nothing was read yet.
    let name = segments(&disk).remove(1);
    let content = disk.bytes(&name);
    let at = content.len() - 48 - 100;
    bench.log.disk.damage(&name, at, content[at] ^ 1);
    let mut entries = vec![first];
    entries.extend(bench.drain());
    assert_eq!(entries.len(), owed.len() - 1);
    bench.check_totals(&entries, "damaged");
    let totals = bench.totals();
    assert_eq!(totals.settled(Verdict::Corrupt), crate::totals::Count { requests: 1, items: 150 });
}
