//! Reading requests in the order in which they came.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::account::Settlement;
use crate::disk::DiskFile;
use crate::error::ReadError;
use crate::format::{HEAD, Header, RECORD_HEADER, RecordHeader, STRIDE, SegmentKey};
use crate::index::{Noted, Segment, Shared};
use crate::segment::{file_name, scan};
use crate::totals::{Count, Verdict};

/// A request that waits to be settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number. Requests are numbered in the order in which they came.
    pub seq: u64,
    /// Items in it, those that are settled included.
    pub items: u64,
    /// The numbers of the items that are settled already, in order. The first of the request has the number 0.
    pub settled: Vec<Range<u64>>,
    /// When it was acknowledged, in milliseconds since 1970.
    pub accepted: u64,
    /// What was given to [`Append::context`](crate::Append::context).
    pub context: Bytes,
    /// What was given to [`Append::body`](crate::Append::body).
    pub body: Bytes,
}

/// What a request is settled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) seq: u64,
    pub(crate) items: u64,
    pub(crate) bytes: usize,
}

/// What there is to read.
#[derive(Debug)]
pub(crate) enum Next {
    Entry(Entry),
    /// Nothing at the moment.
    Nothing,
    /// A request turned out to have no item that is not settled. It is, which has to be written down.
    Settled,
    /// Requests turned out to be damaged. They are settled, which has to be written down.
    Damaged(Count),
}

/// Reads from the disk. There is one, and its calls block.
#[derive(Debug)]
pub(crate) struct Reader<F> {
    shared: Arc<Shared<F>>,
    place: Option<Place<F>>,
    chunk: Vec<u8>,
    /// Where the chunk begins in the file of `place`.
    chunk_start: u64,
}

/// Where the record with a sequence number stands.
#[derive(Debug)]
struct Place<F> {
    file: Arc<F>,
    key: SegmentKey,
    seq: u64,
    offset: u64,
    /// Where the last record ends.
    end: u64,
}

/// How much is read at a time, at least.
const CHUNK: usize = 256 * 1024;

impl Entry {
    /// Bytes of context and body.
    pub fn size(&self) -> usize {
        self.context.len() + self.body.len()
    }

    /// To [settle](crate::Store::settle) its items.
    pub fn receipt(&self) -> Receipt {
        Receipt { seq: self.seq, items: self.items, bytes: self.size() }
    }
}

impl<F: DiskFile> Shared<F> {
    /// The next request, if it is still in memory. Nothing inside when it has to be read from the disk.
    pub(crate) fn windowed(&self) -> Option<Next> {
        let mut index = self.index();
        if !index.returned.is_empty() {
            return None;
        }
        loop {
            let seq = index.account.settled.next_absent(index.wanted);
            if seq >= index.next_seq || index.is_exhausted() {
                return Some(Next::Nothing);
            }
            index.wanted = seq;
            let entry = index.window.pop_front()?;
            index.window_bytes -= entry.size();
            if entry.seq == seq {
                index.wanted = seq + 1;
                return Some(Next::Entry(entry));
            }
        }
    }
}

impl<F: DiskFile> Reader<F> {
    pub(crate) fn new(shared: Arc<Shared<F>>) -> Self {
        Self { shared, place: None, chunk: Vec::new(), chunk_start: 0 }
    }

    /// The next request that is not settled.
    pub(crate) fn next(&mut self) -> Result<Next, ReadError> {
        if let Some(next) = self.shared.windowed() {
            return Ok(next);
        }
        let seq = {
            let index = self.shared.index();
            index.returned.first().copied().unwrap_or(index.wanted)
        };
        match self.read(seq) {
            Ok(Some(mut entry)) => {
                let mut index = self.shared.index();
                index.returned.remove(&seq);
                index.wanted = index.wanted.max(seq + 1);
                if let Some(parts) = index.account.parts.of(seq) {
                    entry.settled = parts.all().collect();
                    // The process before died, or the power was cut, when the last of them were being noted.
                    if index.settle_items(entry.receipt(), &[]).0 == Noted::Whole {
                        return Ok(Next::Settled);
                    }
                }
                Ok(Next::Entry(entry))
            }
            Ok(None) => self.damaged(seq),
            Err((id, source)) => Err(ReadError { file: file_name(id), source }),
        }
    }

