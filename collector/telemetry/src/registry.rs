//! Families of series: where what happens is recorded, without a lock and without an allocation.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use crate::definition::{Definition, Level, ValueType};
use crate::generated::definitions::RENAMED;
use crate::prometheus::{Format, PrometheusReader};
use crate::renamed::{Renamed, names_of};
use crate::selection::Selection;
use crate::snapshot::{FamilySnapshot, Point, Snapshot, Value};
use crate::span::Tracer;

/// The set of all instruments of one running collector. Cloning shares it.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    resource: Vec<(String, String)>,
    started: SystemTime,
    tracer: Tracer,
    /// Held to make, end and list series; never to record.
    families: Mutex<Families>,
}

/// By name.
type Families = BTreeMap<&'static str, Family>;

/// Tells the value of a series.
type Read = dyn Fn() -> f64 + Send + Sync;

/// A series whose value is read when metrics are read, as long as this lives.
#[must_use = "the series ends with it"]
pub(crate) struct Observation {
    telemetry: Weak<Inner>,
    name: &'static str,
    labels: OwnedLabels,
    read: Arc<Read>,
}

/// A sum that only grows. Cloning shares the series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

/// A sum that grows and shrinks. Cloning shares the series.
#[derive(Clone, Debug, Default)]
pub(crate) struct UpDownCounter(Arc<AtomicI64>);

/// A value that is set. Cloning shares the series.
#[derive(Clone, Debug)]
pub(crate) struct Gauge(
    /// The bits of a floating-point number; of none while nothing has been set.
    Arc<AtomicU64>,
);

/// A distribution. Cloning shares the series.
#[derive(Clone, Debug)]
pub(crate) struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    bounds: &'static [f64],
    /// Of each bound, and at last of what is above all of them.
    counts: Vec<AtomicU64>,
    /// The bits of a floating-point number.
    sum: AtomicU64,
}

/// The labels of one series, in the order in which they are told.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];
pub(crate) type OwnedLabels = Arc<[(String, String)]>;

struct Family {
    definition: &'static Definition,
    /// By labels, so that one series exists once however often it is asked for.
    series: BTreeMap<OwnedLabels, Source>,
}

enum Source {
    Counter(Counter),
    UpDownCounter(UpDownCounter),
    Gauge(Gauge),
    Histogram(Histogram),
    /// The latest is read: it is of the component that has taken the place of the others.
    Observed(Vec<Arc<Read>>),
}

/// A series that is going to be read.
enum Handle {
    Counter(Counter),
    UpDownCounter(UpDownCounter),
    Gauge(Gauge),
    Histogram(Histogram),
    Observed(Arc<Read>),
}

impl Telemetry {
    /// An empty set, of what these attributes of the resource describe.
    pub fn new(resource: &[(&str, &str)]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "told to people, no decision depends on it")]
        let started = SystemTime::now();
        let resource = owned(resource).to_vec();
        Self(Arc::new(Inner { resource, started, tracer: Tracer::new(), families: Mutex::default() }))
    }

    /// The attributes of the resource.
    pub fn resource(&self) -> &[(String, String)] {
        &self.0.resource
    }

    /// When recording began.
    pub fn started(&self) -> SystemTime {
        self.0.started
    }

    /// What spans come from.
    pub fn tracer(&self) -> &Tracer {
        &self.0.tracer
    }

    /// The series of a counter; it exists, at zero, from this call on, or else from its first event on.
    pub(crate) fn counter(&self, definition: &'static Definition, labels: Labels<'_>) -> Counter {
        self.series(definition, labels, Counter::default, Source::Counter, |source| match source {
            Source::Counter(counter) => Some(counter),
            _ => None,
        })
    }

    /// The series of a sum that grows and shrinks; it exists, at zero, from this call on.
    pub(crate) fn up_down_counter(
        &self,
        definition: &'static Definition,
        labels: Labels<'_>,
    ) -> UpDownCounter {
        self.series(
            definition,
            labels,
            UpDownCounter::default,
            Source::UpDownCounter,
            |source| match source {
                Source::UpDownCounter(counter) => Some(counter),
                _ => None,
            },
        )
    }

    /// The series of a value that is set; it exists, at zero, from this call on, or else from when it is first set.
    pub(crate) fn gauge(&self, definition: &'static Definition, labels: Labels<'_>) -> Gauge {
        let unset = || Gauge::new(if definition.on_event { f64::NAN } else { 0.0 });
        self.series(definition, labels, unset, Source::Gauge, |source| match source {
            Source::Gauge(gauge) => Some(gauge),
            _ => None,
        })
    }

    /// The series of a distribution; it exists, empty, from this call on.
    pub(crate) fn histogram(&self, definition: &'static Definition, labels: Labels<'_>) -> Histogram {
        let empty = || Histogram::new(definition.buckets);
        self.series(definition, labels, empty, Source::Histogram, |source| match source {
            Source::Histogram(histogram) => Some(histogram),
            _ => None,
        })
    }

    /// A series whose value is read when metrics are read, until the observation is dropped. While there are
    /// several of the same labels, the latest counts. `read` takes no lock that is held for long.
    pub(crate) fn observe(
        &self,
        definition: &'static Definition,
        labels: Labels<'_>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Observation {
        let (labels, read): (_, Arc<Read>) = (owned(labels), Arc::new(read));
        self.add(definition, labels.clone(), read.clone());
        Observation { telemetry: Arc::downgrade(&self.0), name: definition.name, labels, read }
    }

    /// The values of all series that are selected. Recording goes on meanwhile.
    pub fn snapshot(&self, selection: &Selection) -> Snapshot {
        self.snapshot_with(selection, &RENAMED)
    }

    fn snapshot_with(&self, selection: &Selection, renamed: &'static [Renamed]) -> Snapshot {
        // Values are read after the lock is given back: what reads them may be slow, or make series itself.
        let handles: Vec<(&'static Definition, Vec<(OwnedLabels, Handle)>)> = {
            let families = self.0.families();
            let is_selected = |family: &&Family| {
                names_of(family.definition, renamed).any(|definition| selection.has(definition))
            };
            let selected = families.values().filter(is_selected);
            selected.map(|family| (family.definition, family.handles())).collect()
        };
        let mut families = Vec::with_capacity(handles.len());
        for (definition, handles) in handles {
            let read = |(labels, handle): (OwnedLabels, Handle)| handle.read(definition, labels);
            let points: Vec<Point> = handles.into_iter().filter_map(read).collect();
            if !points.is_empty() {
                let told = names_of(definition, renamed).filter(|definition| selection.has(definition));
                families.extend(told.map(|definition| FamilySnapshot { definition, points: points.clone() }));
            }
        }
        families.sort_by_key(|family| family.definition.name);
        Snapshot { families }
    }

    /// All series, at every level, as the Go collector's default reader tells them.
    pub fn prometheus_text(&self) -> String {
        let all = Selection { level: Level::Detailed, ..Selection::default() };
        PrometheusReader { selection: all, ..PrometheusReader::default() }.text(self, Format::TEXT)
    }

    fn series<T: Clone>(
        &self,
        definition: &'static Definition,
        labels: Labels<'_>,
        empty: impl Fn() -> T,
        wrap: fn(T) -> Source,
        of_kind: fn(&Source) -> Option<&T>,
    ) -> T {
        let mut families = self.0.families();
        let family = families.entry(definition.name).or_insert_with(|| Family::new(definition));
        let source = family.series.entry(owned(labels)).or_insert_with(|| wrap(empty()));
        of_kind(source).cloned().unwrap_or_else(empty)
    }

    fn add(&self, definition: &'static Definition, labels: OwnedLabels, read: Arc<Read>) {
        let mut families = self.0.families();
        let family = families.entry(definition.name).or_insert_with(|| Family::new(definition));
        if let Source::Observed(reads) =
            family.series.entry(labels).or_insert_with(|| Source::Observed(Vec::new()))
        {
            reads.push(read);
        }
    }
}

