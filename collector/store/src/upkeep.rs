//! What need not be done before a sender is told OK: seals, space that is given back, the file of the next segment.
//!
//! Each of it takes the disk about as long as a request does. It is done in steps, between requests.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::format::{RECORD_HEADER, Seal, SegmentKey};
use crate::log::{Active, Log};
use crate::segment::file_name;

/// What is left to be done.
#[derive(Debug)]
pub(crate) struct Upkeep<F> {
    /// Whether something is settled that could not be written.
    pub(crate) checkpoint: bool,
    /// Whether there may be segments that nothing needs.
    pub(crate) reclaim: bool,
    /// Whether what is settled is to be made certain.
    sync: bool,
    /// Segments that nothing needs, as the progress file says.
    needless: VecDeque<u64>,
    /// Segments that take no more records, and have no seal.
    pub(crate) full: VecDeque<Active<F>>,
    /// The file of the next segment, which has nothing in it.
    spare: Option<Spare<F>>,
    /// Whether the disk would not make a spare file; it is not asked again before the next tick.
    spare_failed: bool,
}

#[derive(Debug)]
struct Spare<F> {
    id: u64,
    file: Arc<F>,
    size: u64,
}

impl<D: Disk> Log<D> {
    /// To be called about once a second: makes what is settled certain and gives space back that nothing needs, in
    /// [steps](Self::upkeep).
    pub(crate) fn tick(&mut self) {
        let was_fresh = self.active.as_mut().is_some_and(|active| std::mem::take(&mut active.is_fresh));
        if !was_fresh && self.active.as_ref().is_none_or(|active| self.is_dead(active.id)) {
            self.active = None;
            self.discard_spare();
        }
        self.upkeep.sync = true;
        self.upkeep.reclaim = true;
        self.upkeep.spare_failed = false;
    }

    /// Does a step of what is to be done. False when there was nothing.
    pub(crate) fn upkeep(&mut self) -> bool {
        if std::mem::take(&mut self.upkeep.sync) {
            self.make_certain();
        } else if let Some(id) = self.upkeep.needless.pop_front() {
            // If it fails, it is found needless again.
            self.remove(id).ok();
        } else if std::mem::take(&mut self.upkeep.reclaim) {
            self.find_needless();
        } else if let Some(full) = self.upkeep.full.pop_front() {
            // If it fails, the segment is read through at the next start.
            self.seal(&full).ok();
        } else if self.is_spare_wanted() {
            self.make_spare();
        } else {
            return false;
        }
        true
    }

    /// Leaves the files so that the next start is quick.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.discard_spare();
        self.upkeep.full.extend(self.active.take());
        self.find_needless();
        for id in std::mem::take(&mut self.upkeep.needless) {
            self.remove(id).ok();
        }
        let full = std::mem::take(&mut self.upkeep.full);
        let sealed = full.iter().map(|full| self.seal(full)).fold(Ok(()), io::Result::and);
        self.checkpoint()?;
        sealed
    }

    /// A file for a segment of this size, if there is one ready.
    pub(crate) fn take_spare(&mut self, size: u64) -> Option<(u64, Arc<D::File>)> {
        if self.upkeep.spare.as_ref().is_some_and(|spare| spare.size < size) {
            self.discard_spare();
        }
        self.upkeep.spare.take().map(|spare| (spare.id, spare.file))
    }

    /// Whether the limit allows for another file of this size.
    pub(crate) fn has_space(&self, size: u64) -> bool {
        self.shared.index().disk_bytes + size <= self.limits.bytes
    }

    /// Makes a file for a segment.
    pub(crate) fn create(&mut self, size: u64) -> io::Result<(u64, Arc<D::File>)> {
        let id = self.next_segment;
        // An id is never used again, whatever becomes of the file.
        self.next_segment += 1;
        let name = file_name(id);
        let created = self.disk.create(&name, size).and_then(|file| self.disk.sync().map(|()| file));
        match created {
            Ok(file) => {
                self.shared.index().disk_bytes += size;
                Ok((id, Arc::new(file)))
            }
            Err(error) => {
                self.disk.remove(&name).ok();
                Err(error)
            }
        }
    }

    /// Removes a file of a segment that never was.
    pub(crate) fn discard(&mut self, id: u64, size: u64) {
        // If it fails, the next start removes it.
        if self.disk.remove(&file_name(id)).is_ok() {
            self.shared.index().disk_bytes -= size;
        }
    }

    fn make_certain(&mut self) {
        if self.upkeep.checkpoint || self.progress.sync().is_err() {
            self.upkeep.checkpoint = true;
            self.checkpoint().ok();
        }
    }

    /// Finds the segments that nothing needs. What a file held is only known from the checkpoint once it is gone.
    fn find_needless(&mut self) {
        let active = self.active.as_ref().map(|active| active.id);
        let dead: VecDeque<u64> = {
            let index = self.shared.index();
            let dead = index.segments.iter().filter(|(_, segment)| index.is_dead(segment));
            dead.map(|(id, _)| *id).filter(|id| Some(*id) != active).collect()
        };
        if !dead.is_empty() && self.checkpoint().is_ok() {
            self.upkeep.full.retain(|full| !dead.contains(&full.id));
            self.upkeep.needless = dead;
        }
    }

    fn remove(&mut self, id: u64) -> io::Result<()> {
        self.disk.remove(&file_name(id))?;
        self.shared.index().forget(id);
        Ok(())
    }

    /// Gives a segment a seal, and the space behind it back.
    fn seal(&mut self, full: &Active<D::File>) -> io::Result<()> {
        let key = SegmentKey { store: self.store, segment: full.id };
        let seal = Seal { next_seq: full.next_seq, items: full.items, bytes: full.bytes };
        write_seal(&*full.file, key, full.end, seal)?;
        self.shared.index().resize(full.id, full.end + RECORD_HEADER);
        Ok(())
    }

    fn is_spare_wanted(&self) -> bool {
        let Upkeep { spare, spare_failed, .. } = &self.upkeep;
        let is_half_full = self.active.as_ref().is_some_and(|active| active.end > active.size / 2);
        spare.is_none() && !spare_failed && is_half_full && self.has_space(self.limits.segment_bytes)
    }

    fn make_spare(&mut self) {
        let size = self.limits.segment_bytes;
        match self.create(size) {
            Ok((id, file)) => self.upkeep.spare = Some(Spare { id, file, size }),
            Err(_) => self.upkeep.spare_failed = true,
        }
    }

    fn discard_spare(&mut self) {
        if let Some(Spare { id, size, .. }) = self.upkeep.spare.take() {
            self.discard(id, size);
        }
    }

    fn is_dead(&self, id: u64) -> bool {
        let index = self.shared.index();
        index.segments.get(&id).is_some_and(|segment| index.is_dead(segment))
    }
}

impl<F> Default for Upkeep<F> {
    fn default() -> Self {
        Self {
            checkpoint: false,
            reclaim: false,
            sync: false,
            needless: VecDeque::new(),
            full: VecDeque::new(),
            spare: None,
            spare_failed: false,
        }
    }
}

/// Writes a seal at `end`, cuts the file behind it, and syncs it.
pub(crate) fn write_seal<F: DiskFile>(file: &F, key: SegmentKey, end: u64, seal: Seal) -> io::Result<()> {
    file.write_at(&seal.encode(key, end), end)?;
    file.truncate(end + RECORD_HEADER)?;
    file.sync()
}
