//! Pushes the collector's own metrics, each interval and a last time at the end.

mod otlp;
mod plan;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use etalon_component::{Batch, BoxError, Host, Outcome, Stage};
use etalon_pdata::{METRICS, Payload, json};
use etalon_telemetry::{Selection, Telemetry};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::otlp::Encoder;
pub(crate) use self::plan::{Planned, Running, plan};

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

/// Where it is pushed to.
pub(crate) enum Target {
    /// An exporter of OTLP.
    Exporter(Stage),
    /// Standard output: a line of OTLP's JSON for each push.
    Console,
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
        if let Target::Exporter(stage) = &target {
            stage.component.start(host).await?;
        }
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
        if let Target::Exporter(stage) = &*target
            && let Err(error) = stage.component.shutdown(deadline).await
        {
            tracing::warn!(
                error = crate::chain(&*error),
                "The exporter of own metrics did not shut down cleanly"
            );
        }
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
        let taken = match &*self.target {
            Target::Console => {
                print(&request.bytes);
                true
            }
            Target::Exporter(stage) => {
                let payload = Payload::from_validated(METRICS, request.bytes.into(), request.points);
                let sending = stage.consumer.consume(Batch::new(payload));
                let outcome = timeout(self.schedule.timeout, sending).await;
                let outcome = outcome.unwrap_or_else(|_| Outcome::unknown("no answer in time"));
                if let Some(failure) = outcome.failure() {
                    tracing::warn!(error = %failure, "Own metrics could not be pushed");
                }
                // What may have arrived is not sent again: it would be counted twice.
                !matches!(outcome, Outcome::Refused(_) | Outcome::Permanent(_))
            }
        };
        if taken {
            self.encoder.advance(&snapshot, now);
        }
    }
}

fn print(request: &[u8]) {
    let mut line = Vec::with_capacity(4 * request.len());
    if let Err(error) = json::encode(METRICS.request, request, &mut line) {
        return tracing::warn!(%error, "Own metrics could not be written as JSON");
    }
    line.push(b'\n');
    if let Err(error) = std::io::stdout().lock().write_all(&line) {
        tracing::warn!(%error, "Own metrics could not be written to standard output");
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Exporter(_) => "Exporter",
            Self::Console => "Console",
        })
    }
}
