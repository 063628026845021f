//! A queue on disk: first in, first out, with a limit on what it holds. What it has taken survives the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etalon_component::{Batch, BoxError, Code, ComponentId, Failure, Host};
use etalon_pdata::Signal;
use etalon_store::{
    AnyFile, Append, AppendError, Claim, Count, Given, Limits, ReadError, Recovered, Store, Totals,
};
use etalon_telemetry::event::Causes;
use etalon_telemetry::tell;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::accounting::Accounting;
use crate::context;
use crate::open_store::OpenStore;
use crate::queue::{Offered, full, late, shut_down};
use crate::queue_config::{QueueConfig, Sizer};
use crate::slots::{Slot, Slots};
use crate::stored::{Stored, age, unix_milliseconds};

/// See [`QueueConfig`], with `storage`.
pub(crate) struct DiskQueue {
    storage: ComponentId,
    exporter: ComponentId,
    signal: Signal,
    sizer: Sizer,
    capacity: u64,
    block_on_overflow: bool,
    /// Of what is on its way to the disk, in units of the sizer.
    reserved: Arc<AtomicU64>,
    /// Set by the start, and taken away by the end.
    open: Mutex<Option<Arc<OpenStore>>>,
    closed: CancellationToken,
    span: tracing::Span,
    /// In milliseconds since 1970.
    pub(crate) slots: Slots,
}

/// Between two attempts to read from a disk that fails.
const READ_PAUSE: Duration = Duration::from_secs(1);
impl DiskQueue {
    pub(crate) fn new(
        config: &QueueConfig,
        storage: ComponentId,
        exporter: ComponentId,
        signal: Signal,
        span: tracing::Span,
    ) -> Self {
        Self {
            storage,
            exporter,
            signal,
            sizer: config.sizer,
            capacity: u64::try_from(config.queue_size).unwrap_or(1),
            block_on_overflow: config.block_on_overflow,
            reserved: Arc::default(),
            open: Mutex::default(),
            closed: CancellationToken::new(),
            span,
            slots: Slots::new(config.slots()),
        }
    }

    /// Opens the folder, or goes on with what the queue that it takes the place of has opened.
    pub(crate) async fn start(&self, host: &Host, accounting: &Accounting) -> Result<(), BoxError> {
        let storage = host.storage(&self.storage)?.clone();
        let path = storage.queue_directory(&self.exporter, self.signal.name);
        let known = host.shared(&path).and_then(|known| known.downcast::<OpenStore>().ok());
        let open = match known {
            Some(known) => known,
            None => {
                let limits = Limits::of(storage.queue_bytes);
                let (opened, recovered) = OpenStore::open(path.clone(), limits, storage.lock_timeout).await?;
                self.tell(&recovered);
                accounting.restored(&recovered);
                let opened = Arc::new(opened);
                host.share(path, &opened);
                opened
            }
        };
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
        Ok(())
    }

    /// Takes a batch in, and returns when it is on stable storage. What is on its way to the disk is taken and accounted
    /// for even if the future is dropped.
    ///
    /// # Errors
    /// The refusal. The batch has not been taken then.
    pub(crate) async fn offer(&self, mut batch: Batch, offered: Offered) -> Result<(), Failure> {
        batch.payload.retain_compressed(None);
        let size = self.sizer.size(&batch.payload) as u64;
        if size == 0 {
            offered.are_taken();
            return Ok(());
        }
        let open = self.open().filter(|_| !self.closed.is_cancelled()).ok_or_else(shut_down)?;
        if size > self.capacity {
            return Err(full("element size too large"));
        }
        let reserved = self.room(&open.store, size, batch.context.deadline).await?;
        let request = Append {
            items: batch.items() as u64,
            accepted: unix_milliseconds(),
            context: context::encode(&batch.context),
            body: batch.payload.contiguous(),
            claim: Claim(Some(Box::new(reserved))),
        };
        let store = open.store.clone();
        let appending = tokio::spawn(async move { store.append(request).await.map(|_| offered.are_taken()) });
        appending.await.unwrap_or(Err(AppendError::Closed)).map_err(refusal)
    }

    /// The next request, into `slot`; nothing when the queue is closed. When the future is dropped, nothing is lost.
    pub(crate) async fn take(&self, slot: Slot<'_>, accounting: &Accounting) -> Option<Stored> {
        let open = self.open()?;
        loop {
            let next = async { open.requests.lock().await.next().await };
            let next = tokio::select! {
                biased;
                () = self.closed.cancelled() => return None,
                next = next => next,
            };
            match next {
                Ok(Given::Entry(entry)) => {
                    slot.add(entry.accepted);
                    return Some(Stored::new(open, self.signal, entry, &accounting.underway));
                }
                Ok(Given::Damaged(damaged)) => {
                    // At once: it is out of the queue already.
                    accounting.damaged(damaged.items);
                    self.tell_damaged(damaged, Count::default());
                }
                Err(error) => self.wait_for_the_disk(&error).await,
            }
        }
    }

