//! What can go wrong, one variant for each operation that fails.

use std::io;

/// The store could not be opened. Nothing in its directory was changed that says anything.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of the lock.
    #[error("cannot lock the directory")]
    Lock(#[source] io::Error),
    /// Another process has the directory.
    #[error("another process uses the directory: each collector needs one of its own")]
    InUse,
    /// Names of the files.
    #[error("cannot list the files of the directory")]
    List(#[source] io::Error),
    /// A file could not be opened or read.
    #[error("cannot read {file}")]
    Read {
        /// Its name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file could not be made, written or removed.
    #[error("cannot write {file}")]
    Write {
        /// Its name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The thread that writes.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A file of another version.
    #[error("{file} is of a version that this collector does not know ({version:?}); nothing was changed")]
    Version {
        /// Its name.
        file: String,
        /// What it begins with.
        version: String,
    },
}

/// A request was not taken. It is not on the disk, or will never be read from it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The directory may not become larger.
    #[error("the directory has reached its limit of {limit} bytes")]
    Full {
        /// `Limits::bytes`.
        limit: u64,
    },
    /// The request alone is larger than the directory may be, or than a record can be.
    #[error("the request of {size} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The largest size.
        limit: u64,
    },
    /// No new segment could be made.
    #[error("cannot make a file for more data: {0}")]
    Create(#[source] std::sync::Arc<io::Error>),
    /// It could not be written.
    #[error("cannot write to the disk: {0}")]
    Write(#[source] std::sync::Arc<io::Error>),
    /// It was written, and may not be on stable storage.
    #[error("the disk does not keep what was written: {0}")]
    Sync(#[source] std::sync::Arc<io::Error>),
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}

/// Requests could not be read at the moment. They are still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {file}")]
pub struct ReadError {
    /// Its name.
    pub file: String,
    /// Why.
    pub source: io::Error,
}
