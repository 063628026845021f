//! Pushes the collector's own metrics, each interval and a last time at the end.

mod otlp;
mod plan;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use etalon_component::{BoxError, Host, Outcome};
use etalon_pdata::{METRICS, Payload};
use etalon_telemetry::{Selection, Telemetry, tell};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::otlp::Encoder;
pub(crate) use self::plan::{Planned, Running, plan};
use crate::own::Target;

pub(crate) use crate::telemetry_config::Temporality;

/// When and what is pushed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    /// Time between two pushes.
    pub(crate) interval: Duration,
    /// Longest time for one push.
    pub(crate) timeout: Duration,
    pub(crate) temporality: Temporality,
    pub(crate) selection: Selection,
}

/// A running push.
#[derive(Debug)]
pub(crate) struct Push {
    target: Arc<Target>,
    /// Dropping it asks for the last push.
    stop: DropGuard,
    task: JoinHandle<()>,
}

struct Pusher {
    schedule: Schedule,
    telemetry: Telemetry,
    target: Arc<Target>,
    encoder: Encoder,
}

impl Push {
    /// Pushes from now on, the first time after an interval.
    pub(crate) async fn start(
        schedule: Schedule,
        telemetry: Telemetry,
        target: Target,
        host: &Host,
    ) -> Result<Self, BoxError> {
        target.start(host).await?;
        let (target, stop) = (Arc::new(target), CancellationToken::new());
        let encoder = Encoder::new(schedule.temporality, &telemetry);
        let pusher = Pusher { schedule, telemetry, target: target.clone(), encoder };
        let task = tokio::spawn(pusher.run(stop.clone()));
        Ok(Self { target, stop: stop.drop_guard(), task })
    }

    /// Pushes a last time and ends, at `deadline` at the latest.
    pub(crate) async fn shutdown(self, deadline: Instant) {
        let Self { target, stop, mut task } = self;
        drop(stop);
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
        }
        target.shutdown(deadline).await;
    }
}

impl Pusher {
    async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.schedule.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.push().await;
        }
        self.push().await;
    }

    async fn push(&mut self) {
        let snapshot = self.telemetry.snapshot(&self.schedule.selection);
        #[expect(clippy::disallowed_methods, reason = "the time that a data point tells is wall time")]
        let now = SystemTime::now();
        let request = self.encoder.encode(&snapshot, now);
        if request.points == 0 {
            return;
        }
        let payload = Payload::from_validated(METRICS, request.bytes.into(), request.points);
        let outcome = self.target.send(payload, self.schedule.timeout).await;
        if let Some(failure) = outcome.failure() {
            tell!(TelemetryMetricsPushFailed { error: failure });
        }
        // What may have arrived is not sent again: it would be counted twice.
        let taken = !matches!(outcome, Outcome::Refused(_) | Outcome::Permanent(_));
        if taken {
            self.encoder.advance(&snapshot, now);
        }
    }
}
