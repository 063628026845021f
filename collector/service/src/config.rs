//! The configuration of a whole collector, decoded and validated.

use std::collections::BTreeMap;

use etalon_component::{AnyConfig, ComponentId};
use etalon_conf::{Check, Description, MAX_PROBLEMS, Node, Problem, Problems, Value};
use etalon_pdata::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::factories::Factories;
use crate::gates::{ALLOW_NO_PIPELINES, FeatureGates, Gate};
use crate::shutdown_config::ShutdownConfig;
use crate::telemetry_config::TelemetryConfig;

/// The sections that a configuration may have.
const SECTIONS: [&str; 6] = ["receivers", "processors", "exporters", "connectors", "extensions", "service"];

/// A configuration whose every component has been decoded by its factory.
#[derive(Debug)]
pub struct CollectorConfig {
    /// `receivers`.
    pub receivers: BTreeMap<ComponentId, Entry>,
    /// `processors`.
    pub processors: BTreeMap<ComponentId, Entry>,
    /// `exporters`.
    pub exporters: BTreeMap<ComponentId, Entry>,
    /// `connectors`.
    pub connectors: BTreeMap<ComponentId, Entry>,
    /// `extensions`.
    pub extensions: BTreeMap<ComponentId, Entry>,
    /// `service.extensions`: those to start, in this order.
    pub started_extensions: Vec<ComponentId>,
    /// `service.pipelines`, by id.
    pub pipelines: Vec<Pipeline>,
    /// `service.telemetry`.
    pub telemetry: TelemetryConfig,
    /// `service.shutdown`.
    pub shutdown: ShutdownConfig,
}

/// One configured component.
#[derive(Debug)]
pub struct Entry {
    /// Its configuration.
    pub config: AnyConfig,
}

/// One pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Its id; the type is the signal's name.
    pub id: ComponentId,
    /// What it carries.
    pub signal: Signal,
    /// Where its data comes from: receivers and connectors.
    pub receivers: Vec<ComponentId>,
    /// What looks at its data, in this order.
    pub processors: Vec<ComponentId>,
    /// Where its data goes: exporters and connectors.
    pub exporters: Vec<ComponentId>,
}

/// What runs: pipelines, which connect components, and what the collector says about itself.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ServiceConfig {
    /// Extensions that run.
    extensions: Vec<ComponentId>,
    /// Pipelines, by id: the signal, or the signal, a slash and a name.
    pipelines: BTreeMap<ComponentId, PipelineConfig>,
    telemetry: TelemetryConfig,
    shutdown: ShutdownConfig,
}

/// A pipeline: where data of one signal comes from, and where it goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct PipelineConfig {
    /// Where data comes from: receivers, and connectors that other pipelines export to. At least one.
    receivers: Vec<ComponentId>,
    /// What looks at the data on its way, in this order.
    processors: Vec<ComponentId>,
    /// Where data goes, all of it to each: exporters, and connectors that other pipelines receive from. At
    /// least one.
    exporters: Vec<ComponentId>,
}

/// What can be written in the section `service`.
pub fn describe_service() -> Description {
    etalon_conf::describe::<ServiceConfig>()
}

