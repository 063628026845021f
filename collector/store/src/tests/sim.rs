//! A disk whose calls can fail, and whose power can be cut.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{Disk, DiskFile};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// With EIO, having done nothing.
    Error,
    /// With ENOSPC, having done nothing.
    Full,
    /// With EIO, having written half.
    Short,
    /// This one and all that follow.
    Dead,
}

#[derive(Clone)]
pub(super) struct SimDisk(Arc<Mutex<State>>);

#[derive(Clone)]
pub(super) struct SimFile {
    content: Arc<Mutex<Content>>,
    disk: SimDisk,
}

struct State {
    rng: StdRng,
    files: BTreeMap<String, Arc<Mutex<Content>>>,
    /// As it would be after the power was cut.
    durable: BTreeMap<String, Arc<Mutex<Content>>>,
    calls: usize,
    /// The call that fails.
    fault: Option<(usize, Fault)>,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Since the last sync.
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

const SECTOR: usize = 512;

impl SimDisk {
    pub(super) fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let (files, durable) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(State { rng, files, durable, calls: 0, fault: None })))
    }

    /// Lets the call with this number fail, counted from now.
    pub(super) fn fail(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        state.calls = 0;
        state.fault = Some((call, fault));
    }

    /// Whether the call that was to fail was made. From now on all succeed.
    pub(super) fn heal(&self) -> bool {
        let mut state = self.state();
        let calls = state.calls;
        state.fault.take().is_some_and(|(call, _)| call <= calls)
    }

    /// Cuts the power: of what was not synced, any part may be there.
    pub(super) fn cut_power(&self) {
        let mut state = self.state();
        let State { rng, files, durable, .. } = &mut *state;
        let mut after = BTreeMap::new();
        let names: std::collections::BTreeSet<String> = files.keys().chain(durable.keys()).cloned().collect();
        for name in names {
            let live = files.get(&name);
            let kept = durable.get(&name);
            let is_there = match (live, kept) {
                (Some(live), Some(_)) => Some(live),
                (one, other) => one.or(other).filter(|_| rng.random_bool(0.5)),
            };
            if let Some(content) = is_there {
                let content = content.lock().expect("no test panicked").after_power_cut(rng);
                after.insert(name, Arc::new(Mutex::new(content)));
            }
        }
        *files = after.clone();
        *durable = after;
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state().files.keys().cloned().collect()
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        self.state().files[name].lock().expect("no test panicked").bytes.clone()
    }

    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) {
        let content = Content { durable: bytes.clone(), bytes, pending: Vec::new() };
        let content = Arc::new(Mutex::new(content));
        let mut state = self.state();
        state.files.insert(name.to_owned(), content.clone());
        state.durable.insert(name.to_owned(), content);
    }

    pub(super) fn delete(&self, name: &str) {
        let mut state = self.state();
        state.files.remove(name);
        state.durable.remove(name);
    }

    /// Another disk with the same content, all of it durable.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new(0);
        for name in self.names() {
            copy.put(&name, self.bytes(&name));
        }
        copy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked")
    }

    /// Counts a call, and says whether it fails.
    fn call(&self) -> Option<Fault> {
        let mut state = self.state();
        state.calls += 1;
        let (call, fault) = state.fault?;
        (state.calls == call || fault == Fault::Dead && state.calls > call).then_some(fault)
    }

    fn try_call(&self) -> io::Result<()> {
        self.call().map_or(Ok(()), |fault| Err(fault.error()))
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Error | Self::Short | Self::Dead => io::Error::other("injected"),
        }
    }
}

impl Content {
    fn change(&mut self, change: Change) {
        apply(&mut self.bytes, &change);
        self.pending.push(change);
    }

    fn after_power_cut(&self, rng: &mut StdRng) -> Self {
        let mut bytes = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::Truncate(_) if rng.random_bool(0.5) => apply(&mut bytes, change),
                Change::Truncate(_) => {}
                Change::Write(offset, written) => {
                    // Sector by sector, in any combination.
                    for (index, sector) in written.chunks(SECTOR).enumerate() {
                        if rng.random_bool(0.6) {
                            let offset = offset + (index * SECTOR) as u64;
                            apply(&mut bytes, &Change::Write(offset, sector.to_vec()));
                        }
                    }
                }
            }
        }
        Self { durable: bytes.clone(), bytes, pending: Vec::new() }
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Truncate(size) => bytes.resize(*size as usize, 0),
        Change::Write(offset, written) => {
            let (from, to) = (*offset as usize, *offset as usize + written.len());
            bytes.resize(bytes.len().max(to), 0);
            bytes[from..to].copy_from_slice(written);
        }
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn lock(&self) -> io::Result<SimFile> {
        self.try_call()?;
        Ok(SimFile { content: Arc::default(), disk: self.clone() })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.try_call()?;
        Ok(self.names())
    }

    fn create(&self, name: &str, allocated: u64) -> io::Result<SimFile> {
        self.try_call()?;
        let mut content = Content::default();
        content.change(Change::Truncate(allocated));
        let content = Arc::new(Mutex::new(content));
        let before = self.state().files.insert(name.to_owned(), content.clone());
        assert!(before.is_none(), "{name} is there already");
        Ok(SimFile { content, disk: self.clone() })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        self.try_call()?;
        let content = self.state().files.get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile { content, disk: self.clone() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.try_call()?;
        self.state().files.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.try_call()?;
        let mut state = self.state();
        state.durable = state.files.clone();
        Ok(())
    }
}

impl SimFile {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no test panicked")
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        self.disk.try_call()?;
        Ok(self.content().bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.try_call()?;
        let content = self.content();
        let there = content.bytes.get(offset as usize..).unwrap_or_default();
        let read = there.len().min(buffer.len());
        buffer[..read].copy_from_slice(&there[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.disk.call() {
            None => {
                self.content().change(Change::Write(offset, bytes.to_vec()));
                Ok(())
            }
            Some(fault) => {
                if fault == Fault::Short {
                    self.content().change(Change::Write(offset, bytes[..bytes.len() / 2].to_vec()));
                }
                Err(fault.error())
            }
        }
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.disk.try_call()?;
        self.content().change(Change::Truncate(size));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let failed = self.disk.try_call();
        let mut content = self.content();
        if failed.is_ok() {
            content.durable = content.bytes.clone();
        }
        // After a failed sync, the system takes what it could not write for written.
        content.pending.clear();
        failed
    }
}

impl SimDisk {
    /// Changes a byte of a file that may be open.
    pub(super) fn damage(&self, name: &str, at: usize, byte: u8) {
        self.state().files[name].lock().expect("no test panicked").bytes[at] = byte;
    }
}
