//! What is written to the disk, and when.

use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;

use crate::account::Settlement;
use crate::disk::{Disk, DiskFile};
use crate::error::AppendError;
use crate::format::{HEAD, RECORD_HEADER, RecordHeader, SegmentHead, SegmentKey};
use crate::format::{STRIDE, content_checksum, record_size};
use crate::index::{Segment, Shared};
use crate::progress::Progress;
use crate::reader::Entry;
use crate::store::Claim;
use crate::totals::Verdict;
use crate::upkeep::Upkeep;

/// How large things become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of all files together, allocated ones included.
    pub bytes: u64,
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// Bytes of requests that are kept in memory between [`append`](crate::Store::append) and
    /// [`next`](crate::Requests::next), so that they need not be read.
    pub window_bytes: usize,
}

/// A request on its way to the disk.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) items: u64,
    /// Milliseconds since 1970.
    pub(crate) accepted: u64,
    pub(crate) context: Bytes,
    pub(crate) body: Bytes,
    pub(crate) claim: Claim,
}

/// The writer. There is one, and its calls block.
#[derive(Debug)]
pub(crate) struct Log<D: Disk> {
    pub(crate) disk: D,
    pub(crate) limits: Limits,
    pub(crate) store: u64,
    pub(crate) shared: Arc<Shared<D::File>>,
    pub(crate) progress: Progress<D::File>,
    /// The segment that takes new records.
    pub(crate) active: Option<Active<D::File>>,
    pub(crate) upkeep: Upkeep<D::File>,
    pub(crate) next_segment: u64,
    pub(crate) next_seq: u64,
    /// The file of the lock.
    pub(crate) _lock: D::File,
}

/// A segment that has no seal yet.
#[derive(Debug)]
pub(crate) struct Active<F> {
    pub(crate) id: u64,
    pub(crate) file: Arc<F>,
    pub(crate) end: u64,
    /// Room for records and a seal.
    pub(crate) size: u64,
    /// Of the request that follows its last record.
    pub(crate) next_seq: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    /// Whether something was appended since the last tick.
    pub(crate) is_fresh: bool,
}

/// Records that are written together.
#[derive(Debug, Default)]
struct Group {
    /// With their headers and what fills them up.
    size: u64,
    headers: Vec<[u8; RECORD_HEADER as usize]>,
    entries: Vec<Entry>,
    claims: Vec<Claim>,
}

impl Group {
    /// What is written. The requests are not copied for it.
    fn slices(&self) -> Vec<IoSlice<'_>> {
        let mut slices = Vec::with_capacity(4 * self.entries.len());
        for (header, Entry { context, body, .. }) in self.headers.iter().zip(&self.entries) {
            let size = record_size((context.len() + body.len()) as u64);
            let filling = size - RECORD_HEADER - (context.len() + body.len()) as u64;
            slices.extend(
                [&header[..], context, body, &[0; STRIDE as usize][..filling as usize]].map(IoSlice::new),
            );
        }
        slices
    }
}

impl Limits {
    /// Those of a directory that may have so many bytes.
    pub fn of(bytes: u64) -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { bytes, segment_bytes: (bytes / 16).clamp(MIB, 64 * MIB), window_bytes: 16 * 1024 * 1024 }
    }
}

impl<D: Disk> Log<D> {
    /// Writes the records, together where they fit, and returns when they are on stable storage. Their sequence
    /// numbers, or why they were not taken.
    pub(crate) fn append(&mut self, records: Vec<Record>) -> Vec<Result<u64, AppendError>> {
        let mut results = Vec::with_capacity(records.len());
        let mut group = Group::default();
        for record in records {
            let size = record_size((record.context.len() + record.body.len()) as u64);
            if let Err(error) = self.check_size(size) {
                results.extend(self.write(&mut group));
                results.push(Err(error));
                continue;
            }
            if !self.has_room(group.size + size) {
                results.extend(self.write(&mut group));
                if let Err(error) = self.roll(size) {
                    results.push(Err(error));
                    continue;
                }
            }
            self.encode(record, &mut group);
        }
        results.extend(self.write(&mut group));
        results
    }

    /// Writes down what is settled.
    pub(crate) fn note(&mut self) {
        let settlements = self.shared.index().take_unwritten();
        if settlements.is_empty() {
            return;
        }
        let is_noted = !self.upkeep.checkpoint
            && self.progress.has_room(settlements.len())
            && self.progress.settle(&settlements).is_ok();
        if !is_noted {
            self.upkeep.checkpoint = true;
            self.checkpoint().ok();
        }
        self.upkeep.reclaim = true;
    }

    fn check_size(&self, size: u64) -> Result<(), AppendError> {
        let limit = self.limits.bytes.saturating_sub(2 * crate::progress::FILE_BYTES + HEAD + RECORD_HEADER);
        let limit = limit.min(u64::from(u32::MAX));
        if size > limit { Err(AppendError::TooLarge { size, limit }) } else { Ok(()) }
    }

    fn has_room(&self, bytes: u64) -> bool {
        self.active.as_ref().is_some_and(|active| active.end + bytes + RECORD_HEADER <= active.size)
    }

