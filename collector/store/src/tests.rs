mod damage;
mod faults;
mod format;
mod model;
mod settled;
mod store;

use bytes::Bytes;

use crate::log::{Limits, Log, Record};
use crate::progress::Settlement;
use crate::reader::{Entry, Next, Reader};
use crate::recover::{self, Recovered};
use crate::simulation::SimDisk;
use crate::totals::Verdict;

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
        let seqs = entry.seq..entry.seq + 1;
        self.log.settle(vec![Settlement { seqs, verdict, items: entry.items }]);
    }

    /// The next request, if there is one.
    fn next(&mut self) -> Option<Entry> {
        loop {
            match self.reader.next().expect("the disk reads") {
                Next::Entry(entry) => return Some(entry),
                Next::Nothing => return None,
                Next::Damaged(settlements) => self.log.note(&settlements),
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

    /// What is accepted is settled or queued, and nothing is counted twice.
    fn check_totals(&self, given_out: u64) {
        let totals = self.log.shared.index().totals.clone();
        let settled: u64 = Verdict::ALL.iter().map(|verdict| totals.settled(*verdict).requests).sum();
        assert_eq!(totals.accepted.requests, settled + given_out, "{totals:?}");
        let items: u64 = Verdict::ALL.iter().map(|verdict| totals.settled(*verdict).items).sum();
        assert!(items <= totals.accepted.items, "{totals:?}");
    }
}

/// As many items as its body has bytes.
fn record(body: Bytes) -> Record {
    Record { items: body.len() as u64, accepted: 7, context: Bytes::from_static(b"ctx"), body }
}

/// A body that tells which it is, of any length.
fn body(number: u64, length: usize) -> Bytes {
    number.to_le_bytes().into_iter().cycle().take(length).collect()
}
