//! Metrics.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Annotated, AttributeRef, Deprecated, Stability};

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// As OTLP has it.
    pub name: String,
    /// What it says, in a sentence.
    pub brief: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What kind of numbers.
    pub instrument: Instrument,
    /// In the notation of UCUM.
    pub unit: String,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Its dimensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeRef>,
    /// Set when it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecated>,
    /// What Weaver does not know.
    pub annotations: Annotated<MetricNote>,
}

/// A kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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

/// What we say about a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricNote {
    /// The version of the contract that has it first.
    pub since: Version,
    /// The version that deprecated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_since: Option<Version>,
    /// The version that will not have it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_in: Option<Version>,
    /// The lowest level of `service::telemetry::metrics::level` at which it is there.
    pub level: Level,
    /// Of its values.
    pub value_type: ValueType,
    /// Whether it is read when it is exported, and not recorded when something happens.
    #[serde(default)]
    pub asynchronous: bool,
    /// Upper bounds of a histogram.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<f64>,
    /// How our code records it; nothing for a metric of another collector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// From when on its series are there.
    pub presence: Presence,
    /// When exactly it is recorded, for each of what, before or after which stage.
    pub recorded: String,
    /// Ids of what always holds for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<String>,
    /// Tests of its meaning, as `program::test`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// What to look at it for, and when to worry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_to_use: Option<String>,
    /// A condition worth an alert, in PromQL over the default exposition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// The Go collector's metric that says something alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

/// How code records a metric. Nothing of it reaches a reader of the metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Binding {
    /// The metrics that are bound together, when what records them is built.
    pub group: String,
    /// What it is called in the group. Those of several signals share it.
    pub name: String,
    /// The signal whose items it counts, when there is one such metric for each signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Enumerations whose value is given when it is recorded; all other attributes are bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
}

/// `service::telemetry::metrics::level`. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What everybody needs.
    Basic,
    /// The default.
    Normal,
    /// All.
    Detailed,
}

/// Of the values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Whole numbers.
    Int,
    /// Any numbers.
    Double,
}

/// From when on the series of a metric are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// From the start, at zero, for each configured component and each value of its enumerations.
    AtStart,
    /// From the start, if the configuration has what is named here.
    OnConfig(String),
    /// From what is named here on.
    OnEvent(String),
}

/// How a metric of the Go collector compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upstream {
    /// Its name there; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it compares.
    pub relation: Relation,
    /// What is different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How two metrics compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Same name, same meaning.
    Same,
    /// A like purpose, another meaning.
    Differs,
    /// There is none.
    None,
}

impl Metric {
    /// Whether all that a query can see of it, but for its name, is that of `successor`.
    pub(crate) fn differs_only_in_name(&self, successor: &Self) -> bool {
        let (note, successor_note) = (&self.annotations.contract, &successor.annotations.contract);
        self.instrument == successor.instrument
            && self.unit == successor.unit
            && self.stability <= successor.stability
            && note.value_type == successor_note.value_type
            && note.buckets == successor_note.buckets
            && note.level >= successor_note.level
            && self.attributes.len() == successor.attributes.len()
            && self.attributes.iter().all(|attribute| successor.attributes.contains(attribute))
    }
}
