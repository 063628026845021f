//! What is checked.

use std::fmt;

use serde::Serialize;

/// What is checked. Ordered as the findings of a name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Lines are of the format.
    Malformed,
    /// The contract has the metric.
    UndeclaredMetric,
    /// The contract has the span.
    UndeclaredSpan,
    /// The contract has the event, and the line tells which it is.
    UndeclaredEvent,
    /// Metrics that are there from the start are there.
    MissingMetric,
    /// What the collector tells is in its own scope.
    Scope,
    /// The type of the metric is that of the contract.
    Type,
    /// The unit is that of the contract.
    Unit,
    /// A sum tells since when it counts, and as the contract and the reader's options have it.
    Temporality,
    /// Values are whole numbers where the contract says so, and only there.
    ValueType,
    /// The span has the role that the contract gives it.
    Kind,
    /// The event is as severe as the contract says.
    Severity,
    /// Each series is there once.
    DuplicateSeries,
    /// The contract has the attributes, which Prometheus calls labels.
    UndeclaredAttribute,
    /// Attributes that are always there are there.
    MissingAttribute,
    /// Attributes have values of the contract's type.
    AttributeType,
    /// Attributes with listed values have one of them.
    UndeclaredValue,
    /// Histograms have the bounds of the contract.
    Buckets,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Malformed,
        Self::UndeclaredMetric,
        Self::UndeclaredSpan,
        Self::UndeclaredEvent,
        Self::MissingMetric,
        Self::Scope,
        Self::Type,
        Self::Unit,
        Self::Temporality,
        Self::ValueType,
        Self::Kind,
        Self::Severity,
        Self::DuplicateSeries,
        Self::UndeclaredAttribute,
        Self::MissingAttribute,
        Self::AttributeType,
        Self::UndeclaredValue,
        Self::Buckets,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UndeclaredMetric => "undeclared-metric",
            Self::UndeclaredSpan => "undeclared-span",
            Self::UndeclaredEvent => "undeclared-event",
            Self::MissingMetric => "missing-metric",
            Self::Scope => "scope",
            Self::Type => "type",
            Self::Unit => "unit",
            Self::Temporality => "temporality",
            Self::ValueType => "value-type",
            Self::Kind => "kind",
            Self::Severity => "severity",
            Self::DuplicateSeries => "duplicate-series",
            Self::UndeclaredAttribute => "undeclared-attribute",
            Self::MissingAttribute => "missing-attribute",
            Self::AttributeType => "attribute-type",
            Self::UndeclaredValue => "undeclared-value",
            Self::Buckets => "buckets",
        }
    }

    /// What it finds, in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Malformed => "A line is not of the format",
            Self::UndeclaredMetric => "The contract does not have the metric",
            Self::UndeclaredSpan => "The contract does not have the span",
            Self::UndeclaredEvent => "The contract does not have the event",
            Self::MissingMetric => "A metric that is there from the start is missing",
            Self::Scope => "It is not in the collector's own scope",
            Self::Type => "The metric has another type",
            Self::Unit => "The metric has another unit",
            Self::Temporality => "The metric counts since another moment",
            Self::ValueType => "The metric has another type of numbers",
            Self::Kind => "The span has another role",
            Self::Severity => "The event has another severity",
            Self::DuplicateSeries => "A series is there more than once",
            Self::UndeclaredAttribute => "The contract does not have the attribute",
            Self::MissingAttribute => "An attribute that is always there is missing",
            Self::AttributeType => "The value of an attribute has another type",
            Self::UndeclaredValue => "The contract does not list the value",
            Self::Buckets => "The histogram has other bounds",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
