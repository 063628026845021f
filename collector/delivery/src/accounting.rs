//! What became of each item: counted, and logged when it was not delivered.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use etalon_component::{Batch, Delivered, Failure, Outcome};
use etalon_pdata::Signal;
use etalon_store::Recovered;
use etalon_telemetry::attributes::DropReason;
use etalon_telemetry::metrics::ExporterMetrics;
use etalon_telemetry::{tell, within};

use crate::balance::{Moving, Underway};
use crate::drops::Drops;
use crate::outcomes::Outcomes;
use crate::parts::{Next, Parts, Verdict, is_invalid, is_too_large};
use crate::retry::{Retry, described};
use crate::traced::{Deliveries, Traced};

/// Exports batches, and accounts for them.
pub(crate) struct Accounting {
    pub(crate) retry: Retry,
    pub(crate) metrics: ExporterMetrics,
    pub(crate) drops: Drops,
    pub(crate) signal: Signal,
    pub(crate) span: tracing::Span,
    pub(crate) fate: Fate,
    /// What the user might change; appended to the log message of a failure.
    pub(crate) advice: &'static str,
    pub(crate) deliveries: Deliveries,
    /// Whether what the destination rejects as invalid is sent again in halves.
    pub(crate) bisects: bool,
    pub(crate) underway: Arc<Underway>,
}

/// Told what became of so many items, from this one of a batch on, when there will be no further attempt.
pub(crate) type Note<'a> = &'a (dyn Fn(usize, usize, &Outcome) + Sync);

/// What a failure means for the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The caller learns of it.
    Rejected,
    /// The caller has been told that all is well.
    Dropped,
    /// So has it, and what the collector has no time for is still there at the next start.
    Kept,
}

impl Accounting {
    /// Until this is dropped, a request is between two places of the books.
    pub(crate) fn moving(&self) -> Moving {
        Moving::new(&self.underway)
    }

    /// Exports a batch with as many attempts as the policy has, in parts when it is too large for the
    /// destination. Its items are counted as sent or as failed even if the future is dropped before it
    /// resolves. What became of a part is told to `note` as soon as it is known.
    pub(crate) async fn export(&self, mut batch: Batch, note: Note<'_>) -> Outcomes {
        let traced = self.deliveries.start(&mut batch.context);
        within(traced.context(), self.export_traced(batch, traced, note)).await
    }

    async fn export_traced(&self, batch: Batch, traced: Traced<'_>, note: Note<'_>) -> Outcomes {
        let _in_flight = self.metrics.in_flight_requests(1);
        let all = batch.items();
        let mut pending = Pending { accounting: self, items: all, traced };
        let Batch { payload, context } = batch;
        let (mut parts, mut outcomes) = (Parts::of(payload), Outcomes::default());
        while let Some(next) = parts.next() {
            let (items, bytes) = (next.payload.items(), next.payload.len());
            let outcome = match next.over_limit() {
                Some(outcome) => outcome,
                None => {
                    let batch = Batch { payload: next.payload.clone(), context: context.clone() };
                    self.retry.run(batch).await
                }
            };
            if outcome.is_delivered() {
                parts.taken();
                self.metrics.sent_bytes(bytes);
            }
            let (items, reason, is_last) = match self.verdict(&mut parts, next, &outcome) {
                Verdict::Smaller => continue,
                Verdict::Final => (items, self.reason(&outcome), false),
                Verdict::AllLost => (pending.items, DropReason::Rejected, true),
            };
            let from = all - pending.items;
            pending.settle(items, &outcome, reason);
            if !(outcome.is_retryable() && self.keeps(reason)) {
                note(from, items, &outcome);
            }
            outcomes.add(items, outcome);
            if is_last {
                break;
            }
        }
        outcomes
    }

    /// Whether the outcome of a part is final, or whether the part has been put back to be sent in smaller ones.
    fn verdict(&self, parts: &mut Parts, sent: Next, outcome: &Outcome) -> Verdict {
        let items = sent.payload.items();
        if is_too_large(outcome) {
            let verdict = parts.too_large(sent);
            if let Verdict::Smaller = verdict {
                self.log_smaller(items, outcome);
            }
            return verdict;
        }
        if self.bisects && is_invalid(outcome) {
            let verdict = parts.invalid(sent);
            if let Verdict::Smaller = verdict {
                self.log_bisected(items, outcome);
            }
            return verdict;
        }
        Verdict::Final
    }

    /// Accounts for what an earlier run has left in the queue, and for what of it is damaged.
    pub(crate) fn restored(&self, Recovered { queued, corrupt, lost, .. }: &Recovered) {
        let damaged = corrupt.items + lost.items;
        self.metrics.restored(whole(queued.items + damaged));
        self.damaged(damaged);
    }

    /// Accounts for items that were in the queue and cannot be read.
    pub(crate) fn damaged(&self, items: u64) {
        self.metrics.send_failed(whole(items));
        self.dropped(whole(items), DropReason::Damaged);
    }