impl CollectorConfig {
    /// Decodes a merged and expanded tree. All problems are reported at once, each with its place.
    pub fn decode(root: &Node, factories: &Factories) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let unknown = root.entries().iter().filter(|entry| !SECTIONS.contains(&entry.key.as_str()));
        for entry in unknown.take(MAX_PROBLEMS) {
            let expected = SECTIONS.join(", ");
            let message = format!("unknown section \"{}\"", entry.key);
            problems.push(Problem::new(&*entry.key, message).with_help(format!("there are {expected}")));
        }
        let receivers = section(
            root,
            "receivers",
            &mut problems,
            |kind| factories.receiver(kind).map(|f| Box::new(|node: &Node| f.decode(node)) as Decode<'_>),
            || factories.receivers.iter().map(etalon_component::Factory::kind).collect(),
        );
        let processors = section(
            root,
            "processors",
            &mut problems,
            |kind| factories.processor(kind).map(|f| Box::new(|node: &Node| f.decode(node)) as Decode<'_>),
            || factories.processors.iter().map(etalon_component::Factory::kind).collect(),
        );
        let exporters = section(
            root,
            "exporters",
            &mut problems,
            |kind| factories.exporter(kind).map(|f| Box::new(|node: &Node| f.decode(node)) as Decode<'_>),
            || factories.exporters.iter().map(etalon_component::Factory::kind).collect(),
        );
        let connectors = section(
            root,
            "connectors",
            &mut problems,
            |kind| factories.connector(kind).map(|f| Box::new(|node: &Node| f.decode(node)) as Decode<'_>),
            || factories.connectors.iter().map(etalon_component::Factory::kind).collect(),
        );
        let extensions = section(
            root,
            "extensions",
            &mut problems,
            |kind| factories.extension(kind).map(|f| Box::new(|node: &Node| f.decode(node)) as Decode<'_>),
            || factories.extensions.iter().map(etalon_component::Factory::kind).collect(),
        );
        let absent = Node::default();
        let service = root.get("service").unwrap_or(&absent).decode::<ServiceConfig>();
        let service = service.map_err(|found| problems.extend(found.under("service"))).unwrap_or_default();
        let pipelines = pipelines(service.pipelines, &factories.signals, &mut problems);
        match Problems::of(problems) {
            Some(problems) => Err(problems.locate(root)),
            None => Ok(Self {
                receivers,
                processors,
                exporters,
                connectors,
                extensions,
                started_extensions: service.extensions,
                pipelines,
                telemetry: service.telemetry,
                shutdown: service.shutdown,
            }),
        }
    }

    /// Checks the rules that hold between the parts, and each part's own.
    pub fn validate(&self, root: &Node, gates: &FeatureGates) -> Result<(), Problems> {
        let mut check = Check::new();
        self.check_presence(gates, &mut check);
        for (name, entries) in [
            ("receivers", &self.receivers),
            ("processors", &self.processors),
            ("exporters", &self.exporters),
            ("connectors", &self.connectors),
            ("extensions", &self.extensions),
        ] {
            check.at(name, |check| {
                for (id, entry) in entries {
                    check.field(id, &entry.config);
                }
            });
        }
        self.check_connectors(&mut check);
        check.at("service", |check| {
            check.at("extensions", |check| {
                check_references("extension", &self.started_extensions, &[&self.extensions], check);
            });
            check.field("telemetry", &self.telemetry);
            check.field("shutdown", &self.shutdown);
            check.at("pipelines", |check| {
                for pipeline in &self.pipelines {
                    check.at(&pipeline.id, |check| self.check_pipeline(pipeline, check));
                }
            });
        });
        check.finish().map_err(|problems| problems.locate(root))
    }

    /// With every default filled in, for printing.
    pub fn to_value(&self) -> Value {
        let section = |entries: &BTreeMap<ComponentId, Entry>| {
            Value::Map(entries.iter().map(|(id, entry)| (id.to_string(), entry.config.to_value())).collect())
        };
        let pipelines = self.pipelines.iter().map(|pipeline| {
            let written = PipelineConfig {
                receivers: pipeline.receivers.clone(),
                processors: pipeline.processors.clone(),
                exporters: pipeline.exporters.clone(),
            };
            (pipeline.id.clone(), written)
        });
        let service = ServiceConfig {
            extensions: self.started_extensions.clone(),
            pipelines: pipelines.collect(),
            telemetry: self.telemetry.clone(),
            shutdown: self.shutdown,
        };
        Value::Map(vec![
            ("receivers".to_owned(), section(&self.receivers)),
            ("processors".to_owned(), section(&self.processors)),
            ("exporters".to_owned(), section(&self.exporters)),
            ("connectors".to_owned(), section(&self.connectors)),
            ("extensions".to_owned(), section(&self.extensions)),
            ("service".to_owned(), etalon_conf::to_value(&service)),
        ])
    }

    fn check_presence(&self, gates: &FeatureGates, check: &mut Check) {
        let sections =
            [&self.receivers, &self.processors, &self.exporters, &self.connectors, &self.extensions];
        let nothing = sections.iter().all(|section| section.is_empty());
        if nothing && self.pipelines.is_empty() {
            check.error("empty configuration file");
            return;
        }
        if gates.is_enabled(ALLOW_NO_PIPELINES) {
            return;
        }
        if self.receivers.is_empty() {
            check.error("no receiver configuration specified in config");
        }
        if self.exporters.is_empty() {
            check.error("no exporter configuration specified in config");
        }
        if self.pipelines.is_empty() {
            check.at("service::pipelines", |check| check.error("service must have at least one pipeline"));
        }
    }

    /// In the lists of a pipeline, a connector must not be mistaken for something else.
    fn check_connectors(&self, check: &mut Check) {
        for (role, entries) in [("exporter", &self.exporters), ("receiver", &self.receivers)] {
            for id in self.connectors.keys().filter(|id| entries.contains_key(*id)) {
                let message = format!(
                    "ambiguous ID: Found both \"{id}\" {role} and \"{id}\" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename \"{id}\" connector to \"{id}/connector\")"
                );
                check.at(format_args!("connectors::{id}"), |check| check.error(message));
            }
        }
    }

    fn check_pipeline(&self, pipeline: &Pipeline, check: &mut Check) {
        if pipeline.receivers.is_empty() {
            check.error("must have at least one receiver");
        }
        if pipeline.exporters.is_empty() {
            check.error("must have at least one exporter");
        }
        for (index, id) in pipeline.processors.iter().enumerate() {
            if pipeline.processors[..index].contains(id) {
                check.error(format!("references processor \"{id}\" multiple times"));
            }
        }
        let connectors = &self.connectors;
        let lists: [(_, _, &[_]); 3] = [
            ("receiver", &pipeline.receivers, &[&self.receivers, connectors]),
            ("processor", &pipeline.processors, &[&self.processors]),
            ("exporter", &pipeline.exporters, &[&self.exporters, connectors]),
        ];
        for (role, ids, configured) in lists {
            check.at(format_args!("{role}s"), |check| check_references(role, ids, configured, check));
        }
    }
}

/// Each of `ids` must be in one of the sections.
fn check_references(
    role: &str,
    ids: &[ComponentId],
    sections: &[&BTreeMap<ComponentId, Entry>],
    check: &mut Check,
) {
    let is_configured = |id: &ComponentId| sections.iter().any(|section| section.contains_key(id));
    for (index, id) in ids.iter().enumerate().filter(|(_, id)| !is_configured(id)) {
        check.at(index, |check| {
            check.error(format!("references {role} \"{id}\" which is not configured"));
        });
    }
}

type Decode<'a> = Box<dyn Fn(&Node) -> Result<AnyConfig, Problems> + 'a>;

/// Decodes the components of one section. `find` tells how to decode a type.
fn section<'a>(
    root: &Node,
    name: &str,
    problems: &mut Vec<Problem>,
    find: impl Fn(&str) -> Option<Decode<'a>>,
    kinds: impl Fn() -> Vec<&'static str>,
) -> BTreeMap<ComponentId, Entry> {
    let mut entries = BTreeMap::new();
    let Some(section) = root.get(name) else { return entries };
    if section.entries().is_empty() && !section.is_null() && section.content().kind() != "a mapping" {
        problems.push(Problem::new(
            name,
            format!("expected a mapping of components, got {}", section.content().kind()),
        ));
    }
    for written in section.entries() {
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
        let path = format!("{name}::{}", written.key);
        let id: ComponentId = match written.key.parse() {
            Ok(id) => id,
            Err(error) => {
                problems.push(Problem::new(path, format!("{error}")));
                continue;
            }
        };
        let Some(decode) = find(id.kind()) else {
            problems.push(unknown_type(&path, &id, &kinds()));
            continue;
        };
        match decode(&written.value) {
            Ok(config) => {
                if entries.insert(id.clone(), Entry { config }).is_some() {
                    problems.push(Problem::new(path, format!("duplicate name \"{id}\" after unmarshaling")));
                }
            }
            Err(found) => problems.extend(found.under(&path)),
        }
    }
    entries
}

fn unknown_type(path: &str, id: &ComponentId, kinds: &[&str]) -> Problem {
    let message =
        format!("unknown type: \"{}\" for id: \"{id}\" (valid values: [{}])", id.kind(), kinds.join(" "));
    let problem = Problem::new(path, message);
    match (id.kind(), etalon_conf::nearest(id.kind(), kinds.iter().copied())) {
        ("logging", _) => problem.with_help("the logging exporter has been replaced by the debug exporter"),
        (_, Some(near)) => problem.with_help(format!("did you mean \"{near}\"?")),
        (_, None) => problem,
    }
}

fn pipelines(
    written: BTreeMap<ComponentId, PipelineConfig>,
    signals: &[Signal],
    problems: &mut Vec<Problem>,
) -> Vec<Pipeline> {
    let mut pipelines = Vec::new();
    for (id, PipelineConfig { receivers, processors, exporters }) in written {
        match signals.iter().find(|signal| signal.name == id.kind()) {
            Some(signal) => {
                pipelines.push(Pipeline { id, signal: *signal, receivers, processors, exporters });
            }
            None => problems.push(unknown_signal(&id, signals)),
        }
    }
    pipelines
}

fn unknown_signal(id: &ComponentId, signals: &[Signal]) -> Problem {
    let kind = id.kind();
    let message = match Gate::find(&format!("service.{kind}Support")) {
        Some(gate) => format!(
            "pipeline \"{id}\": {kind} signal support is at alpha level, gated under the \"{}\" feature gate, which cannot be enabled yet",
            gate.id
        ),
        None => format!("unknown pipeline signal: \"{kind}\""),
    };
    let known: Vec<&str> = signals.iter().map(|signal| signal.name).collect();
    let problem = Problem::new(format!("service::pipelines::{id}"), message);
    problem.with_help(format!("there are {}", known.join(", ")))
}
