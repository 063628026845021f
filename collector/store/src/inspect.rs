//! What a directory holds, for people. Nothing is changed; the lock is tried, and given back at once.

use std::io;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::disk::{Disk, DiskFile, LOCK};
use crate::error::OpenError;
use crate::format::{HEAD, SegmentHead, SegmentKey};
use crate::progress::{FILES, Found};
use crate::segment::{id_of, scan};
use crate::totals::{Count, Totals};

/// The directories below `path` that are each of one store, by name; or `path` itself, when it is one.
///
/// # Errors
/// When it cannot be listed.
pub fn directories(path: &Path) -> io::Result<Vec<PathBuf>> {
    let is_store = |path: &Path| path.join(FILES[0]).exists();
    if is_store(path) {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut found: Vec<PathBuf> = entries.collect::<io::Result<Vec<_>>>()?;
    found.retain(|path| is_store(path));
    found.sort();
    Ok(found)
}

/// What a directory holds.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// What was ever accepted and settled, when the last checkpoint was made; nothing when that cannot be read.
    pub checkpoint: Option<Totals>,
    /// By the names of their files.
    pub segments: Vec<SegmentInspection>,
    /// Whether a process has the directory at the moment.
    pub in_use: bool,
}

/// What a segment holds.
#[derive(Clone, Debug, Default)]
pub struct SegmentInspection {
    /// Name of its file.
    pub file: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Whether it takes no more requests.
    pub is_sealed: bool,
    /// Requests in it.
    pub requests: u64,
    /// Items in them.
    pub items: u64,
    /// Of the requests, those that are not settled.
    pub queued_requests: u64,
    /// Their items that are not settled.
    pub queued_items: u64,
    /// The oldest of them, in milliseconds since 1970.
    pub oldest: Option<u64>,
    /// Requests that are damaged.
    pub damaged_requests: u64,
    /// Bytes behind the last request that make no sense.
    pub torn_bytes: u64,
}

impl Inspection {
    /// What waits in all segments.
    pub fn waiting(&self) -> Count {
        self.segments.iter().fold(Count::default(), |sum, segment| Count {
            requests: sum.requests + segment.queued_requests,
            items: sum.items + segment.queued_items,
        })
    }
}

/// Reads a directory through. A process that uses it is not disturbed; what it does meanwhile may be missing.
///
/// # Errors
/// When a file cannot be read, or is of another version.
pub fn inspect<D: Disk>(disk: &D) -> Result<Inspection, OpenError> {
    let names = disk.list().map_err(OpenError::List)?;
    let valid = Found::read(disk, &names)?;
    let mut account = Account::default();
    let mut inspection = Inspection::default();
    if let Some(valid) = &valid {
        account = valid.checkpoint.account.clone();
        inspection.checkpoint = Some(account.totals.clone());
        account.settle(valid.slots.clone());
    }
    let mut segments: Vec<&String> = names.iter().filter(|name| id_of(name).is_some()).collect();
    segments.sort();
    for name in segments {
        inspection.segments.push(inspect_segment(
            disk,
            name,
            valid.as_ref().map(|valid| valid.store),
            &account,
        )?);
    }
    // To look at a lock that is not there would make it.
    let is_locked = || matches!(disk.lock(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
    inspection.in_use = names.iter().any(|name| name == LOCK) && is_locked();
    Ok(inspection)
}

fn inspect_segment<D: Disk>(
    disk: &D,
    name: &str,
    store: Option<u64>,
    account: &Account,
) -> Result<SegmentInspection, OpenError> {
    let failed = |source| OpenError::Read { file: name.to_owned(), source };
    let file = disk.open(name).map_err(failed)?;
    let mut head = [0; HEAD as usize];
    file.read_at(&mut head, 0).map_err(failed)?;
    if SegmentHead::is_other_version(&head) {
        let version = String::from_utf8_lossy(&head[..8]).into_owned();
        return Err(OpenError::Version { file: name.to_owned(), version });
    }
    let head = SegmentHead::decode(&head);
    let store = store.or(head.map(|head| head.key.store)).unwrap_or_default();
    let key = SegmentKey { store, segment: id_of(name).unwrap_or_default() };
    let scan = scan(&file, key).map_err(failed)?;
    let mut found = SegmentInspection {
        file: name.to_owned(),
        bytes: file.size().map_err(failed)?,
        is_sealed: scan.seal.is_some(),
        torn_bytes: scan.torn_bytes,
        ..SegmentInspection::default()
    };
    for record in &scan.records {
        found.requests += 1;
        found.items += record.header.items;
        if !record.is_whole {
            found.damaged_requests += 1;
        } else if !account.settled.contains(record.header.seq) {
            found.queued_requests += 1;
            let settled = account.parts.items(&record.seqs());
            found.queued_items += record.header.items.saturating_sub(settled);
            found.oldest = found.oldest.or(Some(record.header.accepted));
        }
    }
    let first = head.map(|head| head.first_seq).or(scan.records.first().map(|record| record.header.seq));
    let next =
        scan.seal.map(|seal| seal.next_seq).or(scan.records.last().map(|record| record.header.seq + 1));
    if let (Some(first), Some(next)) = (first, next) {
        found.damaged_requests += next.saturating_sub(first).saturating_sub(found.requests);
    }
    Ok(found)
}
