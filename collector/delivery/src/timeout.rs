//! One attempt, which may take only so long.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use etalon_component::{Batch, Code, Consumer, Failure, Outcome};
use etalon_conf::{Check, Duration, Validate};
use etalon_telemetry::attributes;
use etalon_telemetry::metrics::ExporterMetrics;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

/// How long one attempt may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TimeoutConfig {
    /// Of one attempt. 0 is without limit.
    pub timeout: Duration,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5) }
    }
}

impl Validate for TimeoutConfig {
    fn validate(&self, check: &mut Check) {
        if self.timeout.is_negative() {
            check.at("timeout", |check| check.error("'timeout' must be non-negative"));
        }
    }
}

/// The sender, given so much time for each attempt.
pub(crate) struct Attempt {
    sender: Arc<dyn Consumer>,
    limit: Option<StdDuration>,
    metrics: ExporterMetrics,
}

impl Attempt {
    /// A limit of zero is none.
    pub(crate) fn new(sender: Arc<dyn Consumer>, limit: StdDuration, metrics: ExporterMetrics) -> Self {
        Self { sender, limit: (!limit.is_zero()).then_some(limit), metrics }
    }

    /// Makes one attempt. The batch carries the deadline of the attempt, the earlier of the limit's and
    /// the caller's, to the sender.
    pub(crate) async fn run(&self, mut batch: Batch) -> Outcome {
        let now = Instant::now();
        let limit = self.limit.and_then(|limit| now.checked_add(limit));
        let deadline = match (limit, batch.context.deadline) {
            (Some(limit), Some(deadline)) => limit.min(deadline),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return self.timed(now, self.sender.consume(batch).await),
        };
        if deadline <= now {
            return Outcome::Refused(Failure::new(
                Code::DeadlineExceeded,
                "the sender's deadline has passed",
            ));
        }
        batch.context.deadline = Some(deadline);
        let outcome = match timeout_at(deadline, self.sender.consume(batch)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown(Failure::new(
                Code::DeadlineExceeded,
                format!("no answer within {:?}", deadline.duration_since(now)),
            )),
        };
        self.timed(now, outcome)
    }

    fn timed(&self, began: Instant, outcome: Outcome) -> Outcome {
        let told = match &outcome {
            Outcome::Delivered(_) => attributes::Outcome::Delivered,
            Outcome::Refused(_) => attributes::Outcome::Refused,
            Outcome::Permanent(_) => attributes::Outcome::Permanent,
            Outcome::Unknown(_) => attributes::Outcome::Unknown,
        };
        self.metrics.request_duration(began.elapsed(), told);
        outcome
    }
}
