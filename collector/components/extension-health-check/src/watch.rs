//! Looks at the metrics once a second, and keeps what came of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use etalon_component::Status;
use etalon_telemetry::readings::Readings;
use etalon_telemetry::{Telemetry, tell};
use tokio::time::{Instant, MissedTickBehavior};

use crate::judge::{Judge, Verdict};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the latest look has found. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Latest(Arc<Mutex<Look>>);

/// What one look has found.
#[derive(Clone)]
pub(crate) struct Look {
    /// When it was over.
    pub(crate) at: Instant,
    pub(crate) verdict: Verdict,
    /// Attempts to send that have failed lately.
    pub(crate) failures: u64,
}

impl Latest {
    pub(crate) fn new() -> Self {
        let nothing = Look { at: Instant::now(), verdict: Verdict::new(), failures: 0 };
        Self(Arc::new(Mutex::new(nothing)))
    }

    pub(crate) fn get(&self) -> Look {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, look: Look) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = look;
    }
}

/// Looks for ever.
pub(crate) async fn watch(telemetry: Telemetry, status: Status, mut judge: Judge, latest: Latest) {
    let mut ticks = tokio::time::interval(INTERVAL);
    // A process that was stopped for a while need not make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Verdict::new();
    loop {
        ticks.tick().await;
        #[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
        let time = SystemTime::now();
        let verdict = judge.look(&Readings::of(&telemetry), &status.outline(), Instant::now(), time);
        tell_changes(&before, &verdict);
        before.clone_from(&verdict);
        latest.set(Look { at: Instant::now(), verdict, failures: judge.failures() });
    }
}

fn tell_changes(before: &Verdict, now: &Verdict) {
    for (pipeline, findings) in now {
        let was = before.get(pipeline).is_some_and(|findings| !findings.is_empty());
        match findings.first() {
            Some(finding) if !was => {
                let problem = format!("{} {}: {}", finding.role, finding.id, finding.text);
                tell!(PipelineDegraded { otelcol_pipeline_id: pipeline, error: &problem });
            }
            None if was => tell!(PipelineRecovered { otelcol_pipeline_id: pipeline }),
            Some(_) | None => {}
        }
    }
}
