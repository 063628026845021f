//! How much may be relied on an element, and what becomes of one that goes away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Our part of an element.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Annotated<T> {
    /// The only key of ours.
    pub contract: T,
}
