//! A metric in the detailed text.

use super::detailed::Lines;
use super::go::{Fixed, Id, Timestamp};
use super::metrics::log_base;
use crate::proto::common::v1::KeyValue;
use crate::proto::metrics::v1::metric::Data;
use crate::proto::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, SummaryDataPoint, exemplar, number_data_point,
};

pub(super) fn put_metric(metric: &Metric, lines: &mut Lines) {
    lines.line(format_args!("Descriptor:"));
    lines.line(format_args!("     -> Name: {}", metric.name));
    lines.line(format_args!("     -> Description: {}", metric.description));
    lines.line(format_args!("     -> Unit: {}", metric.unit));
    lines.line(format_args!("     -> DataType: {}", data_type(metric.data.as_ref())));
    lines.attributes("     -> Metadata", &metric.metadata);
    match &metric.data {
        Some(Data::Gauge(gauge)) => put_numbers(&gauge.data_points, lines),
        Some(Data::Sum(sum)) => {
            lines.line(format_args!("     -> IsMonotonic: {}", sum.is_monotonic));
            put_temporality(sum.aggregation_temporality, lines);
            put_numbers(&sum.data_points, lines);
        }
        Some(Data::Histogram(histogram)) => {
            put_temporality(histogram.aggregation_temporality, lines);
            put_histograms(&histogram.data_points, lines);
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            put_temporality(histogram.aggregation_temporality, lines);
            put_exponentials(&histogram.data_points, lines);
        }
        Some(Data::Summary(summary)) => put_summaries(&summary.data_points, lines),
        None => {}
    }
}

fn data_type(data: Option<&Data>) -> &'static str {
    match data {
        Some(Data::Gauge(_)) => "Gauge",
        Some(Data::Sum(_)) => "Sum",
        Some(Data::Histogram(_)) => "Histogram",
        Some(Data::ExponentialHistogram(_)) => "ExponentialHistogram",
        Some(Data::Summary(_)) => "Summary",
        None => "Empty",
    }
}

fn put_temporality(number: i32, lines: &mut Lines) {
    let name = match AggregationTemporality::try_from(number) {
        Ok(AggregationTemporality::Unspecified) => "Unspecified",
        Ok(AggregationTemporality::Delta) => "Delta",
        Ok(AggregationTemporality::Cumulative) => "Cumulative",
        Err(_) => "",
    };
    lines.line(format_args!("     -> AggregationTemporality: {name}"));
}

fn put_point(title: &str, index: usize, attributes: &[KeyValue], start: u64, time: u64, lines: &mut Lines) {
    lines.line(format_args!("{title} #{index}"));
    lines.attributes("Data point attributes", attributes);
    lines.line(format_args!("StartTimestamp: {}", Timestamp(start)));
    lines.line(format_args!("Timestamp: {}", Timestamp(time)));
}

fn put_optional(name: &str, value: Option<f64>, lines: &mut Lines) {
    if let Some(value) = value {
        lines.line(format_args!("{name}: {}", Fixed(value)));
    }
}

fn put_numbers(points: &[NumberDataPoint], lines: &mut Lines) {
    for (index, p) in points.iter().enumerate() {
        put_point("NumberDataPoints", index, &p.attributes, p.start_time_unix_nano, p.time_unix_nano, lines);
        match p.value {
            Some(number_data_point::Value::AsInt(value)) => lines.line(format_args!("Value: {value}")),
            Some(number_data_point::Value::AsDouble(value)) => {
                lines.line(format_args!("Value: {}", Fixed(value)));
            }
            None => {}
        }
        put_exemplars(&p.exemplars, lines);
    }
}

