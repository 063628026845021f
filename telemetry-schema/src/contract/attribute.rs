//! Attributes: the labels of metrics, the fields of events and spans.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Annotated, Deprecated, Stability};

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
