//! Contracts of the Go collector's releases.
//!
//! They are facts in `upstream/otelcol.yaml`: one release in full, and what each later one changed. A release between
//! two that are listed has the contract of the earlier one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use etalon_conf::{Node, Problem, Problems};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::contract::{
    Annotated, Attribute, AttributeKind, AttributeNote, AttributeRef, Contract, Deprecated, Domain,
    Instrument, Level, Member, Metric, MetricNote, Presence, Primitive, Requirement, Stability, ValueType,
};
use crate::exposition::Exposition;

const FACTS: &str = include_str!("../upstream/otelcol.yaml");

/// The version that deprecated what the first release listed has as deprecated.
const DEPRECATED_SINCE: Version = Version::new(0, 110, 0);

static HISTORY: LazyLock<Result<Vec<Contract>, Problems>> = LazyLock::new(|| history("otelcol.yaml", FACTS));

/// The contract of a release of the Go collector.
#[derive(Clone, Debug)]
pub struct Found {
    /// The release that was asked for.
    pub asked: Version,
    /// The contract; its version is that of the nearest release that is listed, the asked one or an earlier one.
    pub contract: &'static Contract,
    /// One of its expositions.
    pub exposition: &'static Exposition,
}

/// Why there is no such contract.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FindError {
    /// It is no version.
    #[error("{text:?} is no version of the Go collector: write it as 0.128 or 0.128.0")]
    Version {
        /// What was asked for.
        text: String,
    },
    /// It is before the first one that is known.
    #[error("the Go collector's contract is known from {oldest} on, not of {asked}")]
    TooOld {
        /// What was asked for.
        asked: Version,
        /// The first one.
        oldest: Version,
    },
    /// There is no such exposition.
    #[error("the Go collector has no exposition {text:?}: use {}", known.join(" or "))]
    Exposition {
        /// What was asked for.
        text: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// The facts themselves are wrong, which tests rule out.
    #[error("the facts about the Go collector are not valid")]
    Facts(#[source] Problems),
}

/// The contract of a version, such as `0.128` or `0.128.1`, as one of its expositions shows it: `default`, which is
/// what no name means, or `explicit`, of a reader that is configured.
///
/// # Errors
/// No such version or exposition.
pub fn find(version: &str, exposition: Option<&str>) -> Result<Found, FindError> {
    let asked = parse_version(version).ok_or_else(|| FindError::Version { text: version.to_owned() })?;
    let all = releases()?;
    let contract = all.iter().rev().find(|contract| contract.version <= asked);
    let contract = contract.ok_or_else(|| FindError::TooOld {
        asked: asked.clone(),
        oldest: all.first().map_or(Version::new(0, 0, 0), |contract| contract.version.clone()),
    })?;
    let found = match exposition {
        None => contract.expositions.first(),
        Some(id) => contract.exposition(id),
    };
    let exposition = found.ok_or_else(|| FindError::Exposition {
        text: exposition.unwrap_or_default().to_owned(),
        known: contract.expositions.iter().map(|exposition| exposition.id.as_str()).collect(),
    })?;
    Ok(Found { asked, contract, exposition })
}

/// The contracts of all releases that changed something, the oldest first.
///
/// # Errors
/// The facts are not valid, which tests rule out.
pub fn releases() -> Result<&'static [Contract], FindError> {
    match &*HISTORY {
        Ok(releases) => Ok(releases),
        Err(problems) => Err(FindError::Facts(problems.clone())),
    }
}

/// `otelcol@0.128/explicit`: the name of a contract. The default exposition is not named.
pub fn name_of(version: &Version, exposition: &str) -> String {
    let patch = if version.patch == 0 { String::new() } else { format!(".{}", version.patch) };
    let exposition = if exposition == "default" { String::new() } else { format!("/{exposition}") };
    format!("otelcol@{}.{}{patch}{exposition}", version.major, version.minor)
}

impl Found {
    /// Its name, with the version that was asked for: `otelcol@0.128/explicit`.
    pub fn name(&self) -> String {
        name_of(&self.asked, &self.exposition.id)
    }

