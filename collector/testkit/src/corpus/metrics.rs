//! Metrics of every shape.

use etalon_pdata::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use etalon_pdata::proto::metrics::v1::exponential_histogram_data_point::Buckets;
use etalon_pdata::proto::metrics::v1::metric::Data;
use etalon_pdata::proto::metrics::v1::summary_data_point::ValueAtQuantile;
use etalon_pdata::proto::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};

use super::attributes::{attributes, resource, scope, text, time};
use super::{Random, groups};

pub(super) fn request(random: &mut Random, items: usize) -> ExportMetricsServiceRequest {
    let resource_metrics = groups(random, items, 300)
        .into_iter()
        .map(|items| ResourceMetrics {
            resource: Some(resource(random)),
            scope_metrics: groups(random, items, 90)
                .into_iter()
                .map(|items| ScopeMetrics {
                    scope: Some(scope(random)),
                    metrics: groups(random, items, 9)
                        .into_iter()
                        .map(|items| metric(random, items))
                        .collect(),
                    schema_url: String::new(),
                })
                .collect(),
            schema_url: String::new(),
        })
        .collect();
    ExportMetricsServiceRequest { resource_metrics }
}

fn metric(random: &mut Random, items: usize) -> Metric {
    let aggregation_temporality = random.between(0, 2) as i32;
    let data = match random.between(0, 9) {
        0..=2 => Data::Gauge(Gauge { data_points: many(random, items, number) }),
        3..=6 => Data::Sum(Sum {
            data_points: many(random, items, number),
            aggregation_temporality,
            is_monotonic: random.percent(70),
        }),
        7 => Data::Histogram(Histogram {
            data_points: many(random, items, histogram),
            aggregation_temporality,
        }),
        8 => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: many(random, items, exponential_histogram),
            aggregation_temporality,
        }),
        _ => Data::Summary(Summary { data_points: many(random, items, summary) }),
    };
    Metric {
        name: text(random, 5, 50),
        description: if random.percent(70) { text(random, 10, 120) } else { String::new() },
        unit: (*random.pick(&["", "s", "By", "{request}", "1", "ms"])).to_owned(),
        data: Some(data),
        metadata: if random.percent(3) { attributes(random, 1, 2) } else { Vec::new() },
    }
}

fn many<T>(random: &mut Random, count: usize, one: fn(&mut Random) -> T) -> Vec<T> {
    (0..count).map(|_| one(random)).collect()
}

fn number(random: &mut Random) -> NumberDataPoint {
    use number_data_point::Value;

    let value = match random.percent(50) {
        true => Value::AsInt((random.bits() >> random.between(0, 60)).cast_signed()),
        false => Value::AsDouble(random.fraction() * 100.0),
    };
    NumberDataPoint {
        attributes: attributes(random, 0, 8),
        start_time_unix_nano: if random.percent(80) { time(random) } else { 0 },
        time_unix_nano: time(random),
        value: Some(value),
        exemplars: exemplars(random),
        flags: u32::from(random.percent(2)),
    }
}

fn histogram(random: &mut Random) -> HistogramDataPoint {
    let buckets = random.between(0, 16);
    HistogramDataPoint {
        attributes: attributes(random, 0, 8),
        start_time_unix_nano: time(random),
        time_unix_nano: time(random),
        count: random.bits() >> 40,
        sum: random.percent(90).then(|| random.fraction() * 1e3),
        bucket_counts: many(random, buckets, |random| random.bits() >> 50),
        explicit_bounds: (1..buckets).map(|bound| bound as f64 * 2.5).collect(),
        exemplars: exemplars(random),
        flags: 0,
        min: random.percent(50).then(|| random.fraction()),
        max: random.percent(50).then(|| random.fraction() * 1e3),
    }
}

fn exponential_histogram(random: &mut Random) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(random, 0, 8),
        start_time_unix_nano: time(random),
        time_unix_nano: time(random),
        count: random.bits() >> 40,
        sum: Some(random.fraction()),
        scale: random.between(0, 20) as i32 - 4,
        zero_count: random.bits() >> 60,
        positive: Some(buckets(random)),
        negative: random.percent(20).then(|| buckets(random)),
        flags: 0,
        exemplars: exemplars(random),
        min: Some(random.fraction()),
        max: random.percent(50).then(|| random.fraction()),
        zero_threshold: if random.percent(10) { 1e-6 } else { 0.0 },
    }
}

fn buckets(random: &mut Random) -> Buckets {
    let count = random.between(0, 160);
    Buckets {
        offset: random.between(0, 60) as i32 - 30,
        bucket_counts: many(random, count, |random| random.bits() >> random.between(48, 63)),
    }
}

fn summary(random: &mut Random) -> SummaryDataPoint {
    let quantiles = random.between(0, 5);
    SummaryDataPoint {
        attributes: attributes(random, 0, 8),
        start_time_unix_nano: time(random),
        time_unix_nano: time(random),
        count: random.bits() >> 40,
        sum: random.fraction(),
        quantile_values: many(random, quantiles, |random| ValueAtQuantile {
            quantile: random.fraction(),
            value: random.fraction() * 50.0,
        }),
        flags: 0,
    }
}

fn exemplars(random: &mut Random) -> Vec<Exemplar> {
    let count = if random.percent(10) { random.between(1, 3) } else { 0 };
    many(random, count, |random| Exemplar {
        filtered_attributes: attributes(random, 0, 2),
        time_unix_nano: time(random),
        value: Some(exemplar::Value::AsDouble(random.fraction())),
        span_id: random.bytes(8),
        trace_id: random.bytes(16),
    })
}
