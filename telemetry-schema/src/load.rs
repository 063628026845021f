//! Reads a folder of definition files.
//!
//! `contract.yaml` names the contract and its expositions, `manifest.yaml` is what Weaver reads first, and
//! `model/**/*.yaml` declare. Every problem of all files is told at once, with its place.

pub(crate) mod check;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etalon_conf::{Node, Problem, Problems};
use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::contract::{Attribute, Contract, Entity, Event, Metric, Span, Stability};
use crate::exposition::Exposition;
use crate::invariant::Invariant;

use check::Wrong;

/// The form of the definition files that this reads: of Weaver's "semconv syntax v2".
pub const FILE_FORMAT: &str = "definition/2";

/// Why a folder is no contract.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or a folder.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the files say.
    #[error("{0}")]
    Invalid(Problems),
}

/// A definition file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Definitions {
    /// `definition/2`.
    pub file_format: String,
    /// The only place that says what attributes are.
    pub attributes: Vec<Attribute>,
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// Lifecycle events.
    pub events: Vec<Event>,
    /// Spans.
    pub spans: Vec<Span>,
    /// Resources.
    pub entities: Vec<Entity>,
}

/// `manifest.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Manifest {
    /// Identity of the schema; its last part is the version. Nobody needs to serve it.
    pub schema_url: String,
    /// What it is, in a sentence.
    pub description: String,
    /// How much may be relied on it as a whole.
    pub stability: Option<Stability>,
}

/// `contract.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Preamble {
    /// Whose contract it is.
    pub name: String,
    /// How readers see the metrics. The first is the default one.
    pub expositions: Vec<Exposition>,
    /// What always holds between metrics, by id.
    pub invariants: BTreeMap<String, String>,
    /// What metrics that are bound together have in common, by name of their group.
    pub groups: BTreeMap<String, String>,
}

/// Reads the contract in `folder`.
///
/// # Errors
/// A file that cannot be read, or all that is wrong in the files.
pub fn load(folder: &Path) -> Result<Contract, LoadError> {
    let mut found = Found::default();
    let (manifest_node, manifest): (_, Manifest) = found.decode(&folder.join("manifest.yaml"))?;
    let (preamble_node, preamble): (_, Preamble) = found.decode(&folder.join("contract.yaml"))?;
    let version = manifest.schema_url.rsplit('/').next().unwrap_or_default().parse();
    let version = version.unwrap_or_else(|error| {
        let message = format!("must end with a version, as in …/etalon/0.1.0: {error}");
        found.problem(&manifest_node, "schema_url", message);
        Version::new(0, 0, 0)
    });
    if preamble.expositions.is_empty() {
        found.problem(&preamble_node, "expositions", "at least one must be declared".to_owned());
    }
    let mut contract = Contract {
        name: preamble.name,
        version,
        schema_url: manifest.schema_url,
        expositions: preamble.expositions,
        attributes: BTreeMap::new(),
        metrics: BTreeMap::new(),
        events: BTreeMap::new(),
        spans: BTreeMap::new(),
        entities: BTreeMap::new(),
        invariants: preamble.invariants,
        groups: preamble.groups,
    };
    let mut files = Vec::new();
    for path in yaml_files(&folder.join("model"))? {
        files.push(found.decode::<Definitions>(&path)?);
    }
    for (node, definitions) in &files {
        found.declare(&mut contract, node, definitions);
    }
    for (node, definitions) in &files {
        found.check(&contract, node, definitions);
    }
    for (id, text) in &contract.invariants {
        let problems = match Invariant::parse(text) {
            Ok(invariant) => invariant.problems(&contract),
            Err(error) => vec![error.to_string()],
        };
        for problem in problems {
            found.problem(&preamble_node, &format!("invariants::{id}"), problem);
        }
    }
    match Problems::of(found.problems) {
        None => Ok(contract),
        Some(problems) => Err(LoadError::Invalid(problems)),
    }
}

/// What is wrong so far.
#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
}

