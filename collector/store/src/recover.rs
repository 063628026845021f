//! Opening a directory: what is there, what is missing, what is damaged.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::account::{Account, Settlement};
use crate::disk::{Disk, DiskFile};
use crate::error::OpenError;
use crate::format::{HEAD, Header, RECORD_HEADER, Seal, SegmentHead, SegmentKey};
use crate::index::{Index, Segment, Shared};
use crate::log::{Limits, Log};
use crate::progress::{Checkpoint, FILE_BYTES, Found, Progress};
use crate::segment::{Scan, Scanned, file_name, id_of, scan};
use crate::settled::Settled;
use crate::totals::{Count, Verdict};
use crate::upkeep::{Upkeep, write_seal};

/// What was found when a store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// What waits to be read.
    pub queued: Count,
    /// What is damaged, and will never be read. More can be found when requests are read.
    pub corrupt: Count,
    /// What should be there and is not.
    pub lost: Count,
    /// Bytes of a last write that was cut off. No sender was told that it was accepted.
    pub torn_bytes: u64,
    /// Whether nothing is known any more of what was settled: requests may be sent again.
    pub progress_lost: bool,
    /// Files that look like segments and are not of this store. They stay as they are.
    pub foreign: Vec<String>,
}

/// What is known of a segment at the start.
struct Known<F> {
    file: Arc<F>,
    key: SegmentKey,
    first_seq: u64,
    next_seq: u64,
    end: u64,
    size: u64,
    items: u64,
    /// Of all contexts and bodies.
    bytes: u64,
    /// What it has of a last write that was cut off: numbers that were given to requests and never acknowledged.
    torn: Vec<Range<u64>>,
    /// When it had to be read through.
    scan: Option<Scan>,
}

/// Opens the store in a directory.
pub(crate) fn open<D: Disk>(disk: D, limits: Limits) -> Result<(Log<D>, Recovered), OpenError> {
    let lock = disk.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::InUse,
        _ => OpenError::Lock(error),
    })?;
    let names = disk.list().map_err(OpenError::List)?;
    let mut report = Recovered::default();
    let files = open_segments(&disk, &names)?;
    let mut found = Found::open(&disk, &names)?;
    // New files of progress are there before the first segment is.
    disk.sync().map_err(|source| OpenError::Write { file: "the directory".to_owned(), source })?;
    let valid = found.valid.as_mut();
    let (store, checkpoint, slots) = match valid {
        Some(valid) => (valid.store, std::mem::take(&mut valid.checkpoint), std::mem::take(&mut valid.slots)),
        None => {
            report.progress_lost = !files.is_empty();
            let by_segment = files.values().find_map(|file| Some(file.head.as_ref()?.key.store));
            (by_segment.unwrap_or_else(random), Checkpoint::default(), Vec::new())
        }
    };
    let next_segment = files.keys().next_back().map_or(1, |id| id + 1);
    let mut segments = know_segments(files, store, checkpoint.next_seq, &mut report)?;
    let mut index = account(&mut segments, checkpoint, slots, &mut report)?;
    let checkpoint = index.checkpoint();
    let progress = Progress::begin(found, store, &checkpoint)
        .map_err(|source| OpenError::Write { file: "the progress file".to_owned(), source })?;
    let next_seq = index.next_seq;
    let mut log = Log {
        disk,
        limits,
        store,
        shared: Arc::new(Shared::new(index)),
        progress,
        active: None,
        next_segment,
        next_seq,
        upkeep: Upkeep::default(),
        _lock: lock,
    };
    // What nothing needs any more is removed.
    log.tick();
    Ok((log, report))
}

/// A segment's file, and its head as far as it can be read.
struct Opened<F> {
    file: F,
    head: Option<SegmentHead>,
}

fn open_segments<D: Disk>(disk: &D, names: &[String]) -> Result<BTreeMap<u64, Opened<D::File>>, OpenError> {
    let mut files = BTreeMap::new();
    for (name, id) in names.iter().filter_map(|name| Some((name, id_of(name)?))) {
        let failed = |source| OpenError::Read { file: name.clone(), source };
        let file = disk.open(name).map_err(failed)?;
        let mut head = [0; HEAD as usize];
        let read = file.read_at(&mut head, 0).map_err(failed)?;
        if SegmentHead::is_other_version(&head[..read]) {
            let version = String::from_utf8_lossy(&head[..8]).into_owned();
            return Err(OpenError::Version { file: name.clone(), version });
        }
        files.insert(id, Opened { file, head: SegmentHead::decode(&head[..read]) });
    }
    Ok(files)
}

