mod damage;
mod faults;
mod format;
mod model;
mod parts;
mod settled;
mod store;

use std::ops::Range;

use bytes::Bytes;

use crate::Claim;
use crate::index::Noted;
use crate::log::{Limits, Log, Record};
use crate::reader::{Entry, Next, Reader};
use crate::recover::{self, Recovered};
use crate::simulation::SimDisk;
use crate::totals::{Count, Totals, Verdict};

/// Small enough that a few requests fill a segment.
const LIMITS: Limits = Limits { bytes: 16 * 1024 * 1024, segment_bytes: 1024, window_bytes: 2048 };

/// A store whose calls block, on a simulated disk.
struct Bench {
    log: Log<SimDisk>,
    reader: Reader<crate::AnyFile>,
    recovered: Recovered,
}

impl Bench {
    fn open(disk: &SimDisk) -> Self {
        Self::try_open(disk).expect("the store opens")
    }

    fn try_open(disk: &SimDisk) -> Result<Self, crate::OpenError> {
        let (log, recovered) = recover::open(disk.clone(), LIMITS)?;
        let reader = Reader::new(log.shared.clone());
        Ok(Self { log, reader, recovered })
    }

    fn append(&mut self, bodies: impl IntoIterator<Item = Bytes>) -> Vec<Result<u64, crate::AppendError>> {
        self.log.append(bodies.into_iter().map(record).collect())
    }

    fn settle(&mut self, entry: &Entry, verdict: Verdict) {
        assert_eq!(self.settle_items(entry, &[(verdict, 0..entry.items)]), Noted::Whole);
    }

    fn settle_items(&mut self, entry: &Entry, verdicts: &[(Verdict, Range<u64>)]) -> Noted {
        let (noted, _) = self.log.shared.index().settle_items(entry.receipt(), verdicts);
        self.log.note();
        noted
    }

    fn totals(&self) -> Totals {
        self.log.shared.index().account.totals.clone()
    }

    /// The next request, if there is one.
    fn next(&mut self) -> Option<Entry> {
        loop {
            match self.reader.next().expect("the disk reads") {
                Next::Entry(entry) => return Some(entry),
                Next::Nothing => return None,
                Next::Settled | Next::Damaged(_) => self.log.note(),
            }
        }
    }

    /// A second passes, and nothing else happens.
    fn tick(&mut self) {
        self.log.tick();
        while self.log.upkeep() {}
    }

    fn drain(&mut self) -> Vec<Entry> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// What is accepted is settled or among those that are queued, which are all, and nothing is counted twice.
    fn check_totals<'a>(&self, queued: impl IntoIterator<Item = &'a Entry>, what: &str) {
        let (totals, mut sum, mut bytes) = (self.totals(), Count::default(), 0);
        for verdict in Verdict::ALL {
            sum.requests += totals.settled(verdict).requests;
            sum.items += totals.settled(verdict).items;
        }
        for entry in queued {
            sum.requests += 1;
            sum.items += left(entry);
            bytes += entry.size() as u64;
        }
        assert_eq!(totals.accepted, sum, "{what}: {totals:?}");
        if totals.settled(Verdict::Corrupt) == Count::default() {
            assert_eq!(self.log.shared.index().queued_bytes, bytes, "{what}");
        }
    }
}

/// How many items of it are not settled.
fn left(entry: &Entry) -> u64 {
    entry.items - entry.settled.iter().map(|range| range.end - range.start).sum::<u64>()
}

/// As many items as its body has bytes.
fn record(body: Bytes) -> Record {
    let (context, claim) = (Bytes::from_static(b"ctx"), Claim::default());
    Record { items: body.len() as u64, accepted: 7, context, body, claim }
}

/// A body that tells which it is, of any length.
fn body(number: u64, length: usize) -> Bytes {
    number.to_le_bytes().into_iter().cycle().take(length).collect()
}
