//! Families of series, and their rendering in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::definition::{Definition, Instrument, Level, Stability, ValueType};

/// The set of all instruments of one running collector. Cloning shares it.
#[derive(Clone)]
pub struct Telemetry {
    families: Arc<Families>,
}

/// By name.
type Families = Mutex<BTreeMap<&'static str, Family>>;

/// Tells the value of a series.
type Read = dyn Fn() -> f64 + Send + Sync;

/// A series whose value is read when metrics are rendered, as long as this lives.
#[must_use = "the series ends with it"]
pub(crate) struct Observation {
    families: Weak<Families>,
    name: &'static str,
    labels: String,
    read: Arc<Read>,
}

/// A sum that only grows. Cloning shares the series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

/// The labels of one series, in the order in which they are rendered.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

static TARGET_INFO: Definition = Definition {
    name: "target_info",
    brief: "Attributes of the resource that these metrics describe.",
    unit: "1",
    instrument: Instrument::Gauge,
    value_type: ValueType::Int,
    level: Level::Basic,
    stability: Stability::Beta,
    buckets: &[],
};

struct Family {
    definition: &'static Definition,
    /// By rendered label set, so that one series exists once however often it is asked for.
    series: BTreeMap<String, Source>,
}

enum Source {
    Counter(Counter),
    /// The latest is read: it is of the component that has taken the place of the others.
    Observed(Vec<Arc<Read>>),
}

impl Telemetry {
    /// A set that reports, as `target_info`, the attributes of the resource.
    /// Their names become names of labels.
    pub fn new(resource: &[(&str, &str)]) -> Self {
        let telemetry = Self { families: Arc::default() };
        let labels = as_labels(resource);
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        telemetry.observe_always(&TARGET_INFO, &labels, || 1.0);
        telemetry
    }

    /// The series of a counter; it exists, at zero, from this call on.
    pub(crate) fn counter(&self, definition: &'static Definition, labels: Labels<'_>) -> Counter {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(definition.name).or_insert_with(|| Family::new(definition));
        let source =
            family.series.entry(rendered(labels)).or_insert_with(|| Source::Counter(Counter::default()));
        match source {
            Source::Counter(counter) => counter.clone(),
            Source::Observed(_) => Counter::default(),
        }
    }

    /// A series whose value is read when metrics are rendered, until the observation is dropped. While
    /// there are several of the same labels, the latest counts.
    pub(crate) fn observe(
        &self,
        definition: &'static Definition,
        labels: Labels<'_>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Observation {
        let (name, labels) = (definition.name, rendered(labels));
        let read: Arc<Read> = Arc::new(read);
        self.add(definition, labels.clone(), read.clone());
        Observation { families: Arc::downgrade(&self.families), name, labels, read }
    }

    /// As [`observe`](Self::observe), without an end.
    pub(crate) fn observe_always(
        &self,
        definition: &'static Definition,
        labels: Labels<'_>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.add(definition, rendered(labels), Arc::new(read));
    }

