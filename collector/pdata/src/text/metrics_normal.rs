//! A metric in the normal text: one line per data point, `name{attributes} values`.

use std::fmt::{self, Write as _};

use super::go::{Fixed, General};
use super::metrics::log_base;
use super::normal::{Pairs, line};
use crate::proto::common::v1::KeyValue;
use crate::proto::metrics::v1::metric::Data;
use crate::proto::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    number_data_point,
};

pub(super) fn put_metric(metric: &Metric, out: &mut String) {
    let mut point = |attributes: &[KeyValue], values: &dyn fmt::Display| {
        line(out, format_args!("{}{{{}}} {values}", metric.name, Pairs(attributes, ",")));
    };
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|p| point(&p.attributes, &Number(p))),
        Some(Data::Sum(sum)) => sum.data_points.iter().for_each(|p| point(&p.attributes, &Number(p))),
        Some(Data::Histogram(data)) => {
            data.data_points.iter().for_each(|p| point(&p.attributes, &histogram(p)));
        }
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points.iter().for_each(|p| point(&p.attributes, &exponential(p)));
        }
        Some(Data::Summary(data)) => data.data_points.iter().for_each(|p| point(&p.attributes, &summary(p))),
        None => {}
    }
}

struct Number<'a>(&'a NumberDataPoint);

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.value {
            Some(number_data_point::Value::AsInt(value)) => write!(f, "{value}"),
            Some(number_data_point::Value::AsDouble(value)) => write!(f, "{}", General(value)),
            None => Ok(()),
        }
    }
}

/// Values that are being put together.
struct Values(String);

impl Values {
    fn of(count: u64) -> Self {
        Self(format!("count={count}"))
    }

    fn put(&mut self, value: fmt::Arguments<'_>) {
        self.0.push(' ');
        self.0.write_fmt(value).expect("a String grows");
    }

    fn put_optional(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.put(format_args!("{name}={}", General(value)));
        }
    }
}

fn histogram(point: &HistogramDataPoint) -> String {
    let mut values = Values::of(point.count);
    values.put_optional("sum", point.sum);
    values.put_optional("min", point.min);
    values.put_optional("max", point.max);
    for (index, count) in point.bucket_counts.iter().enumerate() {
        match point.explicit_bounds.get(index) {
            Some(bound) => values.put(format_args!("le{}={count}", General(*bound))),
            None => values.put(format_args!("{count}")),
        }
    }
    values.0
}

fn exponential(point: &ExponentialHistogramDataPoint) -> String {
    let mut values = Values::of(point.count);
    values.put_optional("sum", point.sum);
    values.put_optional("min", point.min);
    values.put_optional("max", point.max);
    let base = log_base(point.scale);
    if let Some(negative) = &point.negative {
        for (position, count) in negative.bucket_counts.iter().enumerate().rev() {
            let index = f64::from(negative.offset) + position as f64;
            values.put(format_args!("le{}={count}", General(-(index * base).exp())));
        }
    }
    if point.zero_count != 0 {
        values.put(format_args!("zero={}", point.zero_count));
    }
    if let Some(positive) = &point.positive {
        for (position, count) in positive.bucket_counts.iter().enumerate() {
            let index = f64::from(positive.offset) + position as f64;
            values.put(format_args!("le{}={count}", General(((index + 1.0) * base).exp())));
        }
    }
    values.0
}

fn summary(point: &SummaryDataPoint) -> String {
    let mut values = Values::of(point.count);
    values.put(format_args!("sum={}", Fixed(point.sum)));
    for quantile in &point.quantile_values {
        values.put(format_args!("q{}={}", General(quantile.quantile), General(quantile.value)));
    }
    values.0
}
