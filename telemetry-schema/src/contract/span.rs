//! Spans.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Annotated, AttributeRef, Deprecated, Stability};

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
    /// The version that deprecated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_since: Option<Version>,
    /// The version that will not have it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_in: Option<Version>,
    /// A regular expression that each of its names matches as a whole.
    pub name_pattern: String,
    /// When its status is an error.
    pub status: String,
    /// When it begins and ends.
    pub recorded: String,
    /// Names of its events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Tests of its meaning, as `program::test`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// What to look at it for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_to_use: Option<String>,
}