impl Inner {
    fn families(&self) -> MutexGuard<'_, Families> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("families", &self.0.families().len()).finish()
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let Some(telemetry) = self.telemetry.upgrade() else { return };
        let mut families = telemetry.families();
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
        write!(f, "{}{:?}", self.name, self.labels)
    }
}

impl Counter {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
}

impl UpDownCounter {
    pub(crate) fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
}

impl Gauge {
    fn new(value: f64) -> Self {
        Self(Arc::new(AtomicU64::new(value.to_bits())))
    }

    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0.0_f64.to_bits()) }))
    }
    pub(crate) fn record(&self, value: f64) {
        let Buckets { bounds, counts, sum } = &*self.0;
        let bucket = bounds.partition_point(|bound| *bound < value);
        counts[bucket].fetch_add(1, Ordering::Relaxed);
        let added = |bits: u64| Some((f64::from_bits(bits) + value).to_bits());
        // It never gives up, since there always is a next value.
        sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added).ok();
    }
}

impl Family {
    fn new(definition: &'static Definition) -> Self {
        Self { definition, series: BTreeMap::new() }
    }

    fn handles(&self) -> Vec<(OwnedLabels, Handle)> {
        let handle = |source: &Source| match source {
            Source::Counter(counter) => Some(Handle::Counter(counter.clone())),
            Source::UpDownCounter(counter) => Some(Handle::UpDownCounter(counter.clone())),
            Source::Gauge(gauge) => Some(Handle::Gauge(gauge.clone())),
            Source::Histogram(histogram) => Some(Handle::Histogram(histogram.clone())),
            Source::Observed(reads) => reads.last().cloned().map(Handle::Observed),
        };
        self.series.iter().filter_map(|(labels, source)| Some((labels.clone(), handle(source)?))).collect()
    }
}

impl Handle {
    /// Nothing where there is no value at the moment.
    fn read(&self, definition: &Definition, labels: OwnedLabels) -> Option<Point> {
        let value = match self {
            Self::Counter(Counter(value)) => {
                let value = value.load(Ordering::Relaxed);
                if definition.on_event && value == 0 {
                    return None;
                }
                Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
            }
            Self::UpDownCounter(UpDownCounter(value)) => Value::Int(value.load(Ordering::Relaxed)),
            Self::Gauge(Gauge(bits)) => number(f64::from_bits(bits.load(Ordering::Relaxed)), definition)?,
            Self::Histogram(Histogram(buckets)) => Value::Histogram {
                counts: buckets.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
                sum: f64::from_bits(buckets.sum.load(Ordering::Relaxed)),
            },
            Self::Observed(read) => number(read(), definition)?,
        };
        Some(Point { labels, value, observed: matches!(self, Self::Observed(_)) })
    }
}

/// A value of a metric; nothing when it is none.
fn number(value: f64, definition: &Definition) -> Option<Value> {
    if value.is_nan() {
        return None;
    }
    Some(match definition.value_type {
        #[expect(clippy::cast_possible_truncation, reason = "beyond 64 bits, the nearest there is will do")]
        ValueType::Int => Value::Int(value as i64),
        ValueType::Double => Value::Double(value),
    })
}

fn owned(labels: Labels<'_>) -> OwnedLabels {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests;
