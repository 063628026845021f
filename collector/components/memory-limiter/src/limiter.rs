//! The budget, what is counted and told of it, and the look at what the process takes.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use etalon_component::{MemoryBudget, MemoryLimits, NoRoom, Settings};
use etalon_telemetry::attributes::{self, LimiterKind, MemoryRefusalReason};
use etalon_telemetry::metrics::{MemoryLimiterAttributes, MemoryLimiterMetrics, MemoryLimiterReads};
use etalon_telemetry::{memory_rss, tell};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::Span;

use crate::Config;
use crate::total::{TotalError, total};

/// What the process takes besides requests is this many bytes at most, as far as the second line is concerned: the
/// program, buffers of connections, and what the allocator keeps.
pub(crate) const OVERHEAD: u64 = 64 * 1024 * 1024;
/// A time of refusals is over when there was none for so many times `check_interval`.
const QUIET_CHECKS: u32 = 5;

/// One budget, for as long as anybody names it.
pub(crate) struct Limiter {
    budget: MemoryBudget,
    metrics: MemoryLimiterMetrics,
    check_interval: Duration,
    /// With so many bytes in use by the process, nothing more is taken in.
    process_limit: u64,
    resident: fn() -> Option<u64>,
    span: Span,
    refusals: Mutex<Option<Refusals>>,
    checking: Mutex<Option<AbortHandle>>,
}

/// A time of refusals.
struct Refusals {
    requests: u64,
    first: Instant,
    last: Instant,
}

impl Limiter {
    /// A budget with the configured limits, of which nobody makes use yet.
    pub(crate) fn new(
        config: &Config,
        settings: &Settings,
        limiter_kind: LimiterKind,
    ) -> Result<Arc<Self>, TotalError> {
        let total = total(Path::new("/"));
        let total = if config.is_relative() { total? } else { total.unwrap_or(u64::MAX) };
        Ok(Self::with(config, settings, limiter_kind, total, memory_rss))
    }

    /// As [`new`](Self::new), where the process may use `total` bytes, and `resident` tells how many it uses.
    pub(crate) fn with(
        config: &Config,
        settings: &Settings,
        limiter_kind: LimiterKind,
        total: u64,
        resident: fn() -> Option<u64>,
    ) -> Arc<Self> {
        let limits = config.limits(total);
        let MemoryLimits { hard, soft } = limits;
        let spike = (hard - soft) as u64;
        let process_limit = (hard as u64).saturating_add(OVERHEAD).min(total).saturating_sub(spike);
        Arc::new_cyclic(|limiter: &Weak<Self>| {
            let limiter = limiter.clone();
            let budget = MemoryBudget::fair_by(limits, config.fair_by(), move |why| {
                if let Some(limiter) = limiter.upgrade() {
                    limiter.refused(why);
                }
            });
            let read = budget.clone();
            let reads = MemoryLimiterReads {
                limit: move || hard as u64,
                soft_limit: move || soft as u64,
                reserved: move || read.reserved() as u64,
            };
            let id = settings.id.to_string();
            let of = MemoryLimiterAttributes { limiter: attributes::Limiter(&id), limiter_kind };
            Self {
                budget,
                metrics: MemoryLimiterMetrics::new(&settings.telemetry, of, reads),
                check_interval: config.check_interval.to_std(),
                process_limit,
                resident,
                span: settings.span.clone(),
                refusals: Mutex::default(),
                checking: Mutex::default(),
            }
        })
    }

    pub(crate) fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Begins to look at what the process takes, until this is dropped.
    pub(crate) fn start(self: &Arc<Self>) {
        let MemoryLimits { hard, soft } = self.budget.limits();
        let check_interval = etalon_conf::Duration::from(self.check_interval);
        self.span.in_scope(|| {
            tell!(MemoryLimiterConfigured {
                limit_bytes: (hard as u64).into(),
                soft_limit_bytes: (soft as u64).into(),
                check_interval: &check_interval,
            });
        });
        let checking = tokio::spawn(check(Arc::downgrade(self), self.check_interval)).abort_handle();
        *self.checking.lock().unwrap_or_else(PoisonError::into_inner) = Some(checking);
    }

    /// Ends what [`start`](Self::start) began.
    pub(crate) fn stop(&self) {
        if let Some(checking) = self.checking.lock().unwrap_or_else(PoisonError::into_inner).take() {
            checking.abort();
        }
        if let Some(refusals) = self.refusals().take() {
            self.tell_ended(&refusals);
        }
    }

    fn refused(&self, why: NoRoom) {
        let reason = match why {
            NoRoom::TooLarge { .. } => MemoryRefusalReason::TooLarge,
            NoRoom::Full => MemoryRefusalReason::Full,
            NoRoom::Share => MemoryRefusalReason::Share,
            NoRoom::Process => MemoryRefusalReason::Process,
        };
        self.metrics.refused_requests(1, reason);
        if reason == MemoryRefusalReason::TooLarge {
            return;
        }
        let (mut refusals, now) = (self.refusals(), Instant::now());
        if let Some(refusals) = &mut *refusals {
            refusals.requests += 1;
            refusals.last = now;
            return;
        }
        *refusals = Some(Refusals { requests: 1, first: now, last: now });
        let reserved = self.budget.reserved() as u64;
        self.span.in_scope(|| {
            tell!(MemoryRefusalStarted { memory_refusal_reason: reason, reserved_bytes: reserved.into() });
        });
    }

    /// Looks at what the process takes, and whether a time of refusals is over. `readable` is whether the first could
    /// be read the last time.
    fn check(&self, readable: bool) -> bool {
        let resident = (self.resident)();
        self.budget.overdraw(resident.is_some_and(|bytes| bytes >= self.process_limit));
        if resident.is_none() && readable {
            self.span.in_scope(|| tell!(MemoryUnreadable));
        }
        let has_room = self.budget.reserved() < self.budget.limits().soft;
        let quiet = self.check_interval.saturating_mul(QUIET_CHECKS);
        let mut refusals = self.refusals();
        if let Some(over) = refusals.take_if(|refusals| has_room && refusals.last.elapsed() >= quiet) {
            self.tell_ended(&over);
        }
        resident.is_some()
    }

    fn tell_ended(&self, refusals: &Refusals) {
        let duration = etalon_conf::Duration::from(refusals.last - refusals.first);
        self.span.in_scope(|| {
            tell!(MemoryRefusalEnded { requests: refusals.requests.into(), duration: &duration });
        });
    }

    fn refusals(&self) -> MutexGuard<'_, Option<Refusals>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks from time to time, as long as there is a limiter.
async fn check(limiter: Weak<Limiter>, check_interval: Duration) {
    let mut ticks = interval(check_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut readable = true;
    loop {
        ticks.tick().await;
        let Some(limiter) = limiter.upgrade() else { return };
        readable = limiter.check(readable);
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.stop();
    }
}
