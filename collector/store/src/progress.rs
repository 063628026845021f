//! The two progress files: what is settled, as a checkpoint and slots that follow it.

use std::io;

use crate::account::{Account, Settlement};
use crate::disk::{Disk, DiskFile};
use crate::error::OpenError;
use crate::format::{ANY_VERSION, HEAD, get_u32, get_u64, put_u32, put_u64, seeded};
use crate::parts::{PARTS_MAX, Parts};
use crate::settled::Settled;
use crate::totals::{Count, Totals, Verdict};

/// Names of the two files.
pub(crate) const FILES: [&str; 2] = ["progress.a", "progress.b"];
/// Bytes of each of the two files.
pub(crate) const FILE_BYTES: u64 = 1024 * 1024;
/// Ranges above the floor that a checkpoint has room for.
pub(crate) const RANGES_MAX: usize = 5000;

const MAGIC: &[u8; 8] = b"ETLNPRG1";
const COPIES: [u64; 2] = [0, 128 * 1024];
const SLOTS: u64 = 256 * 1024;
const SLOT: u64 = 32;
/// Settlements that a file has room for.
pub(crate) const SLOTS_MAX: u64 = (FILE_BYTES - SLOTS) / SLOT;

/// Kinds of slots.
const REQUESTS: u8 = 0;
const ITEMS: u8 = 1;

// Both copies have room in front of what follows them.
const _: () = assert!(HEAD as usize + 136 + 16 * RANGES_MAX + 24 * PARTS_MAX <= 128 * 1024);

/// What is known of all requests, but not which are where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Of the next request.
    pub(crate) next_seq: u64,
    /// Of those before it, and what was settled.
    pub(crate) account: Account,
}

/// The files, while the store is open.
#[derive(Debug)]
pub(crate) struct Progress<F> {
    store: u64,
    files: [F; 2],
    /// Which of them is in use.
    current: usize,
    generation: u64,
    /// The highest generation that was ever tried.
    highest: u64,
    next_slot: u64,
    /// Whether something was written since the last sync.
    unsynced: bool,
}

/// What the files said when the store was opened.
#[derive(Debug)]
pub(crate) struct Found<F> {
    files: [F; 2],
    /// Nothing when neither of them can be used.
    pub(crate) valid: Option<Valid>,
}

/// What a file said.
#[derive(Debug)]
pub(crate) struct Valid {
    pub(crate) store: u64,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) slots: Vec<Settlement>,
    current: usize,
    generation: u64,
}

impl<F: DiskFile> Progress<F> {
    /// Starts with a new checkpoint in the file that was not in use.
    pub(crate) fn begin(found: Found<F>, store: u64, checkpoint: &Checkpoint) -> io::Result<Self> {
        let (current, generation) = found.valid.map_or((1, 0), |valid| (valid.current, valid.generation));
        let mut progress = Self {
            store,
            files: found.files,
            current,
            generation,
            highest: generation,
            next_slot: 0,
            unsynced: false,
        };
        progress.checkpoint(checkpoint)?;
        Ok(progress)
    }

    /// Writes a checkpoint into the other file, syncs it, and goes on there. After an error, the file of before is
    /// still in use.
    pub(crate) fn checkpoint(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        let other = 1 - self.current;
        // Each attempt has a generation of its own, so that two of them cannot be mixed up.
        self.highest += 1;
        let bytes = encode(self.store, self.highest, checkpoint);
        for copy in COPIES {
            self.files[other].write_at(&bytes, copy)?;
        }
        self.files[other].sync()?;
        (self.current, self.generation, self.next_slot, self.unsynced) = (other, self.highest, 0, false);
        Ok(())
    }

    /// Whether so many settlements have room before the next checkpoint.
    pub(crate) fn has_room(&self, settlements: usize) -> bool {
        self.next_slot + settlements as u64 <= SLOTS_MAX
    }

