//! The metrics of the last seconds, of which rates are made.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etalon_telemetry::Telemetry;
use etalon_telemetry::readings::{
    ExporterReading, Processor, ProcessorReading, Readings, ReceiverReading, Who,
};
use tokio::time::{Instant, MissedTickBehavior};

/// Between two samples.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);
/// Samples that are kept: rates are those of ten seconds.
const KEPT: usize = 6;

/// The samples. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Samples(Arc<Mutex<VecDeque<(Instant, Arc<Readings>)>>>);

/// What the metrics say now, and what they said a few seconds ago.
pub(crate) struct Window {
    pub(crate) now: Arc<Readings>,
    before: Arc<Readings>,
    /// Between the two.
    pub(crate) seconds: f64,
}

impl Samples {
    pub(crate) fn add(&self, at: Instant, readings: Readings) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((at, Arc::new(readings)));
    }

    pub(crate) fn window(&self) -> Window {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (kept.front(), kept.back()) {
            (Some((first, before)), Some((last, now))) => Window {
                now: now.clone(),
                before: before.clone(),
                seconds: last.duration_since(*first).as_secs_f64(),
            },
            _ => Window { now: Arc::default(), before: Arc::default(), seconds: 0.0 },
        }
    }
}

impl Window {
    /// Of something that only grows, how much it grew in a second. What was not there before has not grown.
    fn rate(&self, now: u64, before: Option<u64>) -> f64 {
        let grown = now.saturating_sub(before.unwrap_or(now));
        #[expect(clippy::cast_precision_loss, reason = "told to people")]
        let grown = grown as f64;
        if self.seconds > 0.0 { grown / self.seconds } else { 0.0 }
    }

    pub(crate) fn receiver_rate(&self, who: &Who, of: impl Fn(&ReceiverReading) -> u64) -> f64 {
        let Some(now) = self.now.receivers.get(who) else { return 0.0 };
        self.rate(of(now), self.before.receivers.get(who).map(of))
    }

    pub(crate) fn processor_rate(&self, who: &Processor, of: impl Fn(&ProcessorReading) -> u64) -> f64 {
        let Some(now) = self.now.processors.get(who) else { return 0.0 };
        self.rate(of(now), self.before.processors.get(who).map(of))
    }

    pub(crate) fn exporter_rate(&self, who: &Who, of: impl Fn(&ExporterReading) -> u64) -> f64 {
        let Some(now) = self.now.exporters.get(who) else { return 0.0 };
        self.rate(of(now), self.before.exporters.get(who).map(of))
    }

    /// The part of one processor's time that the process takes; two of two are 2.
    pub(crate) fn cpu(&self) -> f64 {
        if self.seconds > 0.0 { (self.now.cpu_seconds - self.before.cpu_seconds) / self.seconds } else { 0.0 }
    }
}

/// Takes samples for ever.
pub(crate) async fn sample(telemetry: Telemetry, samples: Samples) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        samples.add(Instant::now(), Readings::of(&telemetry));
    }
}
