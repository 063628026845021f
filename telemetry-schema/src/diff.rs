//! What a change of a contract means to those who rely on it.
//!
//! [`compare`] looks at every field of two contracts. Each difference is a [`Change`]: where, from what to what, by which
//! [`Rule`], and with what [`Verdict`] and [`Bump`]. The rules are stricter for what is stable than for what is beta or
//! below. A field that is added to the types of a contract does not compile here until it has a rule.

mod attribute;
mod exposed;
mod metric;
mod rule;
mod signal;
mod site;

use semver::Version;
use serde::Serialize;

use crate::contract::{Contract, Stability};

pub use rule::Rule;
use site::{Site, each};

/// What a change means to those who rely on what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No query, alert or dashboard can tell.
    None,
    /// What worked goes on working, and there is more.
    Additive,
    /// What worked may not work any more.
    Breaking,
    /// Breaking, and in a way that no version excuses.
    Forbidden,
}

/// How much the version of the contract must grow for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bump {
    /// Not at all.
    None,
    /// The third number.
    Patch,
    /// The second number; the third before 1.0.0.
    Minor,
    /// The first number; the second before 1.0.0.
    Major,
}

/// One difference of two contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where: `metrics::otelcol_receiver_accepted_spans::unit`.
    pub path: String,
    /// What kind of change it is.
    pub rule: Rule,
    /// What was there; nothing when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What is there; nothing when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// How much could be relied on what was there, or can be on what is new.
    pub stability: Stability,
    /// What it means.
    pub verdict: Verdict,
    /// What it needs.
    pub bump: Bump,
}

/// All differences, in the order of the contract's parts and of their names.
pub fn compare(old: &Contract, new: &Contract) -> Vec<Change> {
    let Contract {
        name,
        version: _,
        schema_url,
        expositions,
        attributes,
        metrics,
        events,
        spans,
        entities,
        invariants,
        groups,
    } = old;
    let mut changes = Vec::new();
    // What has no stability of its own is relied on by everything.
    let root = &mut Site::new(&mut changes, Stability::Stable);
    root.field("name", name, &new.name, Rule::ContractRenamed);
    root.field("schema_url", &family(schema_url), &family(&new.schema_url), Rule::ContractRenamed);
    exposed::expositions(&mut root.at("expositions"), expositions, &new.expositions);
    each(&mut root.at("attributes"), (attributes, old), (&new.attributes, new), attribute::attribute);
    each(&mut root.at("metrics"), (metrics, old), (&new.metrics, new), metric::metric);
    each(&mut root.at("events"), (events, old), (&new.events, new), signal::event);
    each(&mut root.at("spans"), (spans, old), (&new.spans, new), signal::span);
    each(&mut root.at("entities"), (entities, old), (&new.entities, new), signal::entity);
    each(&mut root.at("invariants"), (invariants, old), (&new.invariants, new), signal::invariant);
    // How code binds metrics together, which no reader sees.
    root.field("groups", groups, &new.groups, Rule::TextChanged);
    changes
}

/// A schema URL without the version that it ends with.
fn family(schema_url: &str) -> &str {
    schema_url.rsplit_once('/').map_or("", |(family, _)| family)
}

/// The bump that all these changes need together.
pub fn required_bump(changes: &[Change]) -> Bump {
    changes.iter().map(|change| change.bump).max().unwrap_or(Bump::None)
}

impl Bump {
    fn of(verdict: Verdict, stability: Stability) -> Self {
        match verdict {
            Verdict::None => Self::Patch,
            Verdict::Additive => Self::Minor,
            Verdict::Breaking if stability < Stability::Stable => Self::Minor,
            Verdict::Breaking | Verdict::Forbidden => Self::Major,
        }
    }

    /// The least version that has grown by this. Before 1.0.0, the second number stands for the first one, and the third
    /// for the second.
    pub fn from(self, version: &Version) -> Version {
        let &Version { major, minor, patch, .. } = version;
        match self {
            Self::None => version.clone(),
            Self::Major if major > 0 => Version::new(major + 1, 0, 0),
            Self::Minor if major > 0 => Version::new(major, minor + 1, 0),
            Self::Major => Version::new(0, minor + 1, 0),
            Self::Patch | Self::Minor => Version::new(major, minor, patch + 1),
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
            Self::Forbidden => "forbidden",
        })
    }
}

impl std::fmt::Display for Bump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, rule, old, new, .. } = self;
        match (old, new) {
            (Some(old), Some(new)) => write!(f, "{path}: {old} → {new} ({rule})"),
            (Some(old), None) => write!(f, "{path}: {old} → gone ({rule})"),
            (None, Some(new)) => write!(f, "{path}: new: {new} ({rule})"),
            (None, None) => write!(f, "{path} ({rule})"),
        }
    }
}

#[cfg(test)]
mod tests;