    /// Why the contract bears another version than the one that was asked for; nothing when it does not.
    pub fn note(&self) -> Option<String> {
        let (asked, listed) = (&self.asked, &self.contract.version);
        let is_last = releases().is_ok_and(|all| all.last().is_some_and(|last| last.version == *listed));
        if asked == listed {
            None
        } else if is_last {
            Some(format!(
                "of {asked} nothing is known yet: this is the contract of {listed}, the last that is"
            ))
        } else {
            Some(format!("the contract of {asked} is that of {listed}: no query sees a difference"))
        }
    }
}

/// `0.128`, `0.128.0` or `v0.128.0`.
fn parse_version(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    Version::parse(text).or_else(|_| Version::parse(&format!("{text}.0"))).ok()
}

/// A metric, as far as a release says it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct MetricFacts {
    brief: String,
    instrument: Option<Instrument>,
    unit: String,
    stability: Option<Stability>,
    attributes: Vec<String>,
    recommended: Vec<String>,
    opt_in: Vec<String>,
    level: Option<Level>,
    value_type: Option<ValueType>,
    asynchronous: bool,
    buckets: Vec<f64>,
    presence: Option<Presence>,
    recorded: String,
    deprecated: Option<Deprecated>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct AttributeFacts {
    brief: String,
    domain: Option<Domain>,
    values: Vec<String>,
}

/// What holds after the releases that have been read.
#[derive(Default)]
struct State {
    attributes: BTreeMap<String, Attribute>,
    expositions: Vec<Exposition>,
    metrics: BTreeMap<String, (MetricFacts, Version)>,
}

/// Reads the facts: the contract of each release.
fn history(name: &str, text: &str) -> Result<Vec<Contract>, Problems> {
    let root = Node::parse(name, text)?;
    let owner = root.get("name").and_then(Node::as_str).unwrap_or_default();
    let mut state = State::default();
    state.declare(&root)?;
    let mut contracts = Vec::new();
    for release in root.get("releases").map(Node::items).unwrap_or_default() {
        let version = release.get("version").and_then(Node::as_str).and_then(parse_version);
        let version = version.ok_or_else(|| problem(release, "a release has a version".to_owned()))?;
        state.apply(release, &version)?;
        contracts.push(state.contract(owner, version, release)?);
    }
    Ok(contracts)
}

impl State {
    fn declare(&mut self, node: &Node) -> Result<(), Problems> {
        for entry in node.get("attributes").map(Node::entries).unwrap_or_default() {
            let facts: AttributeFacts = entry.value.decode()?;
            self.attributes.insert(entry.key.clone(), attribute(&entry.key, facts));
        }
        Ok(())
    }

    fn apply(&mut self, release: &Node, version: &Version) -> Result<(), Problems> {
        let known = ["version", "attributes", "expositions", "add", "change", "remove"];
        if let Some(entry) = release.entries().iter().find(|entry| !known.contains(&entry.key.as_str())) {
            return Err(problem(&entry.value, format!("unknown key {:?}", entry.key)));
        }
        self.declare(release)?;
        if let Some(node) = release.get("expositions") {
            self.expositions = node.items().iter().map(exposition).collect::<Result<_, _>>()?;
        }
        for entry in release.get("add").map(Node::entries).unwrap_or_default() {
            let facts: MetricFacts = entry.value.decode()?;
            if self.metrics.insert(entry.key.clone(), (facts, version.clone())).is_some() {
                return Err(problem(&entry.value, format!("{} is there already", entry.key)));
            }
        }
        for change in release.get("change").map(Node::items).unwrap_or_default() {
            let of = change.get("metrics").ok_or_else(|| problem(change, "no metrics".to_owned()))?;
            let to = change.get("to").ok_or_else(|| problem(change, "no to".to_owned()))?;
            for name in self.matching(of)? {
                if let Some((facts, _)) = self.metrics.get_mut(&name) {
                    *facts = to.decode_over(facts)?;
                }
            }
        }
        if let Some(of) = release.get("remove") {
            for name in self.matching(of)? {
                self.metrics.remove(&name);
            }
        }
        Ok(())
    }

