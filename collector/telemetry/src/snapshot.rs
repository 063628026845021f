//! What has been recorded, at one moment.

use std::sync::Arc;

use crate::definition::Definition;

/// The values of all series that were asked for, by name of the metric.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Each has at least one point.
    pub families: Vec<FamilySnapshot>,
}

/// The series of one metric.
#[derive(Clone, Debug)]
pub struct FamilySnapshot {
    /// The metric.
    pub definition: &'static Definition,
    /// By labels.
    pub points: Vec<Point>,
}

/// One series.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its attributes, as OTLP names them.
    pub labels: Arc<[(String, String)]>,
    /// Its value.
    pub value: Value,
    /// Whether the value was read at this moment, and not recorded when something happened.
    pub observed: bool,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// Any number.
    Double(f64),
    /// A distribution.
    Histogram {
        /// Of each bound of the definition, how many were above the bound before it and not above this one; and at
        /// last how many were above all of them.
        counts: Vec<u64>,
        /// Of all values.
        sum: f64,
    },
}
