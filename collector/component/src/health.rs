//! Judges pipelines by what their metrics do, not by what components say of themselves.
//!
//! [`watch`] does so once a second; [`Judge`] is what it asks.

mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, SystemTime};

use etalon_telemetry::attributes::{Problem, RefusalReason};
use etalon_telemetry::readings::{ExporterReading, QueueReading, Readings, ReceiverReading, Who};
use tokio::time::Instant;

pub use self::watch::{Look, watch};
use crate::{ComponentId, Outline, PipelineOutline, Role};

/// How much longer than one that is under way a request in a queue may wait: batches fill up.
const WAITING_FACTOR: u32 = 10;

/// What a request was refused for that is its sender's doing, or the destination's last word on it: it says nothing
/// of the pipeline.
const OF_THE_SENDER: [RefusalReason; 6] = [
    RefusalReason::Malformed,
    RefusalReason::TooLarge,
    RefusalReason::Unauthenticated,
    RefusalReason::Unsupported,
    RefusalReason::Rejected,
    RefusalReason::Abandoned,
];

/// From when on something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// An exporter that works without success has stalled.
    pub stalled_after: Duration,
    /// What was refused or lost counts for this time.
    pub recent: Duration,
    /// Over this time, failures of exporters are counted.
    pub interval: Duration,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: Problem,
    /// What has it: an exporter, a receiver.
    pub role: Role,
    /// Its id.
    pub id: String,
    /// Since when.
    pub since: SystemTime,
    /// For people.
    pub text: String,
}

/// Of each pipeline by id, what is wrong with it. An empty list is all that can be wished for.
pub type Verdict = BTreeMap<String, Vec<Finding>>;

/// Remembers as much of the past as it needs.
#[derive(Debug)]
pub struct Judge {
    limits: Limits,
    receivers: BTreeMap<Who, ReceiverPast>,
    exporters: BTreeMap<Who, ExporterPast>,
    /// Since when each thing is wrong.
    since: BTreeMap<(Who, &'static str), SystemTime>,
    /// What is wrong at this look.
    found: BTreeSet<(Who, &'static str)>,
    /// How many attempts had failed at that time, over all exporters.
    failures: VecDeque<(Instant, u64)>,
}

#[derive(Debug)]
struct ReceiverPast {
    reading: ReceiverReading,
    /// When it last refused something, and why.
    refused: Option<(Instant, String)>,
}

#[derive(Debug)]
struct ExporterPast {
    reading: ExporterReading,
    /// When it last succeeded, or had nothing under way.
    well: Instant,
    /// When its queue last was empty, or something in it was under way.
    moving: Instant,
    full: Option<Instant>,
    lost: Option<(Instant, String)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stalled_after: Duration::from_secs(30),
            recent: Duration::from_mins(1),
            interval: Duration::from_mins(5),
        }
    }
}

impl Judge {
    /// One that has not looked yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            receivers: BTreeMap::new(),
            exporters: BTreeMap::new(),
            since: BTreeMap::new(),
            found: BTreeSet::new(),
            failures: VecDeque::new(),
        }
    }

    /// Looks at what is new. `time` is what people are told, `now` what is decided by.
    pub fn look(
        &mut self,
        readings: &Readings,
        outline: &Outline,
        now: Instant,
        time: SystemTime,
    ) -> Verdict {
        self.count_failures(readings, now);
        self.receivers.retain(|who, _| readings.receivers.contains_key(who));
        self.exporters.retain(|who, _| readings.exporters.contains_key(who));
        for (who, reading) in &readings.receivers {
            let past = self.receivers.entry(who.clone());
            past.or_insert_with(|| ReceiverPast::new(reading)).look(reading, now);
        }
        for (who, reading) in &readings.exporters {
            let past = self.exporters.entry(who.clone());
            past.or_insert_with(|| ExporterPast::new(reading, now)).look(reading, now);
        }
        self.found.clear();
        let pipelines = outline.pipelines.iter();
        let verdict = pipelines
            .map(|pipeline| (pipeline.id.to_string(), self.wrong_with(pipeline, now, time)))
            .collect();
        let Self { since, found, .. } = self;
        since.retain(|wrong, _| found.contains(wrong));
        verdict
    }

    /// How many attempts to send have failed within the interval.
    pub fn failures(&self) -> u64 {
        let first = self.failures.front().map_or(0, |(_, count)| *count);
        let last = self.failures.back().map_or(0, |(_, count)| *count);
        last.saturating_sub(first)
    }

    fn count_failures(&mut self, readings: &Readings, now: Instant) {
        let count = readings.exporters.values().map(|reading| reading.failed_attempts).sum();
        // What had failed before the first look is not of this time.
        self.failures.push_back((now, count));
        while self.failures.len() > 1 && now.duration_since(self.failures[1].0) >= self.limits.interval {
            self.failures.pop_front();
        }
    }

    fn wrong_with(&mut self, pipeline: &PipelineOutline, now: Instant, time: SystemTime) -> Vec<Finding> {
        let who = |id: &ComponentId| Who { id: id.to_string(), signal: pipeline.signal.name.to_owned() };
        let mut findings = Vec::new();
        for who in pipeline.receivers.iter().map(who) {
            let found = self.receivers.get(&who).map(|past| past.wrong(self.limits, now)).unwrap_or_default();
            findings.extend(found.map(|(what, text)| (Role::Receiver, who, what, text)));
        }
        for who in pipeline.exporters.iter().map(who) {
            let found = self.exporters.get(&who).map(|past| past.wrong(self.limits, now)).unwrap_or_default();
            findings.extend(found.into_iter().map(|(what, text)| (Role::Exporter, who.clone(), what, text)));
        }
        let finding = |(role, who, what, text): (Role, Who, Problem, String)| {
            let id = who.id.clone();
            self.found.insert((who.clone(), what.as_str()));
            let since = *self.since.entry((who, what.as_str())).or_insert(time);
            Finding { what, role, id, since, text }
        };
        findings.into_iter().map(finding).collect()
    }
}

