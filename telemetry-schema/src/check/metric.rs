//! A metric of OTLP against the one that is declared.

use std::collections::HashSet;

use etalon_pdata::proto::common::v1::KeyValue;
use etalon_pdata::proto::metrics::v1::{AggregationTemporality, Metric, metric, number_data_point};

use super::attributes::{self, Declared, Given};
use super::findings::{Findings, Place};
use super::{Rule, Temporality};
use crate::contract::{self, Contract, Instrument, ValueType};

/// What an instrument is in OTLP.
pub(super) fn word(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Counter => "a sum that only grows",
        Instrument::UpDownCounter => "a sum that grows and shrinks",
        Instrument::Gauge => "a gauge",
        Instrument::Histogram => "a histogram with explicit bounds",
    }
}

/// How many data points a metric has.
pub(super) fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(metric::Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(metric::Data::Sum(sum)) => sum.data_points.len(),
        Some(metric::Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(metric::Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(metric::Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}

/// A metric as it is declared and as it was told.
pub(super) struct Pair<'a> {
    pub(super) contract: &'a Contract,
    pub(super) declared: &'a contract::Metric,
    pub(super) found: &'a Metric,
    pub(super) temporality: Option<Temporality>,
}

impl Pair<'_> {
    /// Compares them, and returns how many data points there are.
    pub(super) fn compare(&self, line: Option<usize>, findings: &mut Findings) -> usize {
        let Self { declared, found, .. } = self;
        let at = Place { name: &declared.name, instance: "", line };
        if found.unit != declared.unit {
            let message = format!("its unit is {:?}", found.unit);
            findings.push(Rule::Unit, at, message, format!("{:?}", declared.unit));
        }
        let kind = kind(found.data.as_ref());
        if kind != Some(declared.instrument) {
            let message = format!("it is {}", kind.map_or_else(|| other(found.data.as_ref()), word));
            findings.push(Rule::Type, at, message, word(declared.instrument).to_owned());
        }
        self.temporality(at, findings);
        for value in self.values() {
            let found = value.map_or("nothing", |is_whole| if is_whole { "int" } else { "double" });
            let expected = match declared.annotations.contract.value_type {
                ValueType::Int => "int",
                ValueType::Double => "double",
            };
            if found != expected {
                findings.push(Rule::ValueType, at, format!("its values are {found}"), expected.to_owned());
            }
        }
        self.buckets(at, findings);
        self.attributes(line, findings);
        points(found)
    }

    fn temporality(&self, at: Place<'_>, findings: &mut Findings) {
        let found = match &self.found.data {
            Some(metric::Data::Sum(sum)) => sum.aggregation_temporality,
            Some(metric::Data::Histogram(histogram)) => histogram.aggregation_temporality,
            _ => return,
        };
        let found = match AggregationTemporality::try_from(found) {
            Ok(AggregationTemporality::Delta) => "delta",
            Ok(AggregationTemporality::Cumulative) => "cumulative",
            Ok(AggregationTemporality::Unspecified) | Err(_) => "not told",
        };
        let is_observed = self.declared.annotations.contract.asynchronous;
        let expected = match (self.declared.instrument, self.temporality) {
            // What shrinks cannot be put together of what is between two pushes if one of them is lost.
            (Instrument::UpDownCounter | Instrument::Gauge, _) | (_, Some(Temporality::Cumulative)) => {
                "cumulative"
            }
            (_, Some(Temporality::LowMemory)) if is_observed => "cumulative",
            (_, Some(Temporality::Delta | Temporality::LowMemory)) => "delta",
            (_, None) if found == "not told" => "delta or cumulative",
            (_, None) => return,
        };
        if found != expected {
            findings.push(Rule::Temporality, at, format!("it is {found}"), expected.to_owned());
        }
    }

    /// Of each value whether it is whole; nothing for a point without one.
    fn values(&self) -> Vec<Option<bool>> {
        let points = match &self.found.data {
            Some(metric::Data::Gauge(gauge)) => &gauge.data_points,
            Some(metric::Data::Sum(sum)) => &sum.data_points,
            _ => return Vec::new(),
        };
        let is_whole = |value: &number_data_point::Value| matches!(value, number_data_point::Value::AsInt(_));
        points.iter().map(|point| point.value.as_ref().map(is_whole)).collect()
    }

    fn buckets(&self, at: Place<'_>, findings: &mut Findings) {
        let Some(metric::Data::Histogram(histogram)) = &self.found.data else { return };
        let declared = &self.declared.annotations.contract.buckets;
        let written = |bounds: &[f64]| bounds.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        for point in &histogram.data_points {
            if point.explicit_bounds != *declared {
                let message = format!("its bounds are {}", written(&point.explicit_bounds));
                findings.push(Rule::Buckets, at, message, written(declared));
            } else if point.bucket_counts.len() != declared.len() + 1 {
                let message = format!("it has {} buckets", point.bucket_counts.len());
                findings.push(Rule::Buckets, at, message, format!("{}", declared.len() + 1));
            }
        }
    }

    fn attributes(&self, line: Option<usize>, findings: &mut Findings) {
        let declared = Declared { contract: self.contract, attributes: &self.declared.attributes };
        let mut all = HashSet::new();
        for attributes in attributes_of(self.found.data.as_ref()) {
            let mut given: Vec<Given<'_>> = attributes::given(attributes);
            given.sort_by(|one, other| one.key.cmp(&other.key));
            let instance = attributes::written(&self.declared.name, &given);
            let at = Place { name: &self.declared.name, instance: &instance, line };
            declared.compare(&given, |_| false, at, findings);
            if !all.insert(instance.clone()) {
                findings.push(
                    Rule::DuplicateSeries,
                    at,
                    "it is there again".to_owned(),
                    "it once".to_owned(),
                );
            }
        }
    }
}

fn kind(data: Option<&metric::Data>) -> Option<Instrument> {
    Some(match data? {
        metric::Data::Gauge(_) => Instrument::Gauge,
        metric::Data::Sum(sum) if sum.is_monotonic => Instrument::Counter,
        metric::Data::Sum(_) => Instrument::UpDownCounter,
        metric::Data::Histogram(_) => Instrument::Histogram,
        metric::Data::ExponentialHistogram(_) | metric::Data::Summary(_) => return None,
    })
}

fn other(data: Option<&metric::Data>) -> &'static str {
    match data {
        Some(metric::Data::ExponentialHistogram(_)) => "an exponential histogram",
        Some(metric::Data::Summary(_)) => "a summary",
        _ => "without data",
    }
}

/// The attributes of each data point.
fn attributes_of(data: Option<&metric::Data>) -> Vec<&[KeyValue]> {
    match data {
        Some(metric::Data::Gauge(gauge)) => {
            gauge.data_points.iter().map(|point| &*point.attributes).collect()
        }
        Some(metric::Data::Sum(sum)) => sum.data_points.iter().map(|point| &*point.attributes).collect(),
        Some(metric::Data::Histogram(histogram)) => {
            histogram.data_points.iter().map(|point| &*point.attributes).collect()
        }
        // They are of another type anyway.
        Some(metric::Data::ExponentialHistogram(_) | metric::Data::Summary(_)) | None => Vec::new(),
    }
}