    /// The names that a list of patterns meets.
    fn matching(&self, patterns: &Node) -> Result<Vec<String>, Problems> {
        let mut names = Vec::new();
        for item in patterns.items() {
            let pattern = item.as_str().unwrap_or_default();
            let before = names.len();
            names.extend(self.metrics.keys().filter(|name| meets(pattern, name)).cloned());
            if names.len() == before {
                return Err(problem(item, format!("no metric is called {pattern:?}")));
            }
        }
        Ok(names)
    }

    fn contract(&self, owner: &str, version: Version, release: &Node) -> Result<Contract, Problems> {
        let mut contract = Contract {
            schema_url: String::new(),
            name: owner.to_owned(),
            version,
            expositions: self.expositions.clone(),
            attributes: self.attributes.clone(),
            metrics: BTreeMap::new(),
            events: BTreeMap::new(),
            spans: BTreeMap::new(),
            entities: BTreeMap::new(),
            invariants: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        for (name, (facts, since)) in &self.metrics {
            let metric = metric(name, facts, since).ok_or_else(|| {
                problem(release, format!("{name} lacks instrument, unit, level or presence"))
            })?;
            contract.metrics.insert(name.clone(), metric);
        }
        let mut undeclared = contract.metrics.values().flat_map(|metric| &metric.attributes);
        if let Some(attribute) =
            undeclared.find(|attribute| !contract.attributes.contains_key(&attribute.key))
        {
            return Err(problem(release, format!("no attribute is called {:?}", attribute.key)));
        }
        Ok(contract)
    }
}

fn problem(node: &Node, message: String) -> Problems {
    Problem::new("", message).with_origin(node.origin().cloned()).into()
}

/// An exposition, whose keys but the id have defaults.
fn exposition(node: &Node) -> Result<Exposition, Problems> {
    node.decode_over(&Exposition {
        id: String::new(),
        escaping: crate::Escaping::Underscores,
        unit_suffix: false,
        annotation_suffix: false,
        type_suffix: false,
        scope_labels: Vec::new(),
        resource_labels: Vec::new(),
    })
}

fn attribute(key: &str, facts: AttributeFacts) -> Attribute {
    let member = |value: String| Member {
        id: value.clone(),
        value,
        brief: String::new(),
        stability: Stability::Development,
        deprecated: None,
    };
    let kind = if facts.values.is_empty() {
        AttributeKind::Primitive(Primitive::String)
    } else {
        AttributeKind::Enum { members: facts.values.into_iter().map(member).collect() }
    };
    Attribute {
        key: key.to_owned(),
        kind,
        brief: facts.brief,
        note: None,
        stability: Stability::Development,
        examples: Vec::new(),
        deprecated: None,
        annotations: Annotated { contract: AttributeNote { since: None, domain: facts.domain } },
    }
}

/// The metric of a name; nothing when the facts are not complete.
fn metric(name: &str, facts: &MetricFacts, since: &Version) -> Option<Metric> {
    let of = |keys: &[String], requirement_level| {
        keys.iter().map(move |key| AttributeRef { key: key.clone(), requirement_level }).collect::<Vec<_>>()
    };
    let attributes = [
        of(&facts.attributes, Requirement::Required),
        of(&facts.recommended, Requirement::Recommended),
        of(&facts.opt_in, Requirement::OptIn),
    ];
    let note = MetricNote {
        since: since.clone(),
        deprecated_since: facts.deprecated.as_ref().map(|_| DEPRECATED_SINCE),
        removed_in: None,
        level: facts.level?,
        value_type: facts.value_type.unwrap_or(ValueType::Int),
        asynchronous: facts.asynchronous,
        buckets: facts.buckets.clone(),
        binding: None,
        presence: facts.presence.clone()?,
        recorded: facts.recorded.clone(),
        invariants: Vec::new(),
        tests: Vec::new(),
        how_to_use: None,
        alert: None,
        upstream: None,
    };
    Some(Metric {
        name: name.to_owned(),
        brief: facts.brief.clone(),
        note: None,
        instrument: facts.instrument?,
        unit: Some(facts.unit.clone()).filter(|unit| !unit.is_empty())?,
        stability: facts.stability.unwrap_or(Stability::Alpha),
        attributes: attributes.concat(),
        deprecated: facts.deprecated.clone(),
        annotations: Annotated { contract: note },
    })
}

/// Whether a pattern, in which `*` stands for anything, is `name`.
fn meets(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| meets(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;
