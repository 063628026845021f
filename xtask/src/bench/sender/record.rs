//! What the workers of a sender count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::bench::content::{Content, Tally};
use crate::bench::corpus::Prepared;
use crate::bench::events::{Latency, Sent};
use crate::bench::histogram::Histogram;

/// A request that leaves later than this after its intended start is late.
const LATE: Duration = Duration::from_millis(1);

#[derive(Debug, Default)]
pub(super) struct Record {
    acknowledged: Tally,
    rejected_items: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    first_error: Mutex<Option<String>>,
    window: Mutex<Window>,
}

/// Only what was intended to start between `begin` and `end` counts.
#[derive(Debug, Default)]
struct Window {
    begin: Option<Instant>,
    end: Option<Instant>,
    latencies: Histogram,
    left: u64,
    late: u64,
}

impl Window {
    fn holds(&self, intended: Instant) -> bool {
        self.begin.is_some_and(|begin| intended >= begin) && self.end.is_none_or(|end| intended < end)
    }
}

impl Record {
    pub(super) fn begin(&self) {
        self.window().begin = Some(Instant::now());
    }

    pub(super) fn end(&self) {
        self.window().end = Some(Instant::now());
    }

    /// A request of the open loop leaves.
    pub(super) fn left(&self, intended: Instant, now: Instant) {
        let mut window = self.window();
        if window.holds(intended) {
            window.left += 1;
            window.late += u64::from(now.saturating_duration_since(intended) > LATE);
        }
    }

    pub(super) fn accepted(&self, request: &Prepared, rejected: u64, intended: Instant) {
        self.acknowledged.add(&request.content);
        self.rejected_items.fetch_add(rejected, Ordering::Relaxed);
        let taken = intended.elapsed();
        let mut window = self.window();
        if window.holds(intended) {
            window.latencies.record(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn refused(&self, why: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.note(why);
    }

    /// Counts a request without an answer; returns how many there are.
    pub(super) fn failed(&self, why: &str) -> u64 {
        self.note(why);
        self.failed.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn acknowledged(&self) -> Content {
        self.acknowledged.get()
    }

    pub(super) fn refusals(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self) -> Sent {
        let window = self.window();
        let latencies = &window.latencies;
        Sent {
            acknowledged: self.acknowledged.get(),
            rejected_items: self.rejected_items.load(Ordering::Relaxed),
            refused: self.refusals(),
            failed: self.failed.load(Ordering::Relaxed),
            first_error: self.first_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            latency: Latency {
                requests: latencies.count(),
                p50: latencies.quantile(0.5),
                p90: latencies.quantile(0.9),
                p99: latencies.quantile(0.99),
                p999: latencies.quantile(0.999),
                max: latencies.max(),
            },
            late_share: if window.left == 0 { 0.0 } else { window.late as f64 / window.left as f64 },
        }
    }

    fn note(&self, why: &str) {
        let mut first = self.first_error.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = Some(why.to_owned());
        }
    }

    fn window(&self) -> std::sync::MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Prepared {
        Prepared {
            body: bytes::Bytes::new(),
            content: Content { requests: 1, items: 10, ..Content::default() },
        }
    }

    #[test]
    fn only_requests_intended_within_the_window_are_timed_but_all_are_counted() {
        let record = Record::default();
        let early = Instant::now();
        record.accepted(&request(), 0, early);
        record.begin();
        record.accepted(&request(), 0, early);
        record.accepted(&request(), 3, Instant::now());
        record.end();
        record.accepted(&request(), 0, Instant::now());
        let sent = record.sent();
        assert_eq!((sent.acknowledged.requests, sent.acknowledged.items), (4, 40));
        assert_eq!((sent.latency.requests, sent.rejected_items), (1, 3));
    }

    #[test]
    fn the_latency_counts_from_the_intended_start_and_lateness_from_one_millisecond() {
        let record = Record::default();
        record.begin();
        let intended = Instant::now();
        record.left(intended, intended + Duration::from_micros(900));
        record.left(intended, intended + Duration::from_micros(1100));
        assert!((record.sent().late_share - 0.5).abs() < 1e-9);
    }

    #[test]
    fn the_first_error_is_kept() {
        let record = Record::default();
        record.refused("first");
        assert_eq!(record.failed("second"), 1);
        assert_eq!(record.sent().first_error.as_deref(), Some("first"));
    }
}