/// By its seal where there is one, else by reading it through.
fn know_segments<F: DiskFile>(
    files: BTreeMap<u64, Opened<F>>,
    store: u64,
    checkpointed: u64,
    report: &mut Recovered,
) -> Result<BTreeMap<u64, Known<F>>, OpenError> {
    let mut segments = BTreeMap::new();
    for (id, Opened { file, head }) in files {
        let key = SegmentKey { store, segment: id };
        if head.is_some_and(|head| head.key.store != store) {
            report.foreign.push(file_name(id));
            continue;
        }
        // A head that belongs to another segment of the store has come to a wrong place.
        let head = head.filter(|head| head.key == key);
        let failed = |source| OpenError::Read { file: file_name(id), source };
        let size = file.size().map_err(failed)?;
        let sealed = match head {
            Some(head) => {
                seal_of(&file, key, size).map_err(failed)?.map(|(seal, end)| (head.first_seq, seal, end))
            }
            None => None,
        };
        let file = Arc::new(file);
        let known = match sealed {
            Some((first_seq, Seal { next_seq, items, bytes }, end)) => {
                let torn = Vec::new();
                Known { file, key, first_seq, next_seq, end, size, items, bytes, torn, scan: None }
            }
            None => {
                let scan = scan(&*file, key).map_err(failed)?;
                report.torn_bytes += scan.torn_bytes;
                Known::of_scan(file, key, head, size, scan, checkpointed)
            }
        };
        segments.insert(id, known);
    }
    Ok(segments)
}

/// The seal at the end of a file.
fn seal_of<F: DiskFile>(file: &F, key: SegmentKey, size: u64) -> io::Result<Option<(Seal, u64)>> {
    let Some(end) = size.checked_sub(RECORD_HEADER) else { return Ok(None) };
    let mut bytes = [0; RECORD_HEADER as usize];
    file.read_at(&mut bytes, end)?;
    Ok(match Header::decode(&bytes, key, end) {
        Some(Header::Seal(seal)) => Some((seal, end)),
        _ => None,
    })
}

impl<F: DiskFile> Known<F> {
    fn of_scan(
        file: Arc<F>,
        key: SegmentKey,
        head: Option<SegmentHead>,
        size: u64,
        mut scan: Scan,
        checkpointed: u64,
    ) -> Self {
        let first = scan.records.first().map(|record| record.header.seq);
        let first_seq = head.map(|head| head.first_seq).or(first).unwrap_or_default();
        let used_seq = scan.records.last().map_or(first_seq, |record| record.header.seq + 1);
        let torn = if scan.seal.is_some() { Vec::new() } else { cut_torn(&mut scan, used_seq, checkpointed) };
        let last = scan.records.last().map(|record| record.header.seq + 1);
        let next_seq = scan.seal.map(|seal| seal.next_seq).or(last).unwrap_or(first_seq);
        let items = scan.records.iter().map(|record| record.header.items).sum();
        let bytes = scan.records.iter().map(Scanned::bytes).sum();
        Self { file, key, first_seq, next_seq, end: scan.end, size, items, bytes, torn, scan: Some(scan) }
    }

    fn seqs(&self) -> Range<u64> {
        self.first_seq..self.next_seq
    }

    /// The records, read through if that has not been done.
    fn scan(&mut self) -> Result<&Scan, OpenError> {
        let scan = match self.scan.take() {
            Some(scan) => scan,
            None => {
                let failed = |source| OpenError::Read { file: file_name(self.key.segment), source };
                scan(&*self.file, self.key).map_err(failed)?
            }
        };
        Ok(self.scan.insert(scan))
    }
}

/// Takes those records away of the last write that are not whole, and returns which are missing of it.
fn cut_torn(scan: &mut Scan, used_seq: u64, checkpointed: u64) -> Vec<Range<u64>> {
    let first_of_write =
        |record: &Scanned| record.header.seq.saturating_sub(u64::from(record.header.position));
    let Some(last_write) = scan.records.iter().map(first_of_write).max() else { return Vec::new() };
    let last_write = last_write.max(checkpointed);
    let is_whole = |record: &Scanned| record.is_whole || record.header.seq < last_write;
    let whole = Settled::new(0, scan.records.iter().filter(|record| is_whole(record)).map(Scanned::seqs));
    let end_of = |record: &Scanned| record.offset + record.header.size();
    scan.records.retain(is_whole);
    scan.end = scan.records.last().map_or(HEAD, end_of);
    if last_write < used_seq { whole.absent(last_write..used_seq) } else { Vec::new() }
}