    fn add(&self, definition: &'static Definition, labels: String, read: Arc<Read>) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(definition.name).or_insert_with(|| Family::new(definition));
        match family.series.entry(labels).or_insert_with(|| Source::Observed(Vec::new())) {
            Source::Observed(reads) => reads.push(read),
            Source::Counter(_) => {}
        }
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

impl Drop for Observation {
    fn drop(&mut self) {
        let Some(families) = self.families.upgrade() else { return };
        let mut families = families.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(family) = families.get_mut(self.name) else { return };
        if let Some(Source::Observed(reads)) = family.series.get_mut(&self.labels) {
            reads.retain(|read| !Arc::ptr_eq(read, &self.read));
            if reads.is_empty() {
                family.series.remove(&self.labels);
            }
        }
        if family.series.is_empty() {
            families.remove(self.name);
        }
    }
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.labels)
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
    fn new(definition: &'static Definition) -> Self {
        Self { definition, series: BTreeMap::new() }
    }

    fn render(&self, text: &mut String) {
        let Definition { name, brief, instrument, .. } = self.definition;
        let kind = match instrument {
            Instrument::Counter => "counter",
            Instrument::UpDownCounter | Instrument::Gauge => "gauge",
            Instrument::Histogram => "histogram",
        };
        text.push_str(&format!("# HELP {name} {brief}\n# TYPE {name} {kind}\n"));
        for (labels, source) in &self.series {
            text.push_str(&match source {
                Source::Counter(counter) => format!("{name}{labels} {}\n", counter.value()),
                Source::Observed(reads) => {
                    reads.last().map(|read| format!("{name}{labels} {}\n", read())).unwrap_or_default()
                }
            });
        }
    }
}

/// Attributes as labels: what the name of a label cannot have is an underscore. Where that makes one of
/// several names, their values are joined, as the Go collector joins them.
fn as_labels(attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::<String, String>::new();
    for (name, value) in attributes {
        let mut label = as_label(name);
        if label.starts_with(|first: char| first.is_ascii_digit()) {
            label.insert_str(0, "key_");
        }
        match labels.get_mut(&label) {
            Some(joined) => {
                joined.push(';');
                joined.push_str(value);
            }
            None => _ = labels.insert(label, (*value).to_owned()),
        }
    }
    // There is no label without a name.
    labels.remove("");
    labels
}

fn as_label(attribute: &str) -> String {
    attribute.replace(|char: char| !char.is_ascii_alphanumeric() && char != '_', "_")
}

/// `{a="b",c="d"}` with the values escaped, or nothing when there are no labels.
fn rendered(labels: Labels<'_>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{}=\"{}\"", as_label(name), escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    static THINGS: Definition = Definition {
        name: "things",
        brief: "Things seen.",
        unit: "{thing}",
        instrument: Instrument::Counter,
        value_type: ValueType::Int,
        level: Level::Basic,
        stability: Stability::Beta,
        buckets: &[],
    };

    #[test]
    fn a_series_exists_at_zero_and_is_shared_by_all_who_ask_for_it() {
        let telemetry = Telemetry::new(&[]);
        let first = telemetry.counter(&THINGS, &[("kind", "a")]);
        assert!(telemetry.prometheus_text().contains("things{kind=\"a\"} 0\n"));
        first.add(2);
        telemetry.counter(&THINGS, &[("kind", "a")]).add(3);
        assert!(telemetry.prometheus_text().contains("things{kind=\"a\"} 5\n"));
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(rendered(&[("a", "x\"y\\z\n")]), "{a=\"x\\\"y\\\\z\\n\"}");
    }

    #[test]
    fn the_resource_is_told_as_target_info_in_labels_that_prometheus_takes() {
        let target_info = |resource: &[(&str, &str)]| {
            let text = Telemetry::new(resource).prometheus_text();
            text.lines().find(|line| line.starts_with("target_info")).map(str::to_owned).unwrap()
        };
        assert_eq!(target_info(&[("service.name", "etalon")]), "target_info{service_name=\"etalon\"} 1");
        assert_eq!(
            target_info(&[("", "?"), ("1st: größe", "a"), ("k8s/pod name", "b")]),
            "target_info{k8s_pod_name=\"b\",key_1st__gr__e=\"a\"} 1"
        );
        assert_eq!(target_info(&[("a.b", "1"), ("a_b", "2")]), "target_info{a_b=\"1;2\"} 1");
    }

    #[test]
    fn an_observation_gives_its_series_back_to_the_one_before_and_the_last_one_takes_it_away() {
        let telemetry = Telemetry::new(&[]);
        let things = || {
            let text = telemetry.prometheus_text();
            text.lines().filter(|line| line.contains("things")).map(str::to_owned).collect::<Vec<_>>()
        };
        let observe = |kind, value| telemetry.observe(&THINGS, &[("kind", kind)], move || value);
        let first = observe("a", 1.0);
        let second = observe("a", 2.0);
        assert_eq!(things()[2..], ["things{kind=\"a\"} 2"]);
        drop(second);
        assert_eq!(things()[2..], ["things{kind=\"a\"} 1"]);
        let third = observe("a", 3.0);
        drop(first);
        let other = observe("b", 4.0);
        assert_eq!(things()[2..], ["things{kind=\"a\"} 3", "things{kind=\"b\"} 4"]);
        drop((third, other));
        assert_eq!(things(), Vec::<String>::new(), "nor a name without series");
    }
}