    /// Writes settlements, for which there is room. They are certain after the next [`sync`](Self::sync).
    pub(crate) fn settle(&mut self, settlements: &[Settlement]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(settlements.len() * SLOT as usize);
        for (slot, settlement) in (self.next_slot..).zip(settlements) {
            bytes.extend(settlement.encode(self.store, self.generation, slot));
        }
        self.unsynced = true;
        self.files[self.current].write_at(&bytes, SLOTS + self.next_slot * SLOT)?;
        self.next_slot += settlements.len() as u64;
        Ok(())
    }

    /// Makes what was written certain.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.files[self.current].sync()?;
            self.unsynced = false;
        }
        Ok(())
    }
}

impl<F: DiskFile> Found<F> {
    /// Reads the files; makes them where they are not there.
    pub(crate) fn open<D: Disk<File = F>>(disk: &D, names: &[String]) -> Result<Self, OpenError> {
        let valid = Self::read(disk, names)?;
        let open = |name: &str| {
            if is_there(names, name) {
                disk.open(name).map_err(|source| OpenError::Read { file: name.to_owned(), source })
            } else {
                let created = disk.create(name, FILE_BYTES);
                created.map_err(|source| OpenError::Write { file: name.to_owned(), source })
            }
        };
        Ok(Self { files: [open(FILES[0])?, open(FILES[1])?], valid })
    }

    /// Reads the files that are there.
    pub(crate) fn read<D: Disk<File = F>>(disk: &D, names: &[String]) -> Result<Option<Valid>, OpenError> {
        let mut valid: Option<Valid> = None;
        for (current, name) in FILES.into_iter().enumerate().filter(|(_, name)| is_there(names, name)) {
            let failed = |source| OpenError::Read { file: name.to_owned(), source };
            let file = disk.open(name).map_err(failed)?;
            let mut bytes = vec![0; FILE_BYTES as usize];
            let read = file.read_at(&mut bytes, 0).map_err(failed)?;
            bytes.truncate(read);
            check_version(name, &bytes)?;
            let read = COPIES.iter().filter_map(|copy| decode(&bytes, *copy as usize, current));
            let Some(mut read) = read.max_by_key(|valid| valid.generation) else { continue };
            if valid.as_ref().is_none_or(|valid| valid.generation < read.generation) {
                read.slots = slots(&bytes, read.store, read.generation);
                valid = Some(read);
            }
        }
        Ok(valid)
    }
}

fn is_there(names: &[String], name: &str) -> bool {
    names.iter().any(|there| there == name)
}

/// Refuses what another version has written.
fn check_version(name: &str, bytes: &[u8]) -> Result<(), OpenError> {
    for copy in COPIES {
        let magic = bytes.get(copy as usize..copy as usize + 8).unwrap_or_default();
        if magic.starts_with(ANY_VERSION) && magic[..7] == MAGIC[..7] && magic != MAGIC {
            let version = String::from_utf8_lossy(magic).into_owned();
            return Err(OpenError::Version { file: name.to_owned(), version });
        }
    }
    Ok(())
}

impl Settlement {
    pub(crate) fn encode(&self, store: u64, generation: u64, slot: u64) -> [u8; SLOT as usize] {
        let mut bytes = [0; SLOT as usize];
        let (verdict, kind, numbers) = match self {
            Self::Requests { seqs, verdict, items } => (verdict, REQUESTS, [seqs.start, seqs.end, *items]),
            Self::Items { seq, verdict, items } => (verdict, ITEMS, [*seq, items.start, items.end]),
        };
        (bytes[4], bytes[5]) = (*verdict as u8, kind);
        for (at, number) in [8, 16, 24].into_iter().zip(numbers) {
            put_u64(&mut bytes, at, number);
        }
        let checksum = seeded(&[store, generation, slot], &bytes[4..]);
        put_u32(&mut bytes, 0, checksum);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], store: u64, generation: u64, slot: u64) -> Option<Self> {
        if get_u32(bytes, 0) != seeded(&[store, generation, slot], &bytes[4..]) {
            return None;
        }
        let verdict = Verdict::ALL.into_iter().find(|verdict| *verdict as u8 == bytes[4])?;
        let [a, b, c] = [8, 16, 24].map(|at| get_u64(bytes, at));
        match bytes[5] {
            REQUESTS => Some(Self::Requests { seqs: a..b, verdict, items: c }),
            ITEMS => Some(Self::Items { seq: a, verdict, items: b..c }),
            _ => None,
        }
    }
}