/// Compares what is there with what should be.
fn account<F: DiskFile>(
    segments: &mut BTreeMap<u64, Known<F>>,
    checkpoint: Checkpoint,
    slots: Vec<Settlement>,
    report: &mut Recovered,
) -> Result<Index<F>, OpenError> {
    let Checkpoint { next_seq: checkpointed, mut account } = checkpoint;
    let used =
        |known: &Known<F>| known.torn.last().map_or(known.next_seq, |torn| torn.end.max(known.next_seq));
    let there = segments.values().map(used).fold(checkpointed, u64::max);
    let torn: Vec<Range<u64>> = segments.values().flat_map(|known| known.torn.clone()).collect();
    // What was accepted after the checkpoint is still there, or damaged: nothing is removed without one.
    let mut items = 0;
    for known in segments.values_mut().filter(|known| known.next_seq > checkpointed) {
        if known.first_seq >= checkpointed {
            items += known.items;
            continue;
        }
        let later = known.scan()?.records.iter().filter(|record| record.header.seq >= checkpointed);
        items += later.map(|record| record.header.items).sum::<u64>();
    }
    // Of what was taken away behind that, only what was settled has left a trace. Its numbers are not given again.
    let gone: Vec<_> = slots.iter().filter(|slot| slot.seqs().start >= there).cloned().collect();
    let next_seq = gone.iter().map(|slot| slot.seqs().end).fold(there, u64::max);
    let mut account_of_gone = Account::default();
    account_of_gone.settle(gone);
    items += Verdict::ALL.map(|verdict| account_of_gone.totals.settled(verdict).items).iter().sum::<u64>();
    let torn_requests: u64 = torn.iter().map(|torn| torn.end - torn.start).sum();
    account.totals.accept(next_seq - checkpointed - torn_requests, items);
    let disk_bytes = 2 * FILE_BYTES + segments.values().map(|known| known.size).sum::<u64>();
    let mut index = Index::new(Checkpoint { next_seq, account }, disk_bytes);
    for torn in torn {
        index.account.settled.insert(torn);
    }
    index.settle(slots);
    settle_damage(&mut index, segments, report)?;
    report.queued = index.account.totals.queued();
    index.queued_bytes = queued_bytes(&index, segments)?;
    for (id, known) in std::mem::take(segments) {
        let known = seal_again(known);
        let Known { file, key, first_seq, next_seq, end, size, items, .. } = known;
        index.segments.insert(id, Segment { file, key, first_seq, next_seq, end, size, items });
    }
    index.wanted = index.account.settled.floor();
    Ok(index)
}

/// Only segments of which a part is settled have to be read through for this.
fn queued_bytes<F: DiskFile>(
    index: &Index<F>,
    segments: &mut BTreeMap<u64, Known<F>>,
) -> Result<u64, OpenError> {
    let mut bytes = 0;
    for known in segments.values_mut() {
        let settled = index.account.settled.within(known.seqs());
        if settled == 0 {
            bytes += known.bytes;
        } else if settled < known.next_seq - known.first_seq {
            let settled = &index.account.settled;
            let queued = known.scan()?.records.iter().filter(|record| !settled.contains(record.header.seq));
            bytes += queued.map(Scanned::bytes).sum::<u64>();
        }
    }
    Ok(bytes)
}

/// Settles what is neither settled nor readable.
fn settle_damage<F: DiskFile>(
    index: &mut Index<F>,
    segments: &mut BTreeMap<u64, Known<F>>,
    report: &mut Recovered,
) -> Result<(), OpenError> {
    let mut corrupt = Vec::new();
    let mut there = Settled::default();
    for known in segments.values() {
        let Some(scan) = &known.scan else {
            there.insert(known.seqs());
            continue;
        };
        for record in &scan.records {
            let seqs = record.seqs();
            there.insert(seqs.clone());
            if !record.is_whole && !index.account.settled.contains(seqs.start) {
                let items = record.header.items;
                corrupt.push(Settlement::Requests { seqs, verdict: Verdict::Corrupt, items });
            }
        }
    }
    report.corrupt = index.give_up(corrupt);
    let settled = &index.account.settled;
    let missing = settled.absent(settled.floor()..index.next_seq);
    let missing: Vec<_> = missing.into_iter().flat_map(|range| there.absent(range)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // How many items are missing follows from what was accepted, settled, and is there.
    let mut queued = 0;
    for known in segments.values_mut() {
        for record in &known.scan()?.records {
            if !index.account.settled.contains(record.header.seq) {
                queued += record.header.items.saturating_sub(index.account.parts.items(&record.seqs()));
            }
        }
    }
    let left = index.account.totals.queued().items.saturating_sub(queued);
    report.lost = index.give_up(index.account.unnamed(Verdict::Lost, missing, left));
    Ok(())
}

/// Gives a segment that was read through a seal, so that this need not be done again. Where something is
/// wrong with it, it stays as it is.
fn seal_again<F: DiskFile>(mut known: Known<F>) -> Known<F> {
    let Some(scan) = &known.scan else { return known };
    let is_sound = scan.seal.is_none()
        && scan.head.is_some()
        && scan.damaged_bytes == 0
        && scan.records.len() as u64 == known.next_seq - known.first_seq;
    if is_sound {
        let seal = Seal { next_seq: known.next_seq, items: known.items, bytes: known.bytes };
        if write_seal(&*known.file, known.key, known.end, seal).is_ok() {
            known.size = known.end + RECORD_HEADER;
        }
    }
    known
}

/// A number that no other store has.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
