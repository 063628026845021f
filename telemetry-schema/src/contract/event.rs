//! Lifecycle events.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Annotated, AttributeRef, Deprecated, Stability};

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
    /// The version that deprecated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_since: Option<Version>,
    /// The version that will not have it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_in: Option<Version>,
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