/// Head and checkpoint.
fn encode(store: u64, generation: u64, checkpoint: &Checkpoint) -> Vec<u8> {
    let Checkpoint { next_seq, account: Account { totals, settled, parts } } = checkpoint;
    let Totals { accepted, settled: verdicts } = totals;
    let mut body = Vec::new();
    let mut put = |value: u64| body.extend(value.to_le_bytes());
    put(*next_seq);
    for count in [accepted].into_iter().chain(verdicts) {
        put(count.requests);
        put(count.items);
    }
    put(settled.floor());
    let ranges: Vec<_> = settled.ranges().take(RANGES_MAX).collect();
    body.extend((ranges.len() as u32).to_le_bytes());
    for range in ranges {
        body.extend(range.start.to_le_bytes());
        body.extend(range.end.to_le_bytes());
    }
    let parts: Vec<_> = parts.iter().take(PARTS_MAX).collect();
    body.extend((parts.len() as u32).to_le_bytes());
    for (seq, items) in parts {
        for number in [seq, items.start, items.end] {
            body.extend(number.to_le_bytes());
        }
    }
    let mut bytes = vec![0; HEAD as usize];
    bytes[..8].copy_from_slice(MAGIC);
    put_u64(&mut bytes, 8, store);
    put_u64(&mut bytes, 16, generation);
    put_u32(&mut bytes, 24, body.len() as u32);
    put_u32(&mut bytes, 28, seeded(&[store, generation], &body));
    let checksum = crc32c::crc32c(&bytes[..60]);
    put_u32(&mut bytes, 60, checksum);
    bytes.extend(body);
    bytes
}

/// What the file says whose copy of head and checkpoint is at `copy`.
fn decode(file: &[u8], copy: usize, current: usize) -> Option<Valid> {
    let head = file.get(copy..copy + HEAD as usize)?;
    if head[..8] != *MAGIC || get_u32(head, 60) != crc32c::crc32c(&head[..60]) {
        return None;
    }
    let (store, generation) = (get_u64(head, 8), get_u64(head, 16));
    let start = copy + HEAD as usize;
    let body = file.get(start..start.checked_add(get_u32(head, 24) as usize)?)?;
    if get_u32(head, 28) != seeded(&[store, generation], body) {
        return None;
    }
    let count = |at: usize| Count { requests: get_u64(body, at), items: get_u64(body, at + 8) };
    let verdicts = std::array::from_fn(|verdict| count(24 + 16 * verdict));
    let at = 24 + 16 * Verdict::ALL.len();
    let (floor, ranges_count) = (get_u64(body, at), get_u32(body, at + 8) as usize);
    let at = at + 12;
    let ranges = (0..ranges_count).map(|range| at + 16 * range);
    let ranges = ranges.map(|at| get_u64(body, at)..get_u64(body, at + 8));
    let settled = Settled::new(floor, ranges);
    let at = at + 16 * ranges_count;
    let mut parts = Parts::default();
    for at in (0..get_u32(body, at) as usize).map(|part| at + 4 + 24 * part) {
        parts.insert(get_u64(body, at), get_u64(body, at + 8)..get_u64(body, at + 16));
    }
    let totals = Totals { accepted: count(8), settled: verdicts };
    let checkpoint = Checkpoint { next_seq: get_u64(body, 0), account: Account { totals, settled, parts } };
    Some(Valid { store, checkpoint, slots: Vec::new(), current, generation })
}

fn slots(file: &[u8], store: u64, generation: u64) -> Vec<Settlement> {
    let slots = file.get(SLOTS as usize..).unwrap_or_default().chunks_exact(SLOT as usize);
    let written = (0..).zip(slots).filter(|(_, bytes)| **bytes != [0; SLOT as usize]);
    written.filter_map(|(slot, bytes)| Settlement::decode(bytes, store, generation, slot)).collect()
}