    /// The request with this number; nothing when it is damaged.
    fn read(&mut self, seq: u64) -> Result<Option<Entry>, (u64, io::Error)> {
        let Some(mut place) = self.place(seq) else { return Ok(None) };
        let failed = |source| (place.key.segment, source);
        loop {
            let bytes = self.get(&place, place.offset, RECORD_HEADER as usize).map_err(failed)?;
            let Some(Header::Record(header)) = Header::decode(bytes, place.key, place.offset) else {
                if place.offset >= place.end {
                    return Ok(None);
                }
                // Behind what is damaged, the next header that passes goes on.
                place.offset += STRIDE;
                continue;
            };
            if header.seq > seq {
                return Ok(None);
            }
            let start = place.offset + RECORD_HEADER;
            place.offset += header.size();
            place.seq = header.seq + 1;
            if header.seq < seq {
                continue;
            }
            let content = self.get(&place, start, header.content()).map_err(failed)?;
            let entry = header.matches(content).then(|| Entry::of(&header, content));
            self.place = Some(place);
            return Ok(entry);
        }
    }

    /// Where to begin to look for it.
    fn place(&mut self, seq: u64) -> Option<Place<F>> {
        let index = self.shared.index();
        let (id, segment) = index
            .segments
            .iter()
            .find(|(_, segment)| (segment.first_seq..segment.next_seq).contains(&seq))?;
        let known = self.place.take().filter(|place| place.key.segment == *id && place.seq <= seq);
        if known.is_none() {
            self.chunk.clear();
        }
        let start = || {
            let Segment { file, key, first_seq, .. } = segment;
            Place { file: file.clone(), key: *key, seq: *first_seq, offset: HEAD, end: 0 }
        };
        Some(Place { end: segment.end, ..known.unwrap_or_else(start) })
    }

    /// Never reads behind the last record: what stands there is still going to change.
    fn get(&mut self, place: &Place<F>, offset: u64, length: usize) -> io::Result<&[u8]> {
        let end = (offset + length as u64).min(place.end);
        if offset < self.chunk_start || end > self.chunk_start + self.chunk.len() as u64 {
            let rest = place.end.saturating_sub(offset);
            self.chunk.resize(rest.min(length.max(CHUNK) as u64) as usize, 0);
            let read = place.file.read_at(&mut self.chunk, offset);
            self.chunk.truncate(read.as_ref().copied().unwrap_or_default());
            self.chunk_start = offset;
            read?;
        }
        let from = (offset - self.chunk_start) as usize;
        Ok(&self.chunk[from.min(self.chunk.len())..(from + length).min(self.chunk.len())])
    }

    /// Finds out what of the segment of a damaged request is damaged, and gives it up.
    fn damaged(&mut self, seq: u64) -> Result<Next, ReadError> {
        let segment = {
            let index = self.shared.index();
            let found =
                index.segments.values().find(|segment| (segment.first_seq..segment.next_seq).contains(&seq));
            found.map(|segment| {
                (segment.file.clone(), segment.key, segment.first_seq..segment.next_seq, segment.items)
            })
        };
        self.place = None;
        self.chunk.clear();
        self.shared.index().returned.remove(&seq);
        let Some((file, key, seqs, mut items)) = segment else {
            let lost = Settlement::Requests { seqs: seq..seq + 1, verdict: Verdict::Lost, items: 0 };
            return Ok(Next::Damaged(self.shared.index().give_up(vec![lost])));
        };
        let scan = scan(&*file, key).map_err(|source| ReadError { file: file_name(key.segment), source })?;
        let mut damage = Vec::new();
        // Those whose header is damaged: how many items they had is known of all together.
        let mut unnamed = Vec::new();
        let mut expected = seqs.start;
        for record in &scan.records {
            let header = record.header;
            if header.seq > expected {
                unnamed.push(expected..header.seq);
            }
            // What reads well now, and did not before, is on a disk that is not to be trusted with it.
            if !record.is_whole || header.seq == seq {
                let (seqs, items) = (record.seqs(), header.items);
                damage.push(Settlement::Requests { seqs, verdict: Verdict::Corrupt, items });
            }
            items = items.saturating_sub(header.items);
            expected = header.seq + 1;
        }
        if expected < seqs.end {
            unnamed.push(expected..seqs.end);
        }
        let mut index = self.shared.index();
        let account = &index.account;
        let absent = |seqs| account.settled.absent(seqs);
        let unnamed: Vec<_> = unnamed.into_iter().flat_map(absent).collect();
        let left = items.saturating_sub(unnamed.iter().map(|seqs| account.parts.items(seqs)).sum());
        damage.extend(account.unnamed(Verdict::Corrupt, unnamed, left));
        Ok(Next::Damaged(index.give_up(damage)))
    }
}

impl Entry {
    fn of(header: &RecordHeader, content: &[u8]) -> Self {
        let content = Bytes::copy_from_slice(content);
        let (seq, items, accepted) = (header.seq, header.items, header.accepted);
        let context = content.slice(..header.context as usize);
        Self {
            seq,
            items,
            settled: Vec::new(),
            accepted,
            context,
            body: content.slice(header.context as usize..),
        }
    }
}
