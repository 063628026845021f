//! What a contract declares.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::exposition::Exposition;

/// Everything that one version of a collector says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Whose contract it is: `etalon`, `otelcol`.
    pub name: String,
    /// The version of the contract, which is not that of the product.
    pub version: Version,
    /// How readers see the metrics. The first is the default one.
    pub expositions: Vec<Exposition>,
    /// By key.
    pub attributes: BTreeMap<String, Attribute>,
    /// By name.
    pub metrics: BTreeMap<String, Metric>,
    /// By name.
    #[serde(default)]
    pub events: BTreeMap<String, Event>,
    /// By type.
    #[serde(default)]
    pub spans: BTreeMap<String, Span>,
    /// By type.
    #[serde(default)]
    pub entities: BTreeMap<String, Entity>,
    /// What always holds between metrics, by id: a sentence, and an equation of metric names.
    #[serde(default)]
    pub invariants: BTreeMap<String, String>,
    /// What the metrics with the same group in their [`Binding`] have in common, in a sentence, by name of the group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, String>,
}

/// How much may be relied on something. Ordered: each promises more than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

/// What something that goes away is replaced by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Deprecated {
    /// It has another name, and is the same in everything else.
    Renamed {
        /// The other name.
        renamed_to: String,
    },
    /// Nothing replaces it.
    Obsoleted {
        /// What to do instead.
        note: String,
    },
    /// Anything else.
    Uncategorized {
        /// What to do instead.
        note: String,
    },
}

/// A dimension: a label of Prometheus, a field of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attribute {
    /// Name.
    pub key: String,
    /// Of its values.
    #[serde(rename = "type")]
    pub kind: AttributeKind,
    /// What it says, in a sentence.
    pub brief: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Values it may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Set when it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecated>,
    /// What Weaver does not know.
    #[serde(default)]
    pub annotations: Annotated<AttributeNote>,
}

/// Our part of an element.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Annotated<T> {
    /// The only key of ours.
    pub contract: T,
}

/// The type of an attribute's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AttributeKind {
    /// `string`, `int`, `double` or `boolean`.
    Primitive(Primitive),
    /// One of a list.
    Enum {
        /// The list. It is closed: no other value occurs.
        members: Vec<Member>,
    },
}

/// A type without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Primitive {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// Any number.
    Double,
    /// True or false.
    Boolean,
}

/// A value of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Name, of which that in code is made.
    pub id: String,
    /// On the wire.
    pub value: String,
    /// What it means, in a sentence.
    pub brief: String,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Set when it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecated>,
}

/// What we say about an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AttributeNote {
    /// The version of the contract that has it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Version>,
    /// What bounds the number of its values. An enumeration is bounded by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
}

/// What bounds the number of values of an attribute that is no enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// The ids of the components that are configured.
    ComponentId,
    /// The pipelines that are configured.
    PipelineId,
    /// The destinations that are configured.
    Destination,
    /// The configuration, in another way.
    Configuration,
    /// One value for each process.
    Process,
    /// Nothing. Only for events and spans.
    Unbounded,
}

/// An attribute of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeRef {
    /// Key of the attribute.
    #[serde(rename = "ref")]
    pub key: String,
    /// Whether it is always there.
    pub requirement_level: Requirement,
}

/// Whether an attribute is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Always.
    Required,
    /// Only where it applies. Not for stable metrics: a label that may be there cannot be relied on.
    Recommended,
    /// Only when the configuration asks for it.
    OptIn,
}

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

/// Something that happens once, told by a log line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The value of `event.name`.
    pub name: String,
    /// What has happened, in a sentence.
    pub brief: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Its fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeRef>,
    /// Set when it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecated>,
    /// What Weaver does not know.
    pub annotations: Annotated<EventNote>,
}

/// What we say about an event. The text of its message is promised by nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventNote {
    /// The version of the contract that has it first.
    pub since: Version,
    /// Of the log line.
    pub severity: Severity,
    /// The text of the log line, which may change.
    pub message: String,
    /// Whether the sampling of log lines may leave it out.
    #[serde(default)]
    pub sampled: bool,
    /// When exactly it is told.
    pub recorded: String,
    /// Tests of its meaning, as `program::test`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_to_use: Option<String>,
}

