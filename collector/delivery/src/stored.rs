//! A request that was taken out of a queue on disk.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use etalon_component::Batch;
use etalon_pdata::{Most, Part, Payload, Signal};
use etalon_store::{Append, Entry, Verdict};

use crate::context;
use crate::open_store::OpenStore;
use crate::outcomes::{Counts, Outcomes};

/// Dropped without an outcome, it is given out again.
pub(crate) struct Stored {
    pub(crate) batch: Batch,
    /// How long the queue has had it.
    pub(crate) age: Duration,
    /// When it was accepted, in milliseconds since 1970.
    pub(crate) accepted: u64,
    store: Arc<OpenStore>,
    seq: u64,
    bytes: usize,
    /// Whether it must not be given out again.
    is_done: bool,
}

impl Stored {
    /// An entry of the store.
    pub(crate) fn new(store: Arc<OpenStore>, signal: Signal, entry: Entry) -> Self {
        let (seq, bytes, accepted) = (entry.seq, entry.size(), entry.accepted);
        let items = usize::try_from(entry.items).unwrap_or(usize::MAX);
        let payload = Payload::from_validated(signal, entry.body, items);
        let batch = Batch { payload, context: context::decode(entry.context) };
        Self { batch, age: age(accepted), accepted, store, seq, bytes, is_done: false }
    }

    /// Notes what became of its items. While the chain `is_stopping`, what may yet be delivered stays in the queue.
    pub(crate) async fn finish(mut self, outcomes: &Outcomes, is_stopping: bool) {
        let Counts { delivered, rejected, owned } = outcomes.counts();
        let mut verdicts = vec![(Verdict::Delivered, delivered), (Verdict::Failed, rejected)];
        if !is_stopping {
            verdicts.push((Verdict::Dropped, owned));
        } else if owned > 0 {
            if delivered + rejected == 0 || !self.keep_owned(outcomes).await {
                return;
            }
            verdicts.push((Verdict::Moved, owned));
        }
        let mut verdicts: Vec<_> =
            verdicts.into_iter().map(|(verdict, items)| (verdict, items as u64)).collect();
        verdicts.retain(|(_, items)| *items > 0);
        if verdicts.is_empty() {
            // A request is settled even if it has no items.
            verdicts.push((Verdict::Delivered, 0));
        }
        self.is_done = true;
        self.store.store.settle(self.seq, self.bytes, &verdicts).await;
    }

    /// Appends those of its items that may yet be delivered as a request of their own, so that the others do not come
    /// again. Whether that was possible.
    async fn keep_owned(&self, outcomes: &Outcomes) -> bool {
        let mut parts = self.batch.payload.clone().into_parts();
        let mut kept: Option<Payload> = None;
        for (items, is_owned) in outcomes.owned() {
            let Some(items) = NonZeroUsize::new(items) else { continue };
            let Some(Part::Fits(part)) = parts.next_within(Most::Items(items)) else { return false };
            match &mut kept {
                _ if !is_owned => {}
                Some(kept) => kept.join(part),
                None => kept = Some(part),
            }
        }
        let Some(kept) = kept else { return false };
        let request = Append {
            items: kept.items() as u64,
            accepted: self.accepted,
            context: context::encode(&self.batch.context),
            body: kept.contiguous(),
        };
        self.store.store.append(request).await.is_ok()
    }

    /// Leaves it on the disk until the next start: the exporter panics over it, and would do so again.
    pub(crate) fn set_aside(mut self) {
        self.is_done = true;
    }
}

/// What nobody knows the end of is sent again, by whoever has the queue then.
impl Drop for Stored {
    fn drop(&mut self) {
        if !self.is_done {
            self.store.store.give_back(self.seq);
        }
    }
}

/// What a clock has to tell that goes on when no process runs.
pub(crate) fn unix_milliseconds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "an age that survives the process; no decision depends on it"
    )]
    let now = SystemTime::now();
    u64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Since so many milliseconds after 1970.
pub(crate) fn age(since: u64) -> Duration {
    Duration::from_millis(unix_milliseconds().saturating_sub(since))
}