    /// Accounts for items that will not be attempted any more. `reason` is why, if their sender does not learn of it.
    pub(crate) fn lose(&self, items: usize, failure: &Failure, reason: DropReason) {
        if self.keeps(reason) {
            return;
        }
        self.metrics.send_failed(items);
        match self.fate {
            Fate::Rejected => self.log_rejected(items, failure),
            Fate::Dropped | Fate::Kept => {
                self.dropped(items, reason);
                self.log_dropped(items, failure);
            }
        }
    }

    /// Whether what is not attempted any more for this reason is still there at the next start.
    fn keeps(&self, reason: DropReason) -> bool {
        self.fate == Fate::Kept && matches!(reason, DropReason::Shutdown | DropReason::InternalError)
    }

    /// Counts items that are lost although their sender was told that all is well.
    fn dropped(&self, items: usize, reason: DropReason) {
        self.metrics.dropped(items, reason);
        self.drops.count(items, reason);
    }

    /// Why items are lost of which this is the last outcome.
    fn reason(&self, outcome: &Outcome) -> DropReason {
        match outcome {
            Outcome::Delivered(_) => DropReason::PartialSuccess,
            Outcome::Permanent(_) if is_too_large(outcome) => DropReason::TooLarge,
            Outcome::Permanent(_) => DropReason::Rejected,
            Outcome::Refused(_) | Outcome::Unknown(_) if self.retry.is_stopping() => DropReason::Shutdown,
            Outcome::Refused(_) | Outcome::Unknown(_) => DropReason::RetriesExhausted,
        }
    }

    /// The number of those that the destination has taken, and of those that it has rejected.
    fn delivered(&self, items: usize, delivered: &Delivered) -> (usize, usize) {
        // A destination may claim to have rejected more than it got.
        let rejected = usize::try_from(delivered.rejected).unwrap_or(usize::MAX).min(items);
        self.metrics.sent(items - rejected);
        self.metrics.send_failed(rejected);
        self.metrics.rejected(rejected);
        if self.fate != Fate::Rejected {
            self.dropped(rejected, DropReason::PartialSuccess);
        }
        self.metrics.last_success(unix_seconds());
        if delivered.rejected > 0 || delivered.message.is_some() {
            self.span.in_scope(|| {
                tell!(ExporterPartialSuccess {
                    destination_message: &delivered.message.as_deref().unwrap_or_default(),
                    otelcol_signal: &self.signal.name,
                    dropped_items: delivered.rejected.into(),
                });
            });
        }
        (items - rejected, rejected)
    }

    fn log_smaller(&self, items: usize, outcome: &Outcome) {
        let error = outcome.failure().map(described).unwrap_or_default();
        self.span.in_scope(|| {
            tell!(ExporterSplit { error: &error, items: items.into() });
        });
    }

    fn log_bisected(&self, items: usize, outcome: &Outcome) {
        let error = outcome.failure().map(described).unwrap_or_default();
        self.span.in_scope(|| {
            tell!(ExporterBisect { error: &error, items: items.into() });
        });
    }

    /// Tells of items that stay with the caller.
    pub(crate) fn log_rejected(&self, items: usize, failure: &Failure) {
        let (error, advice) = (described(failure), self.advice);
        self.span.in_scope(|| {
            tell!(ExporterRejected { error: &error, rejected_items: items.into(), advice: &advice });
        });
    }

    fn log_dropped(&self, items: usize, failure: &Failure) {
        let (error, advice) = (described(failure), self.advice);
        self.span.in_scope(|| {
            tell!(ExporterDropped { error: &error, dropped_items: items.into(), advice: &advice });
        });
    }
}

/// Items whose outcome is not known yet.
struct Pending<'a> {
    accounting: &'a Accounting,
    items: usize,
    traced: Traced<'a>,
}

impl Pending<'_> {
    /// Accounts for so many of the items.
    fn settle(&mut self, items: usize, outcome: &Outcome, reason: DropReason) {
        self.items -= items;
        match outcome {
            Outcome::Delivered(delivered) => {
                let (sent, rejected) = self.accounting.delivered(items, delivered);
                self.traced.arrived(sent, rejected);
            }
            Outcome::Refused(failure) | Outcome::Permanent(failure) | Outcome::Unknown(failure) => {
                self.traced.failed(items, failure);
                self.accounting.lose(items, failure, reason);
            }
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.items == 0 {
            return;
        }
        let failure = Failure::new(etalon_component::Code::Canceled, "given up before there was an outcome");
        self.traced.failed(self.items, &failure);
        let is_stopping = self.accounting.retry.is_stopping();
        let reason = if is_stopping { DropReason::Shutdown } else { DropReason::InternalError };
        self.accounting.lose(self.items, &failure, reason);
    }
}

fn whole(items: u64) -> usize {
    usize::try_from(items).unwrap_or(usize::MAX)
}

fn unix_seconds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
