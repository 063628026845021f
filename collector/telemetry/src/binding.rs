//! What generated code needs to bind series, and to record.

use crate::registry::UpDownCounter;

/// Counts as long as it lives.
#[derive(Debug)]
#[must_use = "it counts as long as it lives"]
pub struct Held {
    counter: UpDownCounter,
    count: i64,
}

impl Held {
    pub(crate) fn new(counter: &UpDownCounter, count: usize) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        counter.add(count);
        Self { counter: counter.clone(), count }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counter.add(-self.count);
    }
}

/// The labels that have a value.
pub(crate) fn present<'a>(labels: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    labels.iter().filter_map(|(key, value)| value.map(|value| (*key, value))).collect()
}