impl Found {
    fn decode<T>(&mut self, path: &Path) -> Result<(Node, T), LoadError>
    where
        T: Default + Serialize + serde::de::DeserializeOwned,
    {
        let text = read(path)?;
        let node = match Node::parse(&path.display().to_string(), &text) {
            Ok(node) => node,
            Err(problems) => {
                self.problems.extend(problems);
                return Ok((Node::new(etalon_conf::Content::Null), T::default()));
            }
        };
        let decoded = node.decode().unwrap_or_else(|problems| {
            self.problems.extend(problems);
            T::default()
        });
        Ok((node, decoded))
    }

    fn problem(&mut self, node: &Node, path: &str, message: String) {
        let place = place(node, path);
        self.problems.push(Problem::new(path, message).with_origin(place.origin().cloned()));
    }

    fn declare(&mut self, contract: &mut Contract, node: &Node, definitions: &Definitions) {
        // A file that could not be decoded has been told already.
        if *definitions == Definitions::default() {
            return;
        }
        if definitions.file_format != FILE_FORMAT {
            self.problem(node, "file_format", format!("must be {FILE_FORMAT}"));
        }
        let Definitions { attributes, metrics, events, spans, entities, .. } = definitions;
        self.insert(node, "attributes", &mut contract.attributes, attributes, |item| &item.key);
        self.insert(node, "metrics", &mut contract.metrics, metrics, |item| &item.name);
        self.insert(node, "events", &mut contract.events, events, |item| &item.name);
        self.insert(node, "spans", &mut contract.spans, spans, |item| &item.id);
        self.insert(node, "entities", &mut contract.entities, entities, |item| &item.id);
    }

    fn insert<T: Clone>(
        &mut self,
        node: &Node,
        section: &str,
        into: &mut BTreeMap<String, T>,
        items: &[T],
        key: impl Fn(&T) -> &String,
    ) {
        for (index, item) in items.iter().enumerate() {
            if into.insert(key(item).clone(), item.clone()).is_some() {
                let path = format!("{section}::{index}");
                self.problem(node, &path, format!("{} is declared twice", key(item)));
            }
        }
    }

    fn check(&mut self, contract: &Contract, node: &Node, definitions: &Definitions) {
        let Definitions { attributes, metrics, events, spans, entities, .. } = definitions;
        let samples = check::Samples::of(contract);
        for (index, attribute) in attributes.iter().enumerate() {
            self.told(node, "attributes", index, &attribute.key, check::attribute(attribute, contract));
        }
        for (index, metric) in metrics.iter().enumerate() {
            for wrong in
                [check::metric(metric, contract), check::own(metric, contract), samples.check(metric)]
            {
                self.told(node, "metrics", index, &metric.name, wrong);
            }
        }
        for (index, event) in events.iter().enumerate() {
            self.told(node, "events", index, &event.name, check::event(event, contract));
        }
        for (index, span) in spans.iter().enumerate() {
            self.told(node, "spans", index, &span.id, check::span(span, contract));
        }
        for (index, entity) in entities.iter().enumerate() {
            self.told(node, "entities", index, &entity.id, check::entity(entity, contract));
        }
    }

    /// Tells what is wrong with one of a section.
    fn told(&mut self, node: &Node, section: &str, index: usize, name: &str, wrong: Wrong) {
        for (field, message) in wrong.fields {
            self.problem(node, &format!("{section}::{index}::{field}"), format!("{name}: {message}"));
        }
    }
}

/// What is at a path, or the nearest that there is.
fn place<'a>(node: &'a Node, path: &str) -> &'a Node {
    path.split("::")
        .try_fold(node, |node, part| {
            let item = part.parse().ok().and_then(|index: usize| node.items().get(index));
            item.or_else(|| node.get(part)).ok_or(node)
        })
        .unwrap_or_else(|nearest| nearest)
}

pub(crate) fn read(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

/// All files of a folder and those in it whose names end with `.yaml`, in order.
pub(crate) fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |source| LoadError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            files.extend(yaml_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
