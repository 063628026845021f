//! Ten times what the destination takes.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use super::{Load, Summary, drained};
use crate::{Etalon, Sink, Verdict};

/// Sends ten times what the destination takes to a collector with a budget for its memory.
#[derive(Clone, Copy, Debug)]
pub struct Overload {
    /// Of load at saturation, and again of overload.
    pub time: Duration,
    /// The budget, in MiB.
    pub budget_mib: u64,
}

const CONSUMERS: usize = 10;
/// What the destination takes for an answer.
const SLOW: Duration = Duration::from_millis(50);
/// Of a request, in bytes.
const LARGE: usize = 360_000;
/// Memory that the collector may have beyond its budget, in MiB.
const BESIDES_MIB: u64 = 64;

impl Overload {
    /// Runs it.
    pub fn run(self) -> Summary {
        let mut summary = Summary::new("overload");
        let sink = Sink::counting();
        sink.answer(Verdict::Slow(SLOW));
        let etalon = Etalon::start(&self.configuration(&sink));
        let next = Arc::new(AtomicU32::new(0));
        let phase = |senders: usize, summary: &mut Summary| {
            let before = sink.items().len();
            let load = Load::start_large(etalon.http(), senders, &next, LARGE);
            thread::park_timeout(self.time);
            let arrived = sink.items().len() - before;
            let tally = load.end();
            tally.sum_up(summary);
            drained(&etalon);
            let lost = tally.lost(&sink);
            summary.promise(lost.is_empty(), || format!("acknowledged and lost: {lost:?}"));
            (arrived as u64, tally.refused)
        };
        let mut saturation = Summary::new("saturation");
        // As many as the consumers, and those that are just being taken.
        let (most, _) = phase(CONSUMERS + 2, &mut saturation);
        etalon.reset_peak_memory();
        let (arrived, refused) = phase(10 * CONSUMERS, &mut summary);
        summary.broken.extend(saturation.broken);
        let peak = etalon.peak_memory_kib() / 1024;
        summary.measure("resident MiB", peak);
        summary.measure("items per second at saturation", most / self.time.as_secs().max(1));
        summary.measure("items per second under overload", arrived / self.time.as_secs().max(1));
        summary.promise(refused > 0, || "nothing was refused: this was no overload".to_owned());
        summary.promise(arrived * 10 >= most * 9, || {
            format!("{arrived} items arrived under overload, and {most} at saturation")
        });
        summary.promise(peak <= self.budget_mib + BESIDES_MIB, || {
            format!("{peak} MiB are resident, with a budget of {} MiB", self.budget_mib)
        });
        etalon.stop();
        summary
    }

    fn configuration(&self, sink: &Sink) -> String {
        let queue =
            format!("num_consumers: {CONSUMERS}, sizer: bytes, queue_size: {}", self.budget_mib << 19);
        super::in_memory(sink, &queue)
            .replace("queue_size: 100000, ", "")
            .replace(
                "exporters:\n",
                &format!(
                    "processors:\n  memory_limiter: {{check_interval: 1s, limit_mib: {}}}\nexporters:\n",
                    self.budget_mib
                ),
            )
            .replace("exporters: [otlp_http]", "processors: [memory_limiter], exporters: [otlp_http]")
    }
}
