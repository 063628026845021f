//! What is fixed about a metric.

/// What the contract declares of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Definition {
    /// As OTLP has it.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub brief: &'static str,
    /// In the notation of UCUM.
    pub unit: &'static str,
    /// What kind of numbers.
    pub instrument: Instrument,
    /// Of its values.
    pub value_type: ValueType,
    /// The lowest level at which it is told.
    pub level: Level,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Whether a series is there only from its first event on.
    pub on_event: bool,
    /// Upper bounds of a histogram; nothing else has any.
    pub buckets: &'static [f64],
}

/// A kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// Only grows.
    Counter,
    /// A sum that grows and shrinks.
    UpDownCounter,
    /// A value at a time, of which a sum says nothing.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Of the values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Whole numbers.
    Int,
    /// Any numbers.
    Double,
}

/// `service::telemetry::metrics::level`. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What everybody needs.
    Basic,
    /// The default.
    Normal,
    /// All.
    Detailed,
}

/// How much may be relied on a metric. Ordered: each promises more than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// May change in any release.
    Development,
    /// May change in any release, with a note.
    Alpha,
    /// Changes only with a minor release's notice.
    Beta,
    /// As beta, and expected to become stable as it is.
    ReleaseCandidate,
    /// Does not change within a major version of the contract.
    Stable,
}
