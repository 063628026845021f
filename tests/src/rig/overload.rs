//! Ten times what the destination takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::flood::{Flood, ITEMS, Pace, Told, Way};
use super::{Summary, drained, in_memory};
use crate::{Etalon, Sink, Verdict, after, remaining};

/// Sends ten times what the destination takes to a collector with a budget for its memory.
///
/// The destination answers late, so that it takes much less than the machine could carry: what is measured is the
/// collector, and not who of senders and collector gets the CPU. At saturation the same senders keep it busy, and never
/// send what finds no room. Under overload each of them sends at a fixed rate, whatever it is told.
#[derive(Clone, Copy, Debug)]
pub struct Overload {
    /// Of load at saturation, and again of overload.
    pub time: Duration,
    /// The budget, in MiB.
    pub budget_mib: u64,
    /// How requests travel.
    pub way: Way,
    /// Who refuses.
    pub refuses: Refuses,
}

/// Who refuses what is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuses {
    /// The memory limiter, before a request is read.
    Limiter,
    /// The sending queue, which takes half of the budget, after it was read.
    Queue,
}

const CONSUMERS: u32 = 10;
/// What the destination takes for an answer.
const SLOW: Duration = Duration::from_millis(200);
/// Requests that the destination takes in a second.
const CAPACITY: u32 = CONSUMERS * 1000 / 200;
/// How much more is offered.
const TIMES: u32 = 10;
const SENDERS: u32 = 100;
/// Requests on their way at saturation: as many as the consumers have, and some that wait for them.
const AHEAD: u32 = 3 * CONSUMERS;
/// Of a request, in bytes.
const LARGE: usize = 360_000;
/// Memory that the collector may have beyond its budget, in MiB.
const BESIDES_MIB: u64 = 64;
/// Until the senders are connected, and what can be full is.
const SETTLE: Duration = Duration::from_secs(3);

/// What was seen in a time of load.
struct Seen {
    seconds: f64,
    sent: u32,
    arrived: u32,
    cpu_ticks: u64,
    told: Told,
}

impl Overload {
    /// Runs it.
    pub fn run(self) -> Summary {
        let mut summary = Summary::new(match (self.way, self.refuses) {
            (Way::Grpc, Refuses::Limiter) => "overload over gRPC, refused by the memory limiter",
            (Way::Grpc, Refuses::Queue) => "overload over gRPC, refused by the queue",
            (Way::Http, Refuses::Limiter) => "overload over HTTP, refused by the memory limiter",
            (Way::Http, Refuses::Queue) => "overload over HTTP, refused by the queue",
        });
        let sink = Sink::counting();
        sink.answer(Verdict::Slow(SLOW));
        let etalon = Etalon::start(&self.configuration(&sink));
        let to = if self.way == Way::Grpc { etalon.grpc() } else { etalon.http() };
        let flood = Flood::new(to, self.way, &sink, LARGE);
        let saturation = self.phase(&flood, &etalon, Pace::Ahead(AHEAD));
        drained(&etalon);
        etalon.reset_peak_memory();
        let every = Duration::from_secs(1) * SENDERS / (TIMES * CAPACITY);
        let overload = self.phase(&flood, &etalon, Pace::Every(every));
        let peak = etalon.peak_memory_kib() / 1024;
        drained(&etalon);
        for denied in &saturation.told.denied {
            summary.broken.push(format!("a request was not acknowledged at saturation: {denied}"));
        }
        for seen in [&saturation, &overload] {
            let lost = seen.told.lost(&sink);
            summary.count("lost items", lost.len());
            summary.promise(lost.is_empty(), || format!("acknowledged and lost: {lost:?}"));
        }
        overload.told.sum_up(&mut summary);
        compare(&saturation, &overload, &mut summary);
        summary.figure("resident MiB", peak);
        summary.promise(peak <= self.budget_mib + BESIDES_MIB, || {
            format!("{peak} MiB are resident, with a budget of {} MiB", self.budget_mib)
        });
        etalon.stop();
        summary
    }

