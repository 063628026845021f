//! A disk for tests: its calls can fail, its power can be cut, and whoever uses it can die at any of them.
//!
//! Its calls return at once. What time they take is told to tokio's clock, which tests stop: so a store on it has no
//! thread, and does the same whenever the same is done to it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{AnyFile, Disk, DiskFile};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// With EIO, having done nothing.
    Error,
    /// With ENOSPC, having done nothing.
    Full,
    /// With EIO, having written half.
    Short,
    /// This one and all that follow.
    Dead,
    /// This one and all that follow, if they sync.
    NoSync,
}

/// A disk. Cloning shares it.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Clone)]
struct SimFile {
    content: Arc<Mutex<Content>>,
    disk: SimDisk,
}

type Files = BTreeMap<String, Arc<Mutex<Content>>>;

struct State {
    rng: StdRng,
    files: Files,
    /// As it would be after the power was cut.
    durable: Files,
    calls: usize,
    /// The call that fails.
    fault: Option<(usize, Fault)>,
    /// Called when it dies.
    on_death: Option<Box<dyn FnOnce() + Send>>,
    latency: Duration,
}

/// Disks that stand in for directories.
static MOUNTED: Mutex<BTreeMap<PathBuf, SimDisk>> = Mutex::new(BTreeMap::new());

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
    /// An empty one. What is left after a power cut follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with(StdRng::seed_from_u64(seed), BTreeMap::new(), BTreeMap::new(), Duration::ZERO)
    }

    fn with(rng: StdRng, files: Files, durable: Files, latency: Duration) -> Self {
        let (calls, fault, on_death) = (0, None, None);
        Self(Arc::new(Mutex::new(State { rng, files, durable, calls, fault, on_death, latency })))
    }

    /// Lets each write of a [`Store`](crate::Store) that is opened from now on take so long.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// From now on, the directory at `path` is this.
    pub fn mount(&self, path: &Path) {
        mounts().insert(path.to_owned(), self.clone());
    }

    /// Forgets what stands in for the directory at `path`.
    pub fn unmount(path: &Path) {
        mounts().remove(path);
    }

    pub(crate) fn mounted(path: &Path) -> Option<Self> {
        mounts().get(path).cloned()
    }

    /// Calls this at the moment at which a call fails with [`Fault::Dead`]: whoever used the disk says nothing after it.
    pub fn on_death(&self, tell: impl FnOnce() + Send + 'static) {
        self.state().on_death = Some(Box::new(tell));
    }

    /// The disk as the next process finds it, when this one was killed now, or when the power was cut. To who uses it
    /// still, all calls fail.
    pub fn crash(&self, cuts_power: bool) -> Self {
        let next = {
            let mut state = self.state();
            state.fault = Some((0, Fault::Dead));
            let rng = StdRng::seed_from_u64(state.rng.random());
            let mut copies = BTreeMap::new();
            let mut copy = |files: &Files| -> Files {
                let copied = files.iter().map(|(name, content)| {
                    let copy = copies.entry(Arc::as_ptr(content)).or_insert_with(|| {
                        Arc::new(Mutex::new(content.lock().expect("no test panicked").clone()))
                    });
                    (name.clone(), copy.clone())
                });
                copied.collect()
            };
            let (files, durable) = (copy(&state.files), copy(&state.durable));
            Self::with(rng, files, durable, state.latency)
        };
        if cuts_power {
            next.cut_power();
        }
        next
    }

    /// Lets the call with this number fail, counted from now.
    pub fn fail(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        state.calls = 0;
        state.fault = Some((call, fault));
    }

    /// Whether the call that was to fail was made. From now on all succeed.
    pub fn heal(&self) -> bool {
        let mut state = self.state();
        let calls = state.calls;
        state.fault.take().is_some_and(|(call, _)| call <= calls)
    }

    /// Cuts the power: of what was not synced, any part may be there.
    pub fn cut_power(&self) {
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

    /// Names of its files.
    pub fn names(&self) -> Vec<String> {
        self.state().files.keys().cloned().collect()
    }

    /// What a file holds.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.state().files[name].lock().expect("no test panicked").bytes.clone()
    }

    /// Makes a file, all of it durable.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let content = Content { durable: bytes.clone(), bytes, pending: Vec::new() };
        let content = Arc::new(Mutex::new(content));
        let mut state = self.state();
        state.files.insert(name.to_owned(), content.clone());
        state.durable.insert(name.to_owned(), content);
    }

    /// Removes a file for good.
    pub fn delete(&self, name: &str) {
        let mut state = self.state();
        state.files.remove(name);
        state.durable.remove(name);
    }

    /// Changes a byte of a file that may be open.
    pub fn damage(&self, name: &str, at: usize, byte: u8) {
        self.state().files[name].lock().expect("no test panicked").bytes[at] = byte;
    }

    /// Another disk with the same content, all of it durable.
    pub fn copy(&self) -> Self {
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
    fn call(&self, syncs: bool) -> Option<Fault> {
        let mut state = self.state();
        state.calls += 1;
        let (call, fault) = state.fault?;
        let is_due = match fault {
            Fault::Error | Fault::Full | Fault::Short => state.calls == call,
            Fault::Dead => state.calls >= call,
            Fault::NoSync => state.calls >= call && syncs,
        };
        if is_due
            && fault == Fault::Dead
            && let Some(tell) = state.on_death.take()
        {
            tell();
        }
        is_due.then_some(fault)
    }

    fn try_call(&self) -> io::Result<()> {
        self.call(false).map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn try_sync(&self) -> io::Result<()> {
        self.call(true).map_or(Ok(()), |fault| Err(fault.error()))
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Error | Self::Short | Self::Dead | Self::NoSync => io::Error::other("injected"),
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

fn mounts() -> MutexGuard<'static, BTreeMap<PathBuf, SimDisk>> {
    MOUNTED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SimDisk").field(&self.names()).finish()
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
    type File = AnyFile;

    fn lock(&self) -> io::Result<AnyFile> {
        self.try_call()?;
        Ok(Box::new(SimFile { content: Arc::default(), disk: self.clone() }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.try_call()?;
        Ok(self.names())
    }

    fn create(&self, name: &str, allocated: u64) -> io::Result<AnyFile> {
        self.try_call()?;
        let mut content = Content::default();
        content.change(Change::Truncate(allocated));
        let content = Arc::new(Mutex::new(content));
        let before = self.state().files.insert(name.to_owned(), content.clone());
        assert!(before.is_none(), "{name} is there already");
        Ok(Box::new(SimFile { content, disk: self.clone() }))
    }

    fn open(&self, name: &str) -> io::Result<AnyFile> {
        self.try_call()?;
        let content = self.state().files.get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { content, disk: self.clone() }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.try_call()?;
        self.state().files.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.try_sync()?;
        let mut state = self.state();
        state.durable = state.files.clone();
        Ok(())
    }

    fn simulated(&self) -> Option<Duration> {
        Some(self.state().latency)
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
        match self.disk.call(false) {
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
        let failed = self.disk.try_sync();
        let mut content = self.content();
        // After a failed sync, the system takes what it could not write for written, and no later one writes it.
        let pending = std::mem::take(&mut content.pending);
        if failed.is_ok() {
            for change in &pending {
                apply(&mut content.durable, change);
            }
        }
        failed
    }
}
