//! Reading a segment through.

use std::io;
use std::ops::Range;

use crate::disk::DiskFile;
use crate::format::{HEAD, Header, RECORD_HEADER, RecordHeader, STRIDE, Seal, SegmentHead, SegmentKey};

/// Name of the file of a segment.
pub(crate) fn file_name(id: u64) -> String {
    format!("{id:016x}.segment")
}

/// The id of a segment, by the name of its file.
pub(crate) fn id_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".segment").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// A segment that has been read through.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Nothing when it is damaged.
    pub(crate) head: Option<SegmentHead>,
    /// The records whose header passes, by growing sequence number.
    pub(crate) records: Vec<Scanned>,
    /// Nothing when it was not sealed, or the seal is damaged.
    pub(crate) seal: Option<Seal>,
    /// Where the last record ends.
    pub(crate) end: u64,
    /// Bytes in places that are damaged, before the last record.
    pub(crate) damaged_bytes: u64,
    /// Bytes behind the last record that are not zero: what was torn while it was written, or damaged.
    pub(crate) torn_bytes: u64,
}

/// A record of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanned {
    pub(crate) header: RecordHeader,
    pub(crate) offset: u64,
    /// Whether its content is what was written.
    pub(crate) is_whole: bool,
}

impl Scanned {
    pub(crate) fn seqs(&self) -> Range<u64> {
        self.header.seq..self.header.seq + 1
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.header.content() as u64
    }
}

/// How much is read at a time.
const CHUNK: usize = 1024 * 1024;

/// Reads the segment with the given key through, and finds all records that there are, whatever is between them.
pub(crate) fn scan<F: DiskFile>(file: &F, key: SegmentKey) -> io::Result<Scan> {
    let mut window = Window { file, start: 0, bytes: Vec::new() };
    let size = file.size()?;
    let head = SegmentHead::decode(window.get(0, HEAD as usize)?);
    let mut scan = Scan { head, end: HEAD, ..Scan::default() };
    let mut offset = HEAD;
    let mut damaged = 0;
    while offset + RECORD_HEADER <= size {
        match Header::decode(window.get(offset, RECORD_HEADER as usize)?, key, offset) {
            // A record of an attempt that failed may stand behind the last one that counts.
            Some(Header::Record(header))
                if scan.records.last().is_none_or(|last| last.header.seq < header.seq)
                    && offset + header.size() <= size.next_multiple_of(STRIDE) =>
            {
                let content = window.get(offset + RECORD_HEADER, header.content())?;
                scan.records.push(Scanned { header, offset, is_whole: header.matches(content) });
                offset += header.size();
                scan.end = offset;
                scan.damaged_bytes += std::mem::take(&mut damaged);
            }
            Some(Header::Seal(seal)) => {
                scan.seal = Some(seal);
                scan.damaged_bytes += std::mem::take(&mut damaged);
                break;
            }
            _ => {
                // Zeros that were allocated and never written are no damage, and there are many of them.
                let rest = window.rest(offset);
                let zeros = leading_zeros(rest);
                if zeros == 0 {
                    let block = &rest[..rest.len().min(STRIDE as usize)];
                    damaged += block.iter().filter(|byte| **byte != 0).count() as u64;
                }
                offset += zeros.max(STRIDE);
            }
        }
    }
    scan.torn_bytes = damaged;
    Ok(scan)
}

/// How many bytes of blocks at the start have nothing in them.
fn leading_zeros(bytes: &[u8]) -> u64 {
    let (blocks, _) = bytes.as_chunks::<{ STRIDE as usize }>();
    blocks.iter().take_while(|block| u128::from_ne_bytes(**block) == 0).count() as u64 * STRIDE
}

/// A part of a file in memory, which moves forward.
struct Window<'a, F> {
    file: &'a F,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: DiskFile> Window<'_, F> {
    /// The bytes from `offset` on, fewer at the end of the file.
    fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let end = offset + length as u64;
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            self.bytes.resize(length.max(CHUNK), 0);
            let read = self.file.read_at(&mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        let from = (offset - self.start) as usize;
        Ok(&self.bytes[from.min(self.bytes.len())..(from + length).min(self.bytes.len())])
    }

    /// What is in memory from `offset` on, behind what was just asked for.
    fn rest(&self, offset: u64) -> &[u8] {
        self.bytes.get((offset - self.start) as usize..).unwrap_or_default()
    }
}