    fn encode(&self, record: Record, group: &mut Group) {
        let Some(active) = &self.active else { return };
        let Record { items, accepted, context, body, claim } = record;
        let seq = self.next_seq + group.entries.len() as u64;
        let offset = active.end + group.size;
        let key = SegmentKey { store: self.store, segment: active.id };
        let header = RecordHeader {
            seq,
            items,
            context: context.len() as u32,
            body: body.len() as u32,
            accepted,
            checksum: content_checksum(seq, &[&context, &body]),
            position: group.entries.len() as u32,
        };
        group.size += header.size();
        group.headers.push(header.encode(key, offset));
        group.claims.push(claim);
        group.entries.push(Entry { seq, items, settled: Vec::new(), accepted, context, body });
    }

    /// Writes a group, and empties it.
    fn write(&mut self, group: &mut Group) -> Vec<Result<u64, AppendError>> {
        let group = std::mem::take(group);
        let Some(active) = self.active.as_mut().filter(|_| group.size > 0) else { return Vec::new() };
        let written = active.file.write_slices_at(&mut group.slices(), active.end);
        let written = written.map_err(|error| AppendError::Write(error.into()));
        let Group { size, entries, claims, .. } = group;
        let synced =
            written.and_then(|()| active.file.sync().map_err(|error| AppendError::Sync(error.into())));
        let first = self.next_seq;
        self.next_seq += entries.len() as u64;
        let results = entries.iter().map(|entry| synced.clone().map(|()| entry.seq)).collect();
        if synced.is_ok() {
            active.end += size;
            active.next_seq = self.next_seq;
            active.is_fresh = true;
            active.items += entries.iter().map(|entry| entry.items).sum::<u64>();
            active.bytes += entries.iter().map(|entry| entry.size() as u64).sum::<u64>();
            let (id, end) = (active.id, active.end);
            self.commit(id, end, entries, claims);
        } else {
            self.withdraw(first, &entries);
        }
        results
    }

    fn commit(&mut self, id: u64, end: u64, entries: Vec<Entry>, claims: Vec<Claim>) {
        let mut index = self.shared.index();
        index.next_seq = self.next_seq;
        if let Some(segment) = index.segments.get_mut(&id) {
            (segment.end, segment.next_seq) = (end, self.next_seq);
            segment.items += entries.iter().map(|entry| entry.items).sum::<u64>();
        }
        for entry in entries {
            index.account.totals.accept(1, entry.items);
            index.queued_bytes += entry.size() as u64;
            let expected = index.window.back().map_or(index.wanted, |last| last.seq + 1);
            if entry.seq == expected && index.window_bytes + entry.size() <= self.limits.window_bytes {
                index.window_bytes += entry.size();
                index.window.push_back(entry);
            }
        }
        drop(claims);
        drop(index);
        self.shared.readable.notify_one();
    }

    /// The requests of a group that may be on the disk or not will never be read from it, and the segment gets no more.
    fn withdraw(&mut self, first: u64, entries: &[Entry]) {
        let items = entries.iter().map(|entry| entry.items).sum();
        {
            let mut index = self.shared.index();
            index.account.totals.accept(entries.len() as u64, items);
            let seqs = first..self.next_seq;
            index.settle(vec![Settlement::Requests { seqs, verdict: Verdict::Withdrawn, items }]);
            index.next_seq = self.next_seq;
        }
        self.active = None;
        self.upkeep.checkpoint = true;
        self.checkpoint().ok();
        self.upkeep.reclaim = true;
    }

    /// Begins a new segment, in which at least one record of so many bytes has room.
    fn roll(&mut self, record: u64) -> Result<(), AppendError> {
        self.upkeep.full.extend(self.active.take());
        let size = self.limits.segment_bytes.max(HEAD + record + RECORD_HEADER);
        let create = |error: io::Error| AppendError::Create(error.into());
        let (id, file) = match self.take_spare(size) {
            Some(spare) => spare,
            None => {
                // Upkeep gives space back.
                while !self.has_space(size) && self.upkeep() {}
                if !self.has_space(size) {
                    return Err(AppendError::Full { limit: self.limits.bytes });
                }
                self.create(size).map_err(create)?
            }
        };
        let key = SegmentKey { store: self.store, segment: id };
        let head = SegmentHead { key, first_seq: self.next_seq };
        if let Err(error) = file.write_at(&head.encode(), 0) {
            self.discard(id, size);
            return Err(create(error));
        }
        let (first_seq, next_seq) = (self.next_seq, self.next_seq);
        let segment = Segment { file: file.clone(), key, first_seq, next_seq, end: HEAD, size, items: 0 };
        self.shared.index().segments.insert(id, segment);
        self.active =
            Some(Active { id, file, end: HEAD, size, next_seq, items: 0, bytes: 0, is_fresh: true });
        Ok(())
    }

    pub(crate) fn checkpoint(&mut self) -> io::Result<()> {
        let checkpoint = self.shared.index().checkpoint();
        let made = self.progress.checkpoint(&checkpoint);
        self.upkeep.checkpoint = made.is_err();
        made
    }
}