fn put_histograms(points: &[HistogramDataPoint], lines: &mut Lines) {
    for (index, p) in points.iter().enumerate() {
        put_point(
            "HistogramDataPoints",
            index,
            &p.attributes,
            p.start_time_unix_nano,
            p.time_unix_nano,
            lines,
        );
        lines.line(format_args!("Count: {}", p.count));
        put_optional("Sum", p.sum, lines);
        put_optional("Min", p.min, lines);
        put_optional("Max", p.max, lines);
        for (index, bound) in p.explicit_bounds.iter().enumerate() {
            lines.line(format_args!("ExplicitBounds #{index}: {}", Fixed(*bound)));
        }
        for (index, count) in p.bucket_counts.iter().enumerate() {
            lines.line(format_args!("Buckets #{index}, Count: {count}"));
        }
        put_exemplars(&p.exemplars, lines);
    }
}

fn put_exponentials(points: &[ExponentialHistogramDataPoint], lines: &mut Lines) {
    for (index, p) in points.iter().enumerate() {
        let title = "ExponentialHistogramDataPoints";
        put_point(title, index, &p.attributes, p.start_time_unix_nano, p.time_unix_nano, lines);
        lines.line(format_args!("Count: {}", p.count));
        put_optional("Sum", p.sum, lines);
        put_optional("Min", p.min, lines);
        put_optional("Max", p.max, lines);
        put_exponential_buckets(p, lines);
        put_exemplars(&p.exemplars, lines);
    }
}

fn put_exponential_buckets(point: &ExponentialHistogramDataPoint, lines: &mut Lines) {
    let base = log_base(point.scale);
    let bounds = |offset: i32, position: usize| {
        let index = f64::from(offset) + position as f64;
        ((index * base).exp(), ((index + 1.0) * base).exp())
    };
    if let Some(negative) = &point.negative {
        for (position, count) in negative.bucket_counts.iter().enumerate().rev() {
            let (lower, upper) = bounds(negative.offset, position);
            lines.line(format_args!("Bucket [{}, {}), Count: {count}", Fixed(-upper), Fixed(-lower)));
        }
    }
    if point.zero_count != 0 {
        lines.line(format_args!("Bucket [0, 0], Count: {}", point.zero_count));
    }
    if let Some(positive) = &point.positive {
        for (position, count) in positive.bucket_counts.iter().enumerate() {
            let (lower, upper) = bounds(positive.offset, position);
            lines.line(format_args!("Bucket ({}, {}], Count: {count}", Fixed(lower), Fixed(upper)));
        }
    }
}

fn put_summaries(points: &[SummaryDataPoint], lines: &mut Lines) {
    for (index, p) in points.iter().enumerate() {
        put_point("SummaryDataPoints", index, &p.attributes, p.start_time_unix_nano, p.time_unix_nano, lines);
        lines.line(format_args!("Count: {}", p.count));
        lines.line(format_args!("Sum: {}", Fixed(p.sum)));
        for (index, q) in p.quantile_values.iter().enumerate() {
            let (quantile, value) = (Fixed(q.quantile), Fixed(q.value));
            lines.line(format_args!("QuantileValue #{index}: Quantile {quantile}, Value {value}"));
        }
    }
}

fn put_exemplars(exemplars: &[Exemplar], lines: &mut Lines) {
    if !exemplars.is_empty() {
        lines.line(format_args!("Exemplars:"));
    }
    for (index, exemplar) in exemplars.iter().enumerate() {
        lines.line(format_args!("Exemplar #{index}"));
        lines.line(format_args!("     -> Trace ID: {}", Id(&exemplar.trace_id)));
        lines.line(format_args!("     -> Span ID: {}", Id(&exemplar.span_id)));
        lines.line(format_args!("     -> Timestamp: {}", Timestamp(exemplar.time_unix_nano)));
        match exemplar.value {
            Some(exemplar::Value::AsInt(value)) => lines.line(format_args!("     -> Value: {value}")),
            Some(exemplar::Value::AsDouble(value)) => {
                lines.line(format_args!("     -> Value: {}", Fixed(value)));
            }
            None => {}
        }
        lines.attributes("     -> FilteredAttributes", &exemplar.filtered_attributes);
    }
}
