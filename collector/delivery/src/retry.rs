//! Attempts until one succeeds or the policy ends them.

use std::time::Duration as StdDuration;

use etalon_component::{Batch, Code, Failure, Outcome};
use etalon_conf::{Check, Duration, Validate};
use etalon_telemetry::metrics::ExporterMetrics;
use etalon_telemetry::tell;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::circuit::{Circuit, Late, Place};
use crate::timeout::Attempt;

/// When a request that was refused is sent again, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RetryConfig {
    /// Whether to try again at all. The rules of the other keys hold even if not.
    pub enabled: bool,
    /// How long to wait after the first attempt.
    pub initial_interval: Duration,
    /// By which part of it each wait is made longer or shorter at random; from 0 to 1.
    pub randomization_factor: f64,
    /// How many times longer each wait is than the one before.
    pub multiplier: f64,
    /// Longest wait, before it is randomised.
    pub max_interval: Duration,
    /// Time from the first attempt on after which no other is made. 0 is without end.
    pub max_elapsed_time: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

impl Validate for RetryConfig {
    fn validate(&self, check: &mut Check) {
        let mut rule = |broken: bool, key: &str, text: String| {
            if broken {
                check.at(key, |check| check.error(text));
            }
        };
        let at_least_0 = |key: &str| format!("{key} value must be greater than or equal to 0");
        for (key, duration) in [
            ("initial_interval", self.initial_interval),
            ("max_interval", self.max_interval),
            ("max_elapsed_time", self.max_elapsed_time),
        ] {
            rule(duration.is_negative(), key, at_least_0(key));
        }
        for (key, number) in
            [("randomization_factor", self.randomization_factor), ("multiplier", self.multiplier)]
        {
            rule(!(number >= 0.0 && number.is_finite()), key, at_least_0(key));
        }
        rule(
            self.randomization_factor > 1.0,
            "randomization_factor",
            "randomization_factor value must be less than or equal to 1".to_owned(),
        );
        if self.max_elapsed_time > Duration::ZERO {
            for (key, interval) in
                [("initial_interval", self.initial_interval), ("max_interval", self.max_interval)]
            {
                let text = format!("'max_elapsed_time' must not be less than '{key}'");
                rule(self.max_elapsed_time < interval, "max_elapsed_time", text);
            }
        }
    }
}

/// Makes attempts.
pub(crate) struct Retry {
    attempt: Attempt,
    policy: Option<Policy>,
    /// Only behind a queue: who waits for an answer is told about the destination instead.
    circuit: Option<Circuit>,
    stop: CancellationToken,
    span: tracing::Span,
}

struct Policy {
    backoff: Backoff,
    max_elapsed: Option<StdDuration>,
}

impl Retry {
    /// When `stop` is cancelled, waits end, and what waited gets one last attempt. `consumers` is how many take batches out
    /// of a queue, if there is one.
    pub(crate) fn new(
        attempt: Attempt,
        config: &RetryConfig,
        consumers: Option<usize>,
        stop: CancellationToken,
        (metrics, span): (&ExporterMetrics, tracing::Span),
    ) -> Self {
        let max_elapsed = config.max_elapsed_time.to_std();
        let policy = config.enabled.then(|| Policy {
            backoff: Backoff {
                interval: config.initial_interval.to_std(),
                multiplier: config.multiplier,
                max_interval: config.max_interval.to_std(),
                randomization_factor: config.randomization_factor,
            },
            max_elapsed: (!max_elapsed.is_zero()).then_some(max_elapsed),
        });
        let circuit = policy.as_ref().zip(consumers).map(|(policy, consumers)| {
            Circuit::new(consumers, policy.backoff.clone(), metrics.clone(), span.clone())
        });
        Self { attempt, policy, circuit, stop, span }
    }

    /// One attempt, when it is its turn.
    async fn attempt_at(&self, place: Option<&Place<'_>>, batch: &Batch) -> Result<Outcome, Late> {
        let Some(place) = place else { return Ok(self.attempt.run(batch.clone()).await) };
        let permit = tokio::select! {
            biased;
            permit = place.permit(batch.context.deadline) => Some(permit?),
            // The last attempts are made at once.
            () = self.stop.cancelled() => None,
        };
        let outcome = self.attempt.run(batch.clone()).await;
        if let Some(permit) = permit {
            permit.report(&outcome);
        }
        Ok(outcome)
    }

    /// Whether no further attempt will be made after the one that is under way.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The outcome of the last attempt. Its kind says who owns the data; its message says why there was
    /// no further one.
    pub(crate) async fn run(&self, batch: Batch) -> Outcome {
        let Some(policy) = &self.policy else { return self.attempt.run(batch).await };
        let started = Instant::now();
        let mut backoff = policy.backoff.clone();
        let place = self.circuit.as_ref().map(Circuit::place);
        loop {
            let outcome = match self.attempt_at(place.as_ref(), &batch).await {
                Ok(outcome) => outcome,
                Err(Late(failure)) => return late(failure),
            };
            let failure = match &outcome {
                Outcome::Delivered(_) => return outcome,
                Outcome::Permanent(_) => return ended(outcome, "not retryable error"),
                Outcome::Refused(failure) | Outcome::Unknown(failure) => failure,
            };
            if self.stop.is_cancelled() {
                return ended(outcome, "interrupted due to shutdown");
            }
            let delay = backoff.next_delay().max(failure.delay().unwrap_or_default());
            let Some(next) = Instant::now().checked_add(delay) else {
                return ended(outcome, "no more retries left");
            };
            if policy.max_elapsed.is_some_and(|limit| next.duration_since(started) > limit) {
                return ended(outcome, "no more retries left");
            }
            if batch.context.deadline.is_some_and(|deadline| next > deadline) {
                return ended(outcome, "request will be cancelled before next retry");
            }
            self.span.in_scope(|| {
                tell!(ExporterRetry { error: &described(failure), interval: &Duration::from(delay) });
            });
            tokio::select! {
                () = sleep_until(next) => {}
                // The last attempt comes at once: the destination may be back.
                () = self.stop.cancelled() => {}
            }
        }
    }
}

/// The outcome of what could not be attempted in time; the destination has failed others so.
fn late(failure: Option<Failure>) -> Outcome {
    let message = "the deadline passed while the exporter waited for the destination";
    let because = failure.map(|failure| format!(": {}", described(&failure))).unwrap_or_default();
    Outcome::Refused(Failure::new(Code::DeadlineExceeded, format!("{message}{because}")))
}

/// The same outcome, with the reason why it is the last.
fn ended(outcome: Outcome, why: &str) -> Outcome {
    match outcome {
        Outcome::Delivered(_) => outcome,
        Outcome::Refused(failure) => Outcome::Refused(failure.context(why)),
        Outcome::Permanent(failure) => Outcome::Permanent(failure.context(why)),
        Outcome::Unknown(failure) => Outcome::Unknown(failure.context(why)),
    }
}

/// A failure as log events tell it.
pub(crate) fn described(failure: &Failure) -> String {
    match failure.delay() {
        Some(delay) if !delay.is_zero() => {
            format!("Throttle ({}), error: {}: {failure}", Duration::from(delay), failure.code().name())
        }
        _ => format!("{}: {failure}", failure.code().name()),
    }
}
