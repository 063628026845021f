//! SIGTERM, with a destination that is there, slow, or away.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::load::again;
use super::{ITEMS, Load, Summary, Tally, drained, in_memory, on_disk};
use crate::{Etalon, Sink, Verdict, after, remaining};

/// Where what was acknowledged is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// It ends with the process; what is lost by that is counted.
    Memory,
    /// It stays.
    Disk,
}

/// Stops a collector again and again while it is sent to.
#[derive(Clone, Copy, Debug)]
pub struct Stops {
    /// How often.
    pub cycles: u32,
    /// Which queue it has.
    pub queue: Queue,
    /// Of moments, and of what the destination is like.
    pub seed: u64,
}

const SENDERS: usize = 3;
/// The time that a collector takes for its end at most, and what a busy machine needs.
const ENDED: Duration = Duration::from_secs(26);
/// Longer than the destination needs for an answer, and shorter than a test waits.
const SLOW: Duration = Duration::from_millis(20);

impl Stops {
    /// Runs it.
    pub fn run(self) -> Summary {
        let mut summary = Summary::new(match self.queue {
            Queue::Memory => "stop, queue in memory",
            Queue::Disk => "stop, queue on disk",
        });
        let mut rng = StdRng::seed_from_u64(self.seed);
        let folder = tempfile::tempdir().expect("a folder");
        let sink = Sink::counting();
        let configuration = match self.queue {
            Queue::Memory => in_memory(&sink, ""),
            Queue::Disk => on_disk(folder.path(), &sink, ""),
        };
        let next = Arc::new(AtomicU32::new(0));
        let mut all = Tally::default();
        for _ in 0..self.cycles {
            let weather =
                [Verdict::Accept, Verdict::Slow(SLOW), Verdict::Status(503)][rng.random_range(0..3)].clone();
            sink.answer(weather);
            let etalon = Etalon::start(&configuration);
            let load = Load::start(etalon.http(), SENDERS, &next);
            let is_sent = load.wait(rng.random_range(1..60), 30);
            summary.promise(is_sent, || "nothing is acknowledged for 30 seconds".to_owned());
            let dropped = stop(etalon, &mut summary);
            let tally = load.end();
            tally.sum_up(&mut summary);
            if self.queue == Queue::Memory {
                given_up(&tally, &sink, dropped, &mut summary);
            } else {
                summary.promise(dropped == 0, || format!("{dropped} items of a queue on disk were dropped"));
                all.acknowledged.extend(tally.acknowledged);
            }
        }
        sink.answer(Verdict::Accept);
        if self.queue == Queue::Disk {
            let etalon = Etalon::start(&configuration);
            drained(&etalon);
            etalon.stop();
            let lost = all.lost(&sink);
            summary.count("lost items", lost.len());
            summary.promise(lost.is_empty(), || format!("acknowledged and lost: {lost:?}"));
        }
        let again = again(&sink);
        summary.count("items that came again", again);
        summary.promise(again == 0, || format!("{again} items came again, and no attempt was ambiguous"));
        summary
    }
}

/// Stops it in time, and returns how many items it said that it dropped.
fn stop(etalon: Etalon, summary: &mut Summary) -> u64 {
    let until = after(ENDED);
    let ended = etalon.stop();
    let took = ENDED.saturating_sub(remaining(until));
    summary.count("stops", 1);
    summary.measure("milliseconds until the end", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    summary.promise(took < ENDED, || format!("it took {took:?} to end"));
    summary.promise(ended.status.success(), || format!("{}: {}", ended.status, ended.stderr));
    let lines = ended.stderr.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter_map(|line| line["dropped_items"].as_u64()).sum()
}

/// What a queue in memory gave up is exactly what has not arrived.
fn given_up(tally: &Tally, sink: &Sink, dropped: u64, summary: &mut Summary) {
    let lost = tally.lost(sink).len() as u64;
    summary.count("items given up and counted", usize::try_from(lost).unwrap_or(usize::MAX));
    // Who was not answered may have been given up as well.
    let most = lost + tally.unanswered as u64 * u64::from(ITEMS);
    summary.promise((lost..=most).contains(&dropped), || {
        format!("{lost} acknowledged items have not arrived, and {dropped} were counted as dropped")
    });
}
