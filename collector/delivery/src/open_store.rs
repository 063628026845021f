//! The store of a queue, as long as somebody uses it.

use std::path::PathBuf;
use std::time::Duration;

use etalon_store::{AnyFile, Limits, OpenError, Recovered, Requests, Store, directory};
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior};

/// A store, and what there is once of it. After a reload, two queues may use the same for a time.
pub(crate) struct OpenStore {
    pub(crate) store: Store<AnyFile>,
    pub(crate) requests: tokio::sync::Mutex<Requests<AnyFile>>,
    _ticking: Ticking,
}

/// A task that ends with this.
struct Ticking(AbortHandle);

/// The queue cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot make the folder of the queue, {path}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("cannot open the queue in {path}")]
    Open { path: PathBuf, source: OpenError },
    #[error("the attempt to open the queue in {path} has failed")]
    Panicked { path: PathBuf },
}

/// Between two looks whether another process has left the queue.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How often what is settled becomes certain, and space is given back.
const TICK: Duration = Duration::from_secs(1);

impl OpenStore {
    /// Opens the store of a folder, and waits so long for another process to leave it.
    pub(crate) async fn open(
        path: PathBuf,
        limits: Limits,
        lock_timeout: Duration,
    ) -> Result<(Self, Recovered), StartError> {
        let until = Instant::now() + lock_timeout;
        loop {
            let (folder, limits) = (path.clone(), limits.clone());
            let opening = spawn_blocking(move || {
                let directory = directory(&folder)
                    .map_err(|source| StartError::Folder { path: folder.clone(), source })?;
                Store::open(directory, limits).map_err(|source| StartError::Open { path: folder, source })
            });
            match opening.await {
                Ok(Ok((store, requests, recovered))) => {
                    let ticking = Ticking(tokio::spawn(tick(store.clone())).abort_handle());
                    let requests = tokio::sync::Mutex::new(requests);
                    return Ok((Self { store, requests, _ticking: ticking }, recovered));
                }
                Ok(Err(StartError::Open { source: OpenError::InUse, .. })) if Instant::now() < until => {
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(StartError::Panicked { path }),
            }
        }
    }
}

async fn tick(store: Store<AnyFile>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        store.tick().await;
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.abort();
    }
}
