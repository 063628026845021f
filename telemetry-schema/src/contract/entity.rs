//! What the telemetry is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttributeRef, Stability};

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
