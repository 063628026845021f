//! A small file that may change while it is in use, such as a token or a password.
//!
//! It is read once every [`POLL_INTERVAL`] and compared with what was read before. That needs nothing of
//! the file system, and works with files that are replaced (Kubernetes exchanges a symbolic link) as with
//! files that are written over.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use etalon_component::BoxError;
use etalon_telemetry::event::Causes;
use etalon_telemetry::tell;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

/// Time between two looks at a file.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

type Parse<T> = dyn Fn(&[u8]) -> Result<T, BoxError> + Send + Sync;

/// A file that is read again when it changes. While it cannot be read or makes no sense, the last good
/// value stays.
pub struct WatchedFile<T> {
    shared: Arc<Shared<T>>,
    watching: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<T> {
    path: PathBuf,
    parse: Box<Parse<T>>,
    value: RwLock<Option<Arc<T>>>,
}

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {path:?}")]
    Read {
        /// As configured.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{path:?} is not a regular file")]
    Irregular {
        /// As configured.
        path: PathBuf,
    },
    /// It is larger than [`FILE_BYTES_MAX`].
    #[error("{path:?} is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge {
        /// As configured.
        path: PathBuf,
    },
    /// It does not hold what it should.
    #[error("{path:?} cannot be used")]
    Content {
        /// As configured.
        path: PathBuf,
        /// Cause.
        source: BoxError,
    },
}

impl<T: Send + Sync + 'static> WatchedFile<T> {
    /// A file whose content `parse` understands. It is not touched before [`start`](Self::start).
    pub fn new(
        path: impl Into<PathBuf>,
        parse: impl Fn(&[u8]) -> Result<T, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared { path: path.into(), parse: Box::new(parse), value: RwLock::default() };
        Self { shared: Arc::new(shared), watching: Mutex::default() }
    }

    /// Reads the file, and goes on looking at it.
    ///
    /// # Errors
    /// The file cannot be used now.
    pub async fn start(&self) -> Result<(), FileError> {
        let shared = self.shared.clone();
        let content = read(shared.path.clone()).await?;
        shared.take(&content)?;
        let watch = watch(shared, content).in_current_span();
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        watching.get_or_insert_with(|| tokio::spawn(watch));
        Ok(())
    }

    /// The value as last read; nothing before the start.
    pub fn current(&self) -> Option<Arc<T>> {
        self.shared.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops looking. The value stays.
    pub async fn stop(&self) {
        let watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = watching {
            task.abort();
            // It was cancelled: that is what was asked for.
            task.await.unwrap_or_default();
        }
    }
}

impl<T> Shared<T> {
    fn take(&self, content: &[u8]) -> Result<(), FileError> {
        let parsed =
            (self.parse)(content).map_err(|source| FileError::Content { path: self.path.clone(), source })?;
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(parsed));
        Ok(())
    }
}

/// Looks at the file for ever. `last` is what the last look brought; a failure is told once.
async fn watch<T>(shared: Arc<Shared<T>>, content: Vec<u8>) {
    let mut last = Some(content);
    let mut next = Instant::now();
    loop {
        next += POLL_INTERVAL;
        sleep_until(next).await;
        let taken = match read(shared.path.clone()).await {
            Ok(content) if last.as_ref() == Some(&content) => continue,
            Ok(content) => {
                let taken = shared.take(&content);
                last = Some(content);
                taken
            }
            Err(_) if last.is_none() => continue,
            Err(error) => {
                last = None;
                Err(error)
            }
        };
        match taken {
            Ok(()) => tell!(AuthFileReloaded { file: &shared.path.display() }),
            Err(error) => tell!(AuthFileStale { error: &Causes(&error) }),
        }
    }
}

async fn read(path: PathBuf) -> Result<Vec<u8>, FileError> {
    let at = path.clone();
    let content = tokio::task::spawn_blocking(move || read_bounded(&at)).await.map_err(io::Error::other);
    match content.flatten() {
        Ok(Some(content)) if content.len() as u64 > FILE_BYTES_MAX => Err(FileError::TooLarge { path }),
        Ok(Some(content)) => Ok(content),
        Ok(None) => Err(FileError::Irregular { path }),
        Err(source) => Err(FileError::Read { path, source }),
    }
}

/// Nothing when it is not a regular file: a pipe would be waited for without end.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// The value may be a secret.
impl<T> fmt::Debug for WatchedFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedFile").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

/// A single value of text: the content without blanks around it. Empty content is no value.
pub fn single_value(content: &[u8]) -> Result<String, BoxError> {
    let text = std::str::from_utf8(content)?.trim();
    if text.is_empty() { Err("it is empty".into()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a look at the file that brings `expected`.
    async fn becomes(file: &WatchedFile<String>, expected: &str) {
        let limit = Instant::now() + Duration::from_mins(10);
        while file.current().is_none_or(|value| *value != expected) {
            assert!(Instant::now() < limit, "it stays {:?}", file.current());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_seen_whether_the_file_is_written_over_or_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "one\n").unwrap();
        let file = WatchedFile::new(&path, single_value);
        assert!(file.current().is_none());
        file.start().await.unwrap();
        assert_eq!(*file.current().unwrap(), "one");
        std::fs::write(&path, "two").unwrap();
        becomes(&file, "two").await;
        std::fs::write(folder.path().join("next"), "six").unwrap();
        std::fs::rename(folder.path().join("next"), &path).unwrap();
        becomes(&file, "six").await;
        file.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_value_stays_until_there_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "one").unwrap();
        let file = WatchedFile::new(&path, single_value);
        file.start().await.unwrap();
        for broken in [Some(&b""[..]), Some(b"\xff"), None] {
            match broken {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            tokio::time::sleep(3 * POLL_INTERVAL).await;
            assert_eq!(*file.current().unwrap(), "one");
        }
        std::fs::write(&path, "one more").unwrap();
        becomes(&file, "one more").await;
        file.stop().await;
    }

    #[tokio::test]
    async fn what_cannot_be_used_at_the_start_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = WatchedFile::new(&path, single_value);
        assert!(matches!(file.start().await, Err(FileError::Read { .. })));
        std::fs::write(&path, " \n").unwrap();
        assert!(matches!(file.start().await, Err(FileError::Content { .. })));
        std::fs::write(&path, vec![b'x'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]).unwrap();
        assert!(matches!(file.start().await, Err(FileError::TooLarge { .. })));
        // Opening it would wait for somebody who writes.
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for irregular in [pipe.as_path(), folder.path()] {
            let file = WatchedFile::new(irregular, single_value);
            assert!(matches!(file.start().await, Err(FileError::Irregular { .. })));
        }
    }
}
