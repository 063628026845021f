use std::time::{Duration, SystemTime};

use etalon_telemetry::Telemetry;
use etalon_telemetry::readings::Readings;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Judge, Limits, Verdict};
use crate::Status;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// What one look has found.
#[derive(Clone, Debug)]
pub struct Look {
    /// When it was over.
    pub at: Instant,
    /// What is wrong.
    pub verdict: Verdict,
    /// Attempts to send that have failed lately.
    pub failures: u64,
}

impl Look {
    /// Nothing is known to be wrong yet.
    pub fn nothing() -> Self {
        Self { at: Instant::now(), verdict: Verdict::new(), failures: 0 }
    }
}

/// Looks at the metrics once a second, for ever, and gives away what each look has found.
pub async fn watch(telemetry: Telemetry, status: Status, limits: Limits, mut each: impl FnMut(Look)) {
    let mut judge = Judge::new(limits);
    let mut ticks = tokio::time::interval(INTERVAL);
    // A process that was stopped for a while need not make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        #[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
        let time = SystemTime::now();
        let verdict = judge.look(&Readings::of(&telemetry), &status.outline(), Instant::now(), time);
        each(Look { at: Instant::now(), verdict, failures: judge.failures() });
    }
}