    fn phase(&self, flood: &Flood<'_>, etalon: &Etalon, pace: Pace) -> Seen {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(|| flood.send(pace, &ended))).collect();
            wait(SETTLE);
            let look = || (flood.sent(), flood.arrived(), etalon.cpu_ticks());
            let before = look();
            // A thread may wake late on a busy machine: what counts is the time that it was.
            let longest = after(2 * self.time);
            wait(self.time);
            let after = look();
            let seconds = (2 * self.time).saturating_sub(remaining(longest)).as_secs_f64();
            ended.store(true, Ordering::Relaxed);
            let mut told = Told::default();
            for sender in senders {
                told.add(sender.join().expect("a sender does not panic"));
            }
            let (sent, arrived, cpu_ticks) = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
            Seen { seconds, sent, arrived, cpu_ticks, told }
        })
    }

    fn configuration(&self, sink: &Sink) -> String {
        let queue = match self.refuses {
            Refuses::Limiter => "queue_size: 100000".to_owned(),
            Refuses::Queue => format!("sizer: bytes, queue_size: {}", self.budget_mib << 19),
        };
        let limiter = format!("memory_limiter: {{check_interval: 1s, limit_mib: {}}}", self.budget_mib);
        in_memory(sink, &format!("num_consumers: {CONSUMERS}, {queue}"))
            .replace("queue_size: 100000, ", "")
            .replace("protocols: {http:", "protocols: {grpc: {endpoint: 127.0.0.1:0}, http:")
            .replace("exporters:\n", &format!("processors:\n  {limiter}\nexporters:\n"))
            .replace("exporters: [otlp_http]", "processors: [memory_limiter], exporters: [otlp_http]")
    }
}

fn compare(saturation: &Seen, overload: &Seen, summary: &mut Summary) {
    summary.figure("items per second that the destination takes", u64::from(CAPACITY * ITEMS));
    summary.figure("items per second at saturation", whole(saturation.goodput()));
    summary.figure("items per second under overload", whole(overload.goodput()));
    let ratio = overload.goodput() / saturation.goodput().max(1.0);
    summary.figure("goodput, percent of saturation", whole(ratio * 100.0));
    let offered = f64::from(overload.sent * ITEMS) / overload.seconds;
    summary.figure("items per second offered", whole(offered));
    let accepted = saturation.cpu_seconds() / f64::from(saturation.arrived.max(1));
    let more = overload.cpu_seconds() - accepted * f64::from(overload.arrived);
    let refusals = overload.sent.saturating_sub(overload.arrived).max(1);
    summary.figure("CPU us of an accepted request", whole(accepted * 1e6));
    summary.figure("CPU us of a refused request", whole(more.max(0.0) / f64::from(refusals) * 1e6));
    let refused = saturation.told.refused();
    summary.promise(refused == 0, || format!("{refused} requests were refused at saturation"));
    summary.promise(saturation.goodput() >= 0.8 * f64::from(CAPACITY * ITEMS), || {
        "the machine was too busy to find out: at saturation the destination had too little to do".to_owned()
    });
    summary.promise(offered >= 0.9 * f64::from(TIMES * CAPACITY * ITEMS), || {
        format!(
            "{offered:.0} items per second were offered: the machine was too busy for {TIMES} times the load"
        )
    });
    summary.promise(ratio >= 0.9, || format!("goodput is {:.1} % of saturation", ratio * 100.0));
}

impl Seen {
    /// Items that arrived in a second.
    fn goodput(&self) -> f64 {
        f64::from(self.arrived * ITEMS) / self.seconds
    }

    fn cpu_seconds(&self) -> f64 {
        self.cpu_ticks as f64 / 100.0
    }
}

fn wait(time: Duration) {
    let until = after(time);
    while !remaining(until).is_zero() {
        thread::park_timeout(remaining(until));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a figure for people")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
