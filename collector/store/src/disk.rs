//! The seam to the disk.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, pwritev};

/// A directory of files. What is created or removed is certain after [`sync`](Self::sync).
pub trait Disk: Send + Sync + 'static {
    /// A file of it.
    type File: DiskFile;

    /// Keeps every other process out as long as the result lives.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another one is in.
    fn lock(&self) -> io::Result<Self::File>;

    /// Names of its files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new file, with so much space allocated. There must be none of that name.
    fn create(&self, name: &str, allocated: u64) -> io::Result<Self::File>;

    /// A file that is there, to read and write.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns when files that were created and removed are so on stable storage.
    fn sync(&self) -> io::Result<()>;

    /// What a write takes by tokio's clock, on a disk whose calls return at once. Nothing on one whose calls take their
    /// time: a store has a thread for them then.
    fn simulated(&self) -> Option<Duration> {
        None
    }
}

/// A file of any disk.
pub type AnyFile = Box<dyn DiskFile>;
/// Any disk.
pub type AnyDisk = Arc<dyn Disk<File = AnyFile>>;

/// The directory at `path`, which is made when it is not there.
pub fn directory(path: &Path) -> io::Result<AnyDisk> {
    #[cfg(any(test, feature = "simulation"))]
    if let Some(simulated) = crate::simulation::SimDisk::mounted(path) {
        return Ok(Arc::new(simulated));
    }
    Ok(Arc::new(Directory::create(path)?))
}

/// A file. What is written is certain after [`sync`](Self::sync).
pub trait DiskFile: Send + Sync + 'static {
    /// Its length in bytes, with what is allocated and not yet written.
    fn size(&self) -> io::Result<u64>;

    /// Reads as much as there is from `offset` on, and returns how much.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes everything from `offset` on.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Writes all slices, one behind the other, from `offset` on. What they are afterwards is not said.
    fn write_slices_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.write_at(&bytes, offset)
    }

    /// Cuts it at `size`.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Returns when everything that was written is on stable storage.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the file system. Files that it makes are for their owner alone.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

/// Name of the file of the lock.
pub(crate) const LOCK: &str = "lock";

impl Directory {
    /// The directory at `path`, which is made when it is not there.
    pub fn create(path: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self(path.to_owned()))
    }

    /// The directory at `path`, which is there.
    pub fn open(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path)?.is_dir() {
            Ok(Self(path.to_owned()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        options
    }
}

impl Disk for Directory {
    type File = AnyFile;

    fn lock(&self) -> io::Result<AnyFile> {
        let file = Self::options().create(true).truncate(false).open(self.0.join(LOCK))?;
        file.try_lock()?;
        Ok(Box::new(file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }

    fn create(&self, name: &str, allocated: u64) -> io::Result<AnyFile> {
        let path = self.0.join(name);
        let file = Self::options().create_new(true).open(&path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, allocated) {
            // A file system that cannot allocate says that it is full when something is written.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Box::new(file)),
            Err(error) => {
                // Nobody will write to it. If it stays, the next opening removes it.
                std::fs::remove_file(&path).ok();
                Err(error.into())
            }
        }
    }

    fn open(&self, name: &str) -> io::Result<AnyFile> {
        Ok(Box::new(Self::options().open(self.0.join(name))?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.0.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            match FileExt::read_at(self, &mut buffer[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn write_slices_at(&self, mut slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        // Empty ones at the start would look like a disk that takes nothing.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match pwritev(self, slices, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    IoSlice::advance_slices(&mut slices, written);
                    offset += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Disk for AnyDisk {
    type File = AnyFile;

    fn lock(&self) -> io::Result<AnyFile> {
        (**self).lock()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        (**self).list()
    }

    fn create(&self, name: &str, allocated: u64) -> io::Result<AnyFile> {
        (**self).create(name, allocated)
    }

    fn open(&self, name: &str) -> io::Result<AnyFile> {
        (**self).open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        (**self).remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        (**self).sync()
    }

    fn simulated(&self) -> Option<Duration> {
        (**self).simulated()
    }
}

impl fmt::Debug for dyn DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFile")
    }
}

impl DiskFile for AnyFile {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        (**self).write_at(bytes, offset)
    }

    fn write_slices_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        (**self).write_slices_at(slices, offset)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        (**self).truncate(size)
    }

    fn sync(&self) -> io::Result<()> {
        (**self).sync()
    }
}
