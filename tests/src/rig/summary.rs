//! What a loop has counted.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// What was done, what was counted, and which promises were broken.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Name of the loop.
    pub scenario: &'static str,
    /// Counted, by what it is; the parts of a loop are added up.
    pub counts: BTreeMap<&'static str, u64>,
    /// Measured, by what it is; of the parts of a loop, the largest.
    pub largest: BTreeMap<&'static str, u64>,
    /// What came out, by what it is; of the parts of a loop, the last.
    pub figures: BTreeMap<&'static str, u64>,
    /// Promises that were broken.
    pub broken: Vec<String>,
}

impl Summary {
    /// Nothing yet.
    pub fn new(scenario: &'static str) -> Self {
        Self { scenario, ..Self::default() }
    }

    /// Counts.
    pub fn count(&mut self, what: &'static str, count: usize) {
        *self.counts.entry(what).or_default() += count as u64;
    }

    /// Notes the largest.
    pub fn measure(&mut self, what: &'static str, value: u64) {
        let largest = self.largest.entry(what).or_default();
        *largest = value.max(*largest);
    }

    /// Notes what came out.
    pub fn figure(&mut self, what: &'static str, value: u64) {
        self.figures.insert(what, value);
    }

    /// Notes that a promise was broken, unless it is kept.
    pub fn promise(&mut self, is_kept: bool, what: impl FnOnce() -> String) {
        if !is_kept {
            self.broken.push(what());
        }
    }

    /// Adds another part of the same loop.
    pub fn add(&mut self, part: Self) {
        for (what, count) in part.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (what, value) in part.largest {
            self.measure(what, value);
        }
        self.figures.extend(part.figures);
        self.broken.extend(part.broken);
    }

    /// # Panics
    /// When a promise was broken.
    pub fn assert_kept(&self) {
        assert!(self.broken.is_empty(), "{self}");
    }

    /// For evidence.
    pub fn json(&self) -> Value {
        let Self { scenario, counts, largest, figures, broken } = self;
        json!({"scenario": scenario, "counts": counts, "largest": largest, "figures": figures, "broken": broken})
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scenario)?;
        for (what, count) in &self.counts {
            write!(f, " {what} {count},")?;
        }
        for (what, value) in &self.largest {
            write!(f, " {what} at most {value},")?;
        }
        for (what, value) in &self.figures {
            write!(f, " {what} {value},")?;
        }
        write!(f, " promises broken {}", self.broken.len())?;
        for broken in self.broken.iter().take(20) {
            write!(f, "\n  {broken}")?;
        }
        Ok(())
    }
}
