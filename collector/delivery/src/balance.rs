//! Whether what came to an exporter is what went out, and what is still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use etalon_telemetry::metrics::{ExporterMetrics, QueueMetrics};

use crate::queue::Queue;

/// The books of one exporter and signal, from the very counters that are told.
pub(crate) struct Balance {
    pub(crate) exporter: ExporterMetrics,
    pub(crate) queue: Option<(Arc<Queue>, Arc<QueueMetrics>)>,
    pub(crate) underway: Arc<Underway>,
    /// As it was when nothing was under way.
    pub(crate) known: AtomicU64,
}

/// Requests that are between two places, so that the books cannot balance.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    now: AtomicU64,
    ever: AtomicU64,
}

/// One of them, as long as this lives.
#[derive(Debug)]
pub(crate) struct Moving(Arc<Underway>);

impl Balance {
    /// The number of items that are missing, or that are there too often.
    pub(crate) fn imbalance(&self) -> u64 {
        let before = self.underway.ever.load(Ordering::SeqCst);
        if self.underway.now.load(Ordering::SeqCst) > 0 {
            return self.known.load(Ordering::Relaxed);
        }
        let imbalance = self.read();
        // What began meanwhile may have changed some of it.
        if self.underway.ever.load(Ordering::SeqCst) == before {
            self.known.store(imbalance, Ordering::Relaxed);
        }
        self.known.load(Ordering::Relaxed)
    }

    fn read(&self) -> u64 {
        let exporter = &self.exporter;
        let came = exporter.incoming_so_far() + exporter.restored_so_far();
        let ended = exporter.sent_so_far() + exporter.send_failed_so_far() + exporter.kept_so_far();
        let queue = self.queue.as_ref();
        let queued = queue.map_or(0, |(queue, metrics)| queue.held().1 + metrics.enqueue_failed_so_far());
        came.abs_diff(ended + queued)
    }
}

impl Moving {
    pub(crate) fn new(underway: &Arc<Underway>) -> Self {
        underway.now.fetch_add(1, Ordering::SeqCst);
        underway.ever.fetch_add(1, Ordering::SeqCst);
        Self(underway.clone())
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use etalon_telemetry::Telemetry;
    use etalon_telemetry::attributes::{DataType, Exporter};
    use etalon_telemetry::metrics::ExporterAttributes;

    use super::*;

    #[test]
    fn what_is_missing_shows_as_soon_as_nothing_is_under_way() {
        let of = ExporterAttributes { data_type: DataType::Traces, exporter: Exporter("test") };
        let exporter = ExporterMetrics::new(&Telemetry::new(&[]), of);
        let underway = Arc::default();
        let balance = Balance { exporter: exporter.clone(), queue: None, underway, known: AtomicU64::new(0) };
        let moving = Moving::new(&balance.underway);
        exporter.incoming(10);
        assert_eq!(balance.imbalance(), 0, "it is on its way");
        exporter.sent(6);
        exporter.send_failed(1);
        drop(moving);
        assert_eq!(balance.imbalance(), 3);
        exporter.sent(5);
        assert_eq!(balance.imbalance(), 2, "too often");
    }
}