/// Severity of a log line. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For developers.
    Debug,
    /// As expected.
    Info,
    /// Something to look at.
    Warn,
    /// Something is wrong.
    Error,
}

/// A span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Its id in the contract.
    #[serde(rename = "type")]
    pub id: String,
    /// Its role.
    pub kind: SpanKind,
    /// How its name is made.
    pub name: SpanName,
    /// What it measures, in a sentence.
    pub brief: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How much may be relied on it.
    pub stability: Stability,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeRef>,
    /// Set when it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecated>,
    /// What Weaver does not know.
    pub annotations: Annotated<SpanNote>,
}

/// The role of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Within the process.
    Internal,
    /// Of a request that was received.
    Server,
    /// Of a request that was sent.
    Client,
}

/// How the name of a span is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpanName {
    /// A template, with attributes in braces.
    pub note: String,
}

/// What we say about a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpanNote {
    /// The version of the contract that has it first.
    pub since: Version,
    /// A regular expression that each of its names matches as a whole.
    pub name_pattern: String,
    /// When its status is an error.
    pub status: String,
    /// When it begins and ends.
    pub recorded: String,
    /// Names of its events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

/// What the telemetry is about: the resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Its id in the contract.
    #[serde(rename = "type")]
    pub id: String,
    /// What it is, in a sentence.
    pub brief: String,
    /// How much may be relied on it.
    pub stability: Stability,
    /// What tells one from another.
    pub identity: Vec<AttributeRef>,
    /// What else is told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub description: Vec<AttributeRef>,
}

impl Attribute {
    /// The only values it has; nothing when they are not listed.
    pub fn values(&self) -> Option<Vec<&str>> {
        match &self.kind {
            AttributeKind::Primitive(_) => None,
            AttributeKind::Enum { members } => {
                Some(members.iter().map(|member| member.value.as_str()).collect())
            }
        }
    }
}

impl Metric {
    /// What is wrong with it, for itself and in `contract`.
    pub(crate) fn problems(&self, contract: &Contract) -> Vec<String> {
        let note = &self.annotations.contract;
        let mut problems = Vec::new();
        let is_histogram = self.instrument == Instrument::Histogram;
        if is_histogram == note.buckets.is_empty() {
            problems.push("a histogram has buckets, and nothing else has".to_owned());
        }
        if !note.buckets.is_sorted_by(|a, b| a < b) {
            problems.push("buckets must grow".to_owned());
        }
        if is_histogram && note.asynchronous {
            problems.push("a histogram cannot be asynchronous".to_owned());
        }
        for id in note.invariants.iter().filter(|id| !contract.invariants.contains_key(*id)) {
            problems.push(format!("no invariant is called {id:?}"));
        }
        if let Some(binding) = &note.binding {
            if !contract.groups.contains_key(&binding.group) {
                problems.push(format!("no group is called {:?}", binding.group));
            }
            let is_own = |key: &str| self.attributes.iter().any(|attribute| attribute.key == key);
            let is_enum = |key: &str| {
                contract.attributes.get(key).is_some_and(|attribute| attribute.values().is_some())
            };
            for key in binding.given.iter().filter(|key| !is_own(key) || !is_enum(key)) {
                problems
                    .push(format!("{key:?} is given, and therefore an attribute of it and an enumeration"));
            }
        }
        for attribute in &self.attributes {
            let Some(declared) = contract.attributes.get(&attribute.key) else { continue };
            let domain = declared.annotations.contract.domain;
            if declared.values().is_none() && matches!(domain, None | Some(Domain::Unbounded)) {
                problems.push(format!("nothing bounds the values of {:?}", attribute.key));
            }
            if self.stability == Stability::Stable && attribute.requirement_level == Requirement::Recommended
            {
                problems.push(format!("{:?} of a stable metric is required or opt_in", attribute.key));
            }
        }
        if self.stability == Stability::Stable {
            if note.tests.is_empty() {
                problems.push("a stable metric names a test of its meaning".to_owned());
            }
            if note.how_to_use.is_none() {
                problems.push("a stable metric says how to use it".to_owned());
            }
        }
        if self.deprecated.is_some() != note.deprecated_since.is_some() {
            problems.push("deprecated and deprecated_since go together".to_owned());
        }
        problems
    }
}