impl ReceiverPast {
    fn new(reading: &ReceiverReading) -> Self {
        Self { reading: reading.clone(), refused: None }
    }

    fn look(&mut self, reading: &ReceiverReading, now: Instant) {
        for (reason, count) in &reading.refused_requests {
            let is_of_the_sender = OF_THE_SENDER.iter().any(|known| known.as_str() == reason);
            if *count > before(&self.reading.refused_requests, reason) && !is_of_the_sender {
                self.refused = Some((now, reason.clone()));
            }
        }
        self.reading = reading.clone();
    }

    fn wrong(&self, limits: Limits, now: Instant) -> Option<(Problem, String)> {
        let (at, reason) = self.refused.as_ref()?;
        let is_recent = now.duration_since(*at) < limits.recent;
        is_recent.then(|| (Problem::Refusing, format!("it has refused requests lately: {reason}")))
    }
}

impl ExporterPast {
    fn new(reading: &ExporterReading, now: Instant) -> Self {
        Self { reading: reading.clone(), well: now, moving: now, full: None, lost: None }
    }

    fn look(&mut self, reading: &ExporterReading, now: Instant) {
        let before_this = &self.reading;
        if reading.in_flight == 0 || reading.successful_attempts > before_this.successful_attempts {
            self.well = now;
        }
        let waits = reading.queue.is_some_and(|queue| queue.requests > 0) && reading.in_flight == 0;
        if !waits || reading.successful_attempts > before_this.successful_attempts {
            self.moving = now;
        }
        if reading.enqueue_failed_items > before_this.enqueue_failed_items {
            self.full = Some(now);
        }
        for (reason, count) in &reading.dropped_items {
            if *count > before(&before_this.dropped_items, reason) {
                self.lost = Some((now, reason.clone()));
            }
        }
        self.reading = reading.clone();
    }

    fn wrong(&self, limits: Limits, now: Instant) -> Vec<(Problem, String)> {
        let mut wrong = Vec::new();
        let queue = self.reading.queue.unwrap_or_default();
        let for_how_long = now.duration_since(self.well);
        if for_how_long >= limits.stalled_after {
            let text = format!("no success for {} s{}", for_how_long.as_secs(), backlog(queue));
            wrong.push((Problem::Stalled, text));
        }
        let for_how_long = now.duration_since(self.moving);
        if for_how_long >= limits.stalled_after * WAITING_FACTOR {
            let text = format!("nothing is sent for {} s{}", for_how_long.as_secs(), backlog(queue));
            wrong.push((Problem::Stuck, text));
        }
        if self.full.is_some_and(|at| now.duration_since(at) < limits.recent) {
            let text =
                format!("its queue has taken nothing lately; it holds {} of {}", queue.size, queue.capacity);
            wrong.push((Problem::Full, text));
        }
        if let Some((at, reason)) = &self.lost
            && now.duration_since(*at) < limits.recent
        {
            wrong.push((Problem::Losing, format!("it has lost data lately: {reason}")));
        }
        wrong
    }
}

fn backlog(queue: QueueReading) -> String {
    if queue.requests == 0 {
        return String::new();
    }
    let age = Duration::try_from_secs_f64(queue.oldest_age).unwrap_or_default().as_secs();
    format!("; {} requests wait, the oldest for {age} s", queue.requests)
}

fn before(counts: &BTreeMap<String, u64>, reason: &str) -> u64 {
    counts.get(reason).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