    /// What is held, in requests, items and bytes.
    pub(crate) fn held(&self) -> (u64, u64, u64) {
        self.open().map_or((0, 0, 0), |open| {
            let (queued, bytes) = open.store.queued();
            (queued.requests, queued.items, bytes)
        })
    }

    /// What is held, in units of the sizer.
    pub(crate) fn size(&self) -> u64 {
        self.open().map_or(0, |open| open.store.with_queued(|queued, bytes| self.size_of(queued, bytes)))
    }

    fn size_of(&self, queued: Count, bytes: u64) -> u64 {
        match self.sizer {
            Sizer::Requests => queued.requests,
            Sizer::Items => queued.items,
            Sizer::Bytes => bytes,
        }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Since when it holds what it has held the longest. Consumers have the oldest of what it holds.
    pub(crate) fn oldest_age(&self) -> Duration {
        self.slots.oldest().map_or(Duration::ZERO, age)
    }

    /// Takes nothing in, and gives nothing out any more.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Leaves the folder, when nobody has anything of it any more. What is in it stays there.
    pub(crate) async fn end(&self) -> u64 {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(last) = open.and_then(Arc::into_inner) else { return 0 };
        let (queued, _) = last.store.queued();
        if let Err(error) = last.store.close().await {
            self.span.in_scope(|| tell!(QueueCloseFailed { error: &error }));
        }
        if queued.requests > 0 {
            let Count { requests, items } = queued;
            self.span.in_scope(|| tell!(QueueKept { requests: requests.into(), items: items.into() }));
        }
        queued.items
    }

    /// What the queue was ever given, and what became of it.
    pub(crate) fn totals(&self) -> Totals {
        self.open().map(|open| open.store.totals()).unwrap_or_default()
    }

    fn open(&self) -> Option<Arc<OpenStore>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn room(
        &self,
        store: &Store<AnyFile>,
        size: u64,
        deadline: Option<Instant>,
    ) -> Result<Reserved, Failure> {
        loop {
            let mut settled = std::pin::pin!(store.settled());
            // From here on, nothing that is settled is missed.
            settled.as_mut().enable();
            let reserved = store.with_queued(|queued, bytes| {
                let reserved = Reserved::new(&self.reserved, size);
                (self.size_of(queued, bytes) + reserved.total <= self.capacity).then_some(reserved)
            });
            if let Some(reserved) = reserved {
                return Ok(reserved);
            }
            if !self.block_on_overflow {
                return Err(full("sending queue is full"));
            }
            let wait = async {
                tokio::select! {
                    () = settled => Ok(()),
                    () = self.closed.cancelled() => Err(shut_down()),
                }
            };
            match deadline {
                None => wait.await?,
                Some(deadline) => timeout_at(deadline, wait).await.map_err(|_| late())??,
            }
        }
    }

    async fn wait_for_the_disk(&self, error: &ReadError) {
        self.span.in_scope(|| tell!(QueueUnreadable { error: &Causes(error) }));
        tokio::select! {
            () = self.closed.cancelled() => {}
            () = tokio::time::sleep(READ_PAUSE) => {}
        }
    }

    fn tell_damaged(&self, corrupt: Count, lost: Count) {
        self.span.in_scope(|| {
            tell!(QueueDamaged {
                corrupt_requests: corrupt.requests.into(),
                corrupt_items: corrupt.items.into(),
                lost_requests: lost.requests.into(),
                lost_items: lost.items.into(),
            });
        });
    }

    fn tell(&self, recovered: &Recovered) {
        let Recovered { queued, corrupt, lost, torn_bytes, progress_lost, foreign } = recovered;
        if corrupt.requests > 0 || lost.requests > 0 {
            self.tell_damaged(*corrupt, *lost);
        }
        self.span.in_scope(|| {
            if queued.requests > 0 {
                tell!(QueueRestored { requests: queued.requests.into(), items: queued.items.into() });
            }
            if *torn_bytes > 0 {
                tell!(QueueTorn { bytes: (*torn_bytes).into() });
            }
            if *progress_lost {
                tell!(QueueProgressLost);
            }
            for file in foreign {
                tell!(QueueForeignFile { file });
            }
        });
    }
}

/// A share of the capacity for what is on its way to the disk.
struct Reserved {
    sum: Arc<AtomicU64>,
    size: u64,
    /// With those of others.
    total: u64,
}

impl Reserved {
    fn new(reserved: &Arc<AtomicU64>, size: u64) -> Self {
        let total = reserved.fetch_add(size, Ordering::Relaxed) + size;
        Self { sum: reserved.clone(), size, total }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.sum.fetch_sub(self.size, Ordering::Relaxed);
    }
}

fn refusal(error: AppendError) -> Failure {
    match error {
        AppendError::Full { .. } | AppendError::TooLarge { .. } => full(&error.to_string()),
        AppendError::Closed => shut_down(),
        AppendError::Create(_) | AppendError::Write(_) | AppendError::Sync(_) => {
            Failure::new(Code::Unavailable, format!("the sending queue cannot keep data: {error}"))
        }
    }
}
