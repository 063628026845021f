//! The oracle: what has become of each item, seen from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) items: BTreeMap<u64, Item>,
    /// What happened, and how often.
    events: BTreeMap<&'static str, u64>,
    /// Of all that happened, in its order.
    trace: DefaultHasher,
    origin: Option<Instant>,
}

/// An item that was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    /// How often its sender was told OK.
    pub(crate) acknowledged: u64,
    /// How often its sender was told nothing, or something after which it may be in the collector.
    pub(crate) unanswered: u64,
    /// How often the destination got it.
    pub(crate) arrived: u64,
    /// How often the destination's last word on it was heard: taken, or refused for good.
    pub(crate) settled: u64,
    /// How often the collector cannot know whether the destination got it.
    pub(crate) ambiguous: u64,
    settled_at: Option<Instant>,
}

/// What happened in many worlds.
#[derive(Default)]
pub(crate) struct Sums(BTreeMap<String, u64>);

/// What must happen in some world, or the simulation does not try what it claims to.
const EVERYTHING: [&str; 20] = [
    "acknowledged",
    "arrived",
    "clock jump",
    "code",
    "code after it arrived",
    "cut after",
    "cut before",
    "disk error",
    "disk full",
    "disk short",
    "garbage",
    "kill",
    "lie",
    "never answered",
    "partial success",
    "power cut",
    "reload",
    "stop",
    "too large",
    "write interrupted",
];

impl Item {
    /// How often the collector may have it.
    fn copies(&self) -> u64 {
        self.acknowledged + self.unanswered
    }
}

impl Ledger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    /// Notes that something happened now, to these items.
    #[expect(clippy::print_stdout, reason = "for whoever repeats a seed")]
    pub(crate) fn note(&self, what: &'static str, ids: &[u64]) {
        let mut state = self.lock();
        *state.events.entry(what).or_default() += 1;
        let origin = *state.origin.get_or_insert_with(Instant::now);
        (what, ids, origin.elapsed()).hash(&mut state.trace);
        if std::env::var_os(crate::SEED).is_some() {
            println!("{:>12.3} {what} {ids:?}", origin.elapsed().as_secs_f64());
        }
    }

    pub(crate) fn each(&self, ids: &[u64], change: impl Fn(&mut Item)) {
        let mut state = self.lock();
        for id in ids {
            change(state.items.entry(*id).or_default());
        }
    }

    /// The destination's last word on these items was heard.
    pub(crate) fn settle(&self, ids: &[u64]) {
        let now = Instant::now();
        self.each(ids, |item| {
            item.settled += 1;
            item.settled_at = Some(now);
        });
    }

    /// The collector died. What it has heard within so long may have died with it.
    pub(crate) fn forget(&self, within: Duration) {
        for item in self.lock().items.values_mut() {
            if item.settled_at.is_some_and(|at| at.elapsed() <= within) {
                item.ambiguous += item.copies();
            }
        }
    }

    /// Items that were acknowledged, and of which no destination has said anything final.
    pub(crate) fn unsettled(&self) -> Vec<u64> {
        let state = self.lock();
        let is_unsettled = |item: &Item| item.acknowledged > 0 && item.settled == 0;
        state.items.iter().filter(|(_, item)| is_unsettled(item)).map(|(id, _)| *id).collect()
    }

    /// Nothing came more often than it was taken in and tried again without an answer.
    pub(crate) fn check_duplicates(&self) {
        for (id, item) in &self.lock().items {
            let most = item.copies() + item.ambiguous;
            assert!(item.arrived <= most, "item {id} came too often: {item:?}");
        }
    }

    /// In one line, all that happened.
    pub(crate) fn trace(&self) -> String {
        let state = self.lock();
        let sum = |of: fn(&Item) -> u64| state.items.values().map(of).sum::<u64>();
        let again = sum(|item| item.arrived.saturating_sub(1));
        let mut told =
            format!("items={};acknowledged={}", state.items.len(), sum(|item| item.acknowledged.min(1)));
        told += &format!(
            ";arrived={};again={again};trace={}",
            sum(|item| item.arrived.min(1)),
            state.trace.finish()
        );
        for (what, times) in &state.events {
            told += &format!(";{what}={times}");
        }
        told
    }
}

impl Sums {
    pub(crate) fn add(&mut self, trace: &str) {
        for (what, times) in trace.split(';').filter_map(|part| part.split_once('=')) {
            if what != "trace" {
                *self.0.entry(what.to_owned()).or_default() += times.parse::<u64>().expect("a number");
            }
        }
    }

    pub(crate) fn reach_everything(&self) -> bool {
        EVERYTHING.iter().all(|what| self.0.contains_key(*what))
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.0.iter().map(|(what, times)| format!("{what} {times}")).collect();
        f.write_str(&told.join(", "))
    }
}
