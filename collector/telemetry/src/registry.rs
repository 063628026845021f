//! Families of series, and their rendering in the Prometheus text format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::process;

/// The set of all instruments of one running collector. Cloning shares it.
#[derive(Clone)]
pub struct Telemetry {
    families: Arc<Mutex<BTreeMap<String, Family>>>,
}

/// A sum that only grows. Cloning shares the series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

/// What is fixed about a metric.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Cow<'static, str>,
    pub(crate) help: &'static str,
    pub(crate) instrument: Instrument,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instrument {
    Counter,
    Gauge,
}

/// The labels of one series, in the order in which they are rendered.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

struct Family {
    definition: Definition,
    /// By rendered label set, so that one series exists once however often it is asked for.
    series: BTreeMap<String, Source>,
}

enum Source {
    Counter(Counter),
    Observed(Box<dyn Fn() -> f64 + Send + Sync>),
}

impl Telemetry {
    /// An empty set that reports the process metrics and, as `target_info`, the given resource.
    pub fn new(resource: &[(&str, &str)]) -> Self {
        let telemetry = Self { families: Arc::default() };
        let target_info = Definition {
            name: Cow::Borrowed("target_info"),
            help: "Attributes of the resource that these metrics describe.",
            instrument: Instrument::Gauge,
        };
        telemetry.observe(target_info, resource, || 1.0);
        process::register(&telemetry);
        telemetry
    }

    /// The series of a counter; it exists, at zero, from this call on.
    pub(crate) fn counter(&self, definition: Definition, labels: Labels<'_>) -> Counter {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(definition.name.to_string()).or_insert_with(|| Family::new(definition));
        let source =
            family.series.entry(rendered(labels)).or_insert_with(|| Source::Counter(Counter::default()));
        match source {
            Source::Counter(counter) => counter.clone(),
            Source::Observed(_) => Counter::default(),
        }
    }

    /// A series whose value is read when metrics are rendered. Replaces an earlier one of the same labels.
    pub(crate) fn observe(
        &self,
        definition: Definition,
        labels: Labels<'_>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(definition.name.to_string()).or_insert_with(|| Family::new(definition));
        family.series.insert(rendered(labels), Source::Observed(Box::new(read)));
    }

    /// All series in the Prometheus text exposition format, version 0.0.4.
    pub fn prometheus_text(&self) -> String {
        let families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(4096);
        for family in families.values() {
            family.render(&mut text);
        }
        text
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Telemetry").field("families", &families.len()).finish()
    }
}

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Family {
    fn new(definition: Definition) -> Self {
        Self { definition, series: BTreeMap::new() }
    }

    fn render(&self, text: &mut String) {
        let Definition { name, help, instrument } = &self.definition;
        let kind = match instrument {
            Instrument::Counter => "counter",
            Instrument::Gauge => "gauge",
        };
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (labels, source) in &self.series {
            text.push_str(&match source {
                Source::Counter(counter) => format!("{name}{labels} {}\n", counter.value()),
                Source::Observed(read) => format!("{name}{labels} {}\n", read()),
            });
        }
    }
}

/// `{a="b",c="d"}` with the values escaped, or nothing when there are no labels.
fn rendered(labels: Labels<'_>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const THINGS: Definition =
        Definition { name: Cow::Borrowed("things"), help: "Things seen.", instrument: Instrument::Counter };

    #[test]
    fn a_series_exists_at_zero_and_is_shared_by_all_who_ask_for_it() {
        let telemetry = Telemetry::new(&[]);
        let first = telemetry.counter(THINGS, &[("kind", "a")]);
        assert!(telemetry.prometheus_text().contains("things{kind=\"a\"} 0\n"));
        first.add(2);
        telemetry.counter(THINGS, &[("kind", "a")]).add(3);
        assert!(telemetry.prometheus_text().contains("things{kind=\"a\"} 5\n"));
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(rendered(&[("a", "x\"y\\z\n")]), "{a=\"x\\\"y\\\\z\\n\"}");
    }

    #[test]
    fn the_resource_is_told_as_target_info() {
        let text = Telemetry::new(&[("service_name", "etalon")]).prometheus_text();
        assert!(text.contains("target_info{service_name=\"etalon\"} 1\n"), "{text}");
    }
}
