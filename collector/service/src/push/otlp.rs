//! A snapshot of the collector's own metrics as an OTLP request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::proto::common::v1::KeyValue;
use etalon_pdata::proto::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use etalon_pdata::proto::resource::v1::Resource;
use etalon_telemetry::{FamilySnapshot, Instrument, Level, Point, Selection, Snapshot, Telemetry, Value};
use prost::Message as _;

use super::Temporality;
use crate::own::encoded::{attribute, nanoseconds, resource, scope, text};

/// Makes requests, and knows what the next one is compared with.
pub(super) struct Encoder {
    temporality: Temporality,
    resource: Resource,
    started: u64,
    /// When `before` was.
    since: u64,
    /// Values that have been sent, by name and labels. Empty for [`Temporality::Cumulative`].
    before: HashMap<SeriesId, Value>,
}

type SeriesId = (&'static str, Arc<[(String, String)]>);

/// An encoded request.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    /// Data points in it.
    pub(super) points: usize,
}

impl Encoder {
    /// Values before this moment are not told as deltas.
    pub(super) fn new(temporality: Temporality, telemetry: &Telemetry) -> Self {
        let resource = resource(telemetry);
        let started = nanoseconds(telemetry.started());
        let mut encoder = Self { temporality, resource, started, since: started, before: HashMap::new() };
        let all = telemetry.snapshot(&Selection { level: Level::Detailed, dropped: Vec::new() });
        #[expect(clippy::disallowed_methods, reason = "the time that a data point tells is wall time")]
        encoder.advance(&all, SystemTime::now());
        encoder
    }

    pub(super) fn encode(&self, snapshot: &Snapshot, now: SystemTime) -> Request {
        let now = nanoseconds(now);
        let metrics = snapshot.families.iter().map(|family| self.metric(family, now)).collect();
        let scope_metrics = ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() };
        let resource_metrics = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scope_metrics],
            ..ResourceMetrics::default()
        };
        let request = ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] };
        let points = snapshot.families.iter().map(|family| family.points.len()).sum();
        Request { bytes: request.encode_to_vec(), points }
    }

    /// From now on, deltas are told since `snapshot`.
    pub(super) fn advance(&mut self, snapshot: &Snapshot, now: SystemTime) {
        if self.temporality == Temporality::Cumulative {
            return;
        }
        self.since = nanoseconds(now);
        for FamilySnapshot { definition, points } in &snapshot.families {
            for point in points {
                if self.is_delta(definition.instrument, point) {
                    self.before.insert((definition.name, point.labels.clone()), point.value.clone());
                }
            }
        }
    }

    fn metric(&self, FamilySnapshot { definition, points }: &FamilySnapshot, now: u64) -> Metric {
        let instrument = definition.instrument;
        let is_delta = points.first().is_some_and(|point| self.is_delta(instrument, point));
        let aggregation_temporality =
            if is_delta { AggregationTemporality::Delta } else { AggregationTemporality::Cumulative } as i32;
        let numbers = || {
            let numbers =
                points.iter().filter_map(|point| self.number(definition.name, instrument, point, now));
            numbers.collect()
        };
        let data = match instrument {
            Instrument::Gauge => metric::Data::Gauge(Gauge { data_points: numbers() }),
            Instrument::Counter | Instrument::UpDownCounter => metric::Data::Sum(Sum {
                data_points: numbers(),
                aggregation_temporality,
                is_monotonic: instrument == Instrument::Counter,
            }),
            Instrument::Histogram => metric::Data::Histogram(Histogram {
                data_points: points
                    .iter()
                    .filter_map(|point| self.distribution(definition.name, definition.buckets, point, now))
                    .collect(),
                aggregation_temporality,
            }),
        };
        Metric {
            name: definition.name.to_owned(),
            description: definition.brief.to_owned(),
            unit: definition.unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }

    fn number(
        &self,
        name: &'static str,
        instrument: Instrument,
        point: &Point,
        now: u64,
    ) -> Option<NumberDataPoint> {
        let is_delta = self.is_delta(instrument, point);
        let before = is_delta.then(|| self.before(name, point)).flatten();
        let value = match (&point.value, before) {
            (Value::Int(value), Some(Value::Int(before))) => {
                number_data_point::Value::AsInt(value.saturating_sub(*before))
            }
            (Value::Double(value), Some(Value::Double(before))) => {
                number_data_point::Value::AsDouble(value - before)
            }
            (Value::Int(value), _) => number_data_point::Value::AsInt(*value),
            (Value::Double(value), _) => number_data_point::Value::AsDouble(*value),
            (Value::Histogram { .. }, _) => return None,
        };
        Some(NumberDataPoint {
            attributes: attributes(&point.labels),
            start_time_unix_nano: if instrument == Instrument::Gauge { 0 } else { self.start(is_delta) },
            time_unix_nano: now,
            value: Some(value),
            ..NumberDataPoint::default()
        })
    }

    fn distribution(
        &self,
        name: &'static str,
        bounds: &[f64],
        point: &Point,
        now: u64,
    ) -> Option<HistogramDataPoint> {
        let Value::Histogram { counts, sum } = &point.value else { return None };
        let is_delta = self.is_delta(Instrument::Histogram, point);
        let (mut bucket_counts, mut sum) = (counts.clone(), *sum);
        if let Some(Value::Histogram { counts, sum: sum_before }) =
            is_delta.then(|| self.before(name, point)).flatten()
        {
            sum -= sum_before;
            for (count, before) in bucket_counts.iter_mut().zip(counts) {
                *count = count.saturating_sub(*before);
            }
        }
        Some(HistogramDataPoint {
            attributes: attributes(&point.labels),
            start_time_unix_nano: self.start(is_delta),
            time_unix_nano: now,
            count: bucket_counts.iter().sum(),
            sum: Some(sum),
            bucket_counts,
            explicit_bounds: bounds.to_vec(),
            ..HistogramDataPoint::default()
        })
    }

    fn is_delta(&self, instrument: Instrument, point: &Point) -> bool {
        let can_be = matches!(instrument, Instrument::Counter | Instrument::Histogram);
        match self.temporality {
            Temporality::Cumulative => false,
            Temporality::Delta => can_be,
            Temporality::LowMemory => can_be && !point.observed,
        }
    }

    fn before(&self, name: &'static str, point: &Point) -> Option<&Value> {
        self.before.get(&(name, point.labels.clone()))
    }

    fn start(&self, is_delta: bool) -> u64 {
        if is_delta { self.since } else { self.started }
    }
}

fn attributes(pairs: &[(String, String)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| attribute(key, text(value))).collect()
}

#[cfg(test)]
mod tests;
