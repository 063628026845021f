//! Holds attempts back while the destination takes nothing, and lets them begin again one after another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etalon_component::{Failure, Outcome, random_unit};
use etalon_telemetry::metrics::ExporterMetrics;
use etalon_telemetry::tell;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::retry::described;

/// What the attempts of all consumers of a queue have in common.
///
/// As many attempts that fail one after another as there are consumers, at least [`FAILURES_MIN`], open it, and so does a
/// destination that says after what time it wants to be asked again. While it is open, one attempt at a time is made, that
/// of the oldest batch, each after a longer pause. The first answer closes it; from then on each answer allows
/// one attempt more at once.
pub(crate) struct Circuit {
    /// Attempts at once.
    most: usize,
    /// Failures in a row that open it.
    failures_max: usize,
    pauses: Backoff,
    places: AtomicU64,
    state: Mutex<State>,
    changed: Notify,
    metrics: ExporterMetrics,
    span: tracing::Span,
}

/// Failures in a row that leave it closed, at least.
const FAILURES_MIN: usize = 5;

/// A destination that wants to be left alone for longer than this is asked again all the same, with one batch.
const HINT_MAX: Duration = Duration::from_mins(5);

struct State {
    /// The places of the batches that are ready for an attempt.
    ready: Vec<u64>,
    under_way: usize,
    /// Attempts at once for now.
    window: usize,
    failures: usize,
    open: Option<Open>,
}

struct Open {
    since: Instant,
    /// When the next attempt may be made.
    until: Instant,
    pauses: Backoff,
    failure: Failure,
}

/// The place of a batch: the older goes first.
pub(crate) struct Place<'a> {
    circuit: &'a Circuit,
    number: u64,
}

/// An attempt that may be made.
pub(crate) struct Permit<'a>(&'a Circuit);

/// The sender's deadline has passed before an attempt could be made; the failure is why.
pub(crate) struct Late(pub(crate) Option<Failure>);

impl Circuit {
    /// For so many consumers, with pauses as between the attempts for one batch.
    pub(crate) fn new(
        consumers: usize,
        pauses: Backoff,
        metrics: ExporterMetrics,
        span: tracing::Span,
    ) -> Self {
        metrics.circuit_open(0);
        let (ready, open) = (Vec::with_capacity(consumers), None);
        let state = State { ready, under_way: 0, window: consumers, failures: 0, open };
        Self {
            most: consumers,
            failures_max: consumers.max(FAILURES_MIN),
            pauses,
            places: AtomicU64::new(0),
            state: Mutex::new(state),
            changed: Notify::new(),
            metrics,
            span,
        }
    }

    /// A place behind all others.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { circuit: self, number: self.places.fetch_add(1, Ordering::Relaxed) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, state: &mut State, failure: &Failure) {
        state.failures += 1;
        let hint = failure.delay().filter(|hint| !hint.is_zero()).map(|hint| hint.min(HINT_MAX));
        let is_open = state.open.is_some();
        if !is_open && hint.is_none() && state.failures < self.failures_max {
            return;
        }
        let now = Instant::now();
        let open = state.open.get_or_insert_with(|| Open {
            since: now,
            until: now,
            pauses: self.pauses.clone(),
            failure: failure.clone(),
        });
        // A little later than it was told, so that not all come at once who were told the same.
        let hint = hint.map(|hint| hint.mul_f64(1.0 + random_unit() / 10.0));
        // Attempts that were under way when it opened do not make the pause longer.
        let pause = if open.until <= now { open.pauses.next_delay() } else { Duration::ZERO };
        let pause = pause.max(hint.unwrap_or_default());
        open.until = open.until.max(now + pause);
        open.failure = failure.clone();
        state.window = 1;
        if !is_open {
            self.metrics.circuit_open(1);
            let (error, interval) = (described(failure), etalon_conf::Duration::from(pause));
            self.span.in_scope(|| tell!(ExporterCircuitOpened { error: &error, interval: &interval }));
        }
    }

    fn answered(&self, state: &mut State) {
        state.failures = 0;
        state.window = (state.window + 1).min(self.most);
        if let Some(open) = state.open.take() {
            self.metrics.circuit_open(0);
            let duration = etalon_conf::Duration::from(open.since.elapsed());
            self.span.in_scope(|| tell!(ExporterCircuitClosed { duration: &duration }));
        }
    }
}

impl<'a> Place<'a> {
    /// Waits until an attempt may be made.
    ///
    /// # Errors
    /// When that is not before `deadline`.
    pub(crate) async fn permit(&self, deadline: Option<Instant>) -> Result<Permit<'a>, Late> {
        let _ready = Ready::new(self);
        loop {
            let mut changed = std::pin::pin!(self.circuit.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            let pause = {
                let mut state = self.circuit.state();
                let now = Instant::now();
                let pause = state.open.as_ref().map(|open| open.until).filter(|until| *until > now);
                let is_first = state.ready.iter().min() == Some(&self.number);
                if pause.is_none() && is_first && state.under_way < state.window {
                    state.under_way += 1;
                    return Ok(Permit(self.circuit));
                }
                pause.filter(|_| is_first)
            };
            let wait = async {
                match pause {
                    None => changed.await,
                    Some(until) => tokio::select! {
                        () = changed => {}
                        () = sleep_until(until) => {}
                    },
                }
            };
            match deadline {
                None => wait.await,
                Some(deadline) => {
                    if tokio::time::timeout_at(deadline, wait).await.is_err() {
                        let state = self.circuit.state();
                        return Err(Late(state.open.as_ref().map(|open| open.failure.clone())));
                    }
                }
            }
        }
    }
}

/// A batch that waits for a permit. Whatever ends the wait, those behind it move up.
struct Ready<'a>(&'a Place<'a>);

impl<'a> Ready<'a> {
    fn new(place: &'a Place<'a>) -> Self {
        place.circuit.state().ready.push(place.number);
        Self(place)
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        let Place { circuit, number } = self.0;
        circuit.state().ready.retain(|other| other != number);
        circuit.changed.notify_waiters();
    }
}

impl Permit<'_> {
    /// Ends the attempt with its outcome.
    pub(crate) fn report(self, outcome: &Outcome) {
        let mut state = self.0.state();
        match outcome {
            Outcome::Delivered(_) | Outcome::Permanent(_) => self.0.answered(&mut state),
            Outcome::Refused(failure) | Outcome::Unknown(failure) => self.0.failed(&mut state, failure),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.changed.notify_waiters();
    }
}
