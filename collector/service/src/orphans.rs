//! Queues on disk: that the storage of each is in service, and those that no exporter uses any more.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use etalon_component::{ComponentId, Host, Storage, StorageError};
use etalon_store::{Directory, directories, inspect};
use etalon_telemetry::metrics::{StorageAttributes, StorageMetrics, StorageReads};
use etalon_telemetry::{Telemetry, attributes, tell};
use tokio::task::spawn_blocking;

use crate::config::CollectorConfig;
use crate::factories::Factories;

/// An exporter names a storage that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("exporters::{exporter}::sending_queue::storage")]
pub struct UnusableStorage {
    exporter: ComponentId,
    source: StorageError,
}

/// The storages that are in service, and what in them is not used.
#[derive(Debug, Default)]
pub(crate) struct Orphans(Vec<Watched>);

/// A storage.
#[derive(Debug)]
struct Watched {
    id: ComponentId,
    directory: PathBuf,
    /// The folders that exporters use.
    used: Vec<PathBuf>,
    /// Items in the others, when they were looked for.
    items: Arc<AtomicU64>,
    _metrics: StorageMetrics,
}

/// What a storage holds for nobody.
struct Orphan {
    folder: PathBuf,
    requests: u64,
    items: u64,
}

impl Orphans {
    /// The storages of a configuration. Nothing is looked for yet.
    ///
    /// # Errors
    /// When an exporter names a storage that `host` does not have.
    pub(crate) fn of(
        config: &CollectorConfig,
        factories: &Factories,
        host: &Host,
        telemetry: &Telemetry,
    ) -> Result<Self, UnusableStorage> {
        let mut watched: Vec<Watched> = config
            .started_extensions
            .iter()
            .filter_map(|id| Some(Watched::new(id, host.storage(id).ok()?, telemetry)))
            .collect();
        for pipeline in &config.pipelines {
            for id in &pipeline.exporters {
                let Some(factory) = factories.exporter(id.kind()) else { continue };
                let Some(entry) = config.exporters.get(id) else { continue };
                let facts = factory.facts(&entry.config, Some(pipeline.signal));
                let Some(named) = facts.delivers.and_then(|delivers| delivers.queue?.storage) else {
                    continue;
                };
                let storage = host
                    .storage(&named)
                    .map_err(|source| UnusableStorage { exporter: id.clone(), source })?;
                let folder = storage.queue_directory(id, pipeline.signal.name);
                // Extensions may share a folder.
                let of_folder = watched.iter_mut().filter(|watched| watched.directory == storage.directory);
                of_folder.for_each(|watched| watched.used.push(folder.clone()));
            }
        }
        Ok(Self(watched))
    }

    /// Looks for queues that hold data and that no exporter uses, and tells of them. They stay as they are.
    pub(crate) fn look(&self) -> impl Future<Output = ()> + Send + 'static {
        let storages: Vec<_> = self
            .0
            .iter()
            .map(|Watched { id, directory, used, items, .. }| {
                (id.clone(), directory.clone(), used.clone(), items.clone())
            })
            .collect();
        async move {
            for (id, directory, used, items) in storages {
                let found = spawn_blocking(move || orphans(&directory, &used)).await.unwrap_or_default();
                items.store(found.iter().map(|orphan| orphan.items).sum(), Ordering::Relaxed);
                for Orphan { folder, requests, items } in found {
                    tell!(QueueOrphaned {
                        storage: &id,
                        folder: &folder.display(),
                        requests: requests.into(),
                        items: items.into(),
                    });
                }
            }
        }
    }
}

impl Watched {
    fn new(id: &ComponentId, storage: &Storage, telemetry: &Telemetry) -> Self {
        let items = Arc::new(AtomicU64::new(0));
        let read = items.clone();
        let of = StorageAttributes { storage: attributes::Storage(id.as_str()) };
        let reads = StorageReads { orphaned_items: move || read.load(Ordering::Relaxed) };
        Self {
            id: id.clone(),
            directory: storage.directory.clone(),
            used: Vec::new(),
            items,
            _metrics: StorageMetrics::new(telemetry, of, reads),
        }
    }
}

/// The queues of a storage that are not among `used`, nor in use by another process, and hold data. What cannot be read
/// is left out: whoever uses it again is told why.
fn orphans(directory: &Path, used: &[PathBuf]) -> Vec<Orphan> {
    let queues = directories(directory).unwrap_or_default().into_iter();
    let unused = queues.filter(|queue| !used.contains(queue));
    let found = unused.filter_map(|folder| {
        let inspection = inspect(&Directory::open(&folder).ok()?).ok()?;
        let waiting = inspection.waiting();
        let is_orphan = !inspection.in_use && waiting.requests > 0;
        is_orphan.then_some(Orphan { folder, requests: waiting.requests, items: waiting.items })
    });
    found.collect()
}
