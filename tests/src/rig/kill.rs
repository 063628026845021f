//! kill -9 at any moment, also while it starts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::load::again;
use super::{ITEMS, Load, Summary, Tally, drained, on_disk, weather};
use crate::{Etalon, Sink, Verdict};

/// Consumers of the queue.
pub const CONSUMERS: usize = 3;
const SENDERS: usize = 4;
/// Cycles after which the queue is drained, and all that was acknowledged must be there.
const ROUND: u32 = 100;
/// Items of a batch, where there are some: most requests are cut for it.
const BATCH: u32 = 7;
/// Longest time that is waited before a kill while it starts.
const STARTING: Duration = Duration::from_millis(60);

/// Kills a collector with a queue on disk again and again, while it is sent to, and while it starts.
#[derive(Clone, Copy, Debug)]
pub struct Kills {
    /// How often.
    pub cycles: u32,
    /// Collectors that are treated so at the same time, each with a folder of its own.
    pub lanes: u32,
    /// Of moments, and of what the destination is like.
    pub seed: u64,
}

impl Kills {
    /// Runs it.
    pub fn run(self) -> Summary {
        let mut summary = Summary::new("kill");
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.lanes)
                .map(|lane| {
                    // The cycles that do not divide are the first lane's.
                    let cycles =
                        self.cycles / self.lanes + if lane == 0 { self.cycles % self.lanes } else { 0 };
                    scope.spawn(move || run(cycles, self.seed.wrapping_add(u64::from(lane))))
                })
                .collect();
            for lane in lanes {
                summary.add(lane.join().expect("a lane does not panic"));
            }
        });
        summary
    }
}

fn run(cycles: u32, seed: u64) -> Summary {
    let mut summary = Summary::new("kill");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut left = cycles;
    // Of two lanes, one begins so.
    let mut cuts = seed.is_multiple_of(2);
    while left > 0 {
        let cycles = left.min(ROUND);
        left -= cycles;
        summary.add(round(cycles, cuts, &mut rng));
        cuts = !cuts;
    }
    summary
}

/// Some kills, and then the proof that nothing was lost. Requests may be cut and joined to batches.
fn round(cycles: u32, cuts: bool, rng: &mut StdRng) -> Summary {
    let mut summary = Summary::new("kill");
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::counting();
    let (batch, together) = if cuts {
        (format!("sizer: items, min_size: {BATCH}, max_size: {BATCH}, flush_timeout: 5ms"), BATCH)
    } else {
        ("enabled: false".to_owned(), ITEMS)
    };
    let queue = format!("num_consumers: {CONSUMERS}, batch: {{{batch}}}");
    let configuration = on_disk(folder.path(), &sink, &queue);
    let next = Arc::new(AtomicU32::new(0));
    let mut all = Tally::default();
    for _ in 0..cycles {
        sink.answer(weather(rng.random_range(0..1000)));
        summary.count("kills", 1);
        if rng.random_bool(0.2) {
            let etalon = Etalon::launch(&configuration);
            thread::park_timeout(STARTING.mul_f64(rng.random_range(0.0..1.0)));
            etalon.kill();
            summary.count("kills while it started", 1);
            continue;
        }
        let etalon = Etalon::start(&configuration);
        let load = Load::start(etalon.http(), SENDERS, &next);
        let is_sent = load.wait(rng.random_range(1..40), 30);
        summary.promise(is_sent, || "nothing is acknowledged for 30 seconds".to_owned());
        thread::park_timeout(Duration::from_micros(rng.random_range(0..3000)));
        etalon.kill();
        let tally = load.end();
        tally.sum_up(&mut summary);
        all.acknowledged.extend(tally.acknowledged);
    }
    sink.answer(Verdict::Accept);
    // Each consumer has at most so many on their way.
    let most = cycles as usize * CONSUMERS * together as usize;
    check(&configuration, folder.path(), &sink, &all, most, &mut summary);
    summary
}

fn check(configuration: &str, folder: &Path, sink: &Sink, all: &Tally, most: usize, summary: &mut Summary) {
    let etalon = Etalon::start(configuration);
    drained(&etalon);
    etalon.stop();
    let lost = all.lost(sink);
    summary.count("acknowledged items", all.acknowledged.len() * ITEMS as usize);
    summary.count("lost items", lost.len());
    summary.promise(lost.is_empty(), || format!("acknowledged and lost: {lost:?}"));
    let again = again(sink);
    summary.count("items that came again", again);
    summary.promise(again <= most, || {
        format!("{again} items came again, at most {most} were on their way at a kill")
    });
    let inspected = crate::run(&["queue", "inspect", &folder.display().to_string(), "--format", "json"]);
    let inspected: serde_json::Value = serde_json::from_str(&inspected.stdout).expect("JSON");
    let waiting = inspected[0]["waiting_requests"].as_u64();
    summary.promise(waiting == Some(0), || format!("after all was sent, the folder still has {inspected}"));
}
