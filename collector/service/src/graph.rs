//! The graph of one configuration: receivers → processors → exporters, for each pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use etalon_component::{BoxError, BuildInfo, Component, ComponentId, Consumer, Host, Settings, Stage};
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use tokio::time::Instant;

use crate::config::{CollectorConfig, Entry, Pipeline};
use crate::factories::Factories;
use crate::fan_out::fan_out;

/// All components that the pipelines name, wired up.
pub(crate) struct Graph {
    /// In the order of the data: receivers, processors pipeline by pipeline, exporters.
    nodes: Vec<Node>,
}

struct Node {
    role: Role,
    id: ComponentId,
    component: Arc<dyn Component>,
}

/// The part that a component plays in a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Brings data in.
    Receiver,
    /// Looks at data on its way.
    Processor,
    /// Takes data out.
    Exporter,
    /// Stands beside the pipelines.
    Extension,
}

/// A graph could not be built from a valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The component does not support the signal of a pipeline that names it.
    #[error("failed to create \"{id}\" {role} for data type \"{signal}\": telemetry type is not supported")]
    UnsupportedSignal {
        /// The component.
        id: ComponentId,
        /// What it is.
        role: Role,
        /// The signal.
        signal: Signal,
    },
    /// The component's own code refused.
    #[error("failed to create \"{id}\" {role}")]
    Create {
        /// The component.
        id: ComponentId,
        /// What it is.
        role: Role,
        /// Its reason.
        source: BoxError,
    },
}

/// A component did not start.
#[derive(Debug, thiserror::Error)]
#[error("failed to start \"{id}\" {role}")]
pub struct StartError {
    pub(crate) id: ComponentId,
    pub(crate) role: Role,
    pub(crate) source: BoxError,
}

impl Graph {
    /// Creates every component that a pipeline names, from the exporters up. Nothing is started.
    pub(crate) fn build(
        config: &CollectorConfig,
        factories: &Factories,
        build: &BuildInfo,
        telemetry: &Telemetry,
    ) -> Result<Self, GraphError> {
        let mut builder = Builder {
            config,
            factories,
            build,
            telemetry,
            exporters: BTreeMap::new(),
            processors: Vec::new(),
            outputs: BTreeMap::new(),
        };
        for pipeline in &config.pipelines {
            builder.pipeline(pipeline)?;
        }
        let mut nodes = builder.receivers()?;
        nodes.append(&mut builder.processors);
        nodes.extend(builder.exporters.into_iter().map(|((_, id), stage)| Node {
            role: Role::Exporter,
            id: id.clone(),
            component: stage.component,
        }));
        Ok(Self { nodes })
    }

    /// Starts against the direction of the data, so that nothing is received before it can be passed
    /// on. Stops at the first failure; shut the graph down then.
    pub(crate) async fn start(&self, host: &Host) -> Result<(), StartError> {
        for Node { role, id, component } in self.nodes.iter().rev() {
            component.start(host).await.map_err(|source| StartError {
                id: id.clone(),
                role: *role,
                source,
            })?;
        }
        Ok(())
    }

    /// Shuts down in the direction of the data, so that what has been received is passed on. Every
    /// component is shut down, whatever the others answer; the failures are returned.
    pub(crate) async fn shutdown(&self, deadline: Instant) -> Vec<(Role, ComponentId, BoxError)> {
        let mut failures = Vec::new();
        for Node { role, id, component } in &self.nodes {
            if let Err(error) = component.shutdown(deadline).await {
                failures.push((*role, id.clone(), error));
            }
        }
        failures
    }
}

/// Where the batches of each signal go in.
type Entrances = BTreeMap<Signal, Vec<Arc<dyn Consumer>>>;

struct Builder<'a> {
    config: &'a CollectorConfig,
    factories: &'a Factories,
    build: &'a BuildInfo,
    telemetry: &'a Telemetry,
    /// One for each signal and id, shared by the pipelines.
    exporters: BTreeMap<(Signal, &'a ComponentId), Stage>,
    processors: Vec<Node>,
    /// Where each receiver sends each signal: one entrance for each pipeline.
    outputs: BTreeMap<&'a ComponentId, Entrances>,
}

impl<'a> Builder<'a> {
    fn pipeline(&mut self, pipeline: &'a Pipeline) -> Result<(), GraphError> {
        let signal = pipeline.signal;
        let mut exits = Vec::new();
        for id in distinct(&pipeline.exporters) {
            exits.push(self.exporter(signal, id)?.consumer.clone());
        }
        let mut entrance = fan_out(exits);
        let mut stages = Vec::new();
        for id in pipeline.processors.iter().rev() {
            let entry = entry_of(&self.config.processors, id);
            let factory = self.factories.processor(id.kind()).filter(|f| f.stability(signal).is_some());
            let factory = factory.ok_or_else(|| unsupported(Role::Processor, id, signal))?;
            let settings = self.settings(Part {
                signal: Some(signal),
                pipeline: Some(&pipeline.id),
                ..Part::new(Role::Processor, id, factory.kind())
            });
            let stage = factory
                .create(settings, &entry.config, signal, entrance)
                .map_err(|source| GraphError::Create { id: id.clone(), role: Role::Processor, source })?;
            stages.push(Node { role: Role::Processor, id: id.clone(), component: stage.component });
            entrance = stage.consumer;
        }
        stages.reverse();
        self.processors.append(&mut stages);
        for id in distinct(&pipeline.receivers) {
            self.outputs.entry(id).or_default().entry(signal).or_default().push(entrance.clone());
        }
        Ok(())
    }

    fn exporter(&mut self, signal: Signal, id: &'a ComponentId) -> Result<&Stage, GraphError> {
        if !self.exporters.contains_key(&(signal, id)) {
            let entry = entry_of(&self.config.exporters, id);
            let factory = self.factories.exporter(id.kind()).filter(|f| f.stability(signal).is_some());
            let factory = factory.ok_or_else(|| unsupported(Role::Exporter, id, signal))?;
            let part = Part { signal: Some(signal), ..Part::new(Role::Exporter, id, factory.kind()) };
            let settings = self.settings(part);
            let stage = factory
                .create(settings, &entry.config, signal)
                .map_err(|source| GraphError::Create { id: id.clone(), role: Role::Exporter, source })?;
            self.exporters.insert((signal, id), stage);
        }
        Ok(&self.exporters[&(signal, id)])
    }

    fn receivers(&mut self) -> Result<Vec<Node>, GraphError> {
        let mut nodes = Vec::new();
        for (id, outputs) in std::mem::take(&mut self.outputs) {
            let entry = entry_of(&self.config.receivers, id);
            let Some(factory) = self.factories.receiver(id.kind()) else { continue };
            if let Some(signal) = outputs.keys().find(|signal| factory.stability(**signal).is_none()) {
                return Err(unsupported(Role::Receiver, id, *signal));
            }
            let outputs =
                outputs.into_iter().map(|(signal, entrances)| (signal, fan_out(entrances))).collect();
            let settings = self.settings(Part::new(Role::Receiver, id, factory.kind()));
            let component = factory
                .create(settings, &entry.config, outputs)
                .map_err(|source| GraphError::Create { id: id.clone(), role: Role::Receiver, source })?;
            nodes.push(Node { role: Role::Receiver, id: id.clone(), component });
        }
        Ok(nodes)
    }

    fn settings(&self, part: Part<'_>) -> Settings {
        part.settings(self.build, self.telemetry)
    }
}

/// A component that is about to be created.
pub(crate) struct Part<'a> {
    role: Role,
    id: &'a ComponentId,
    /// The type by its present name.
    kind: &'static str,
    signal: Option<Signal>,
    pipeline: Option<&'a ComponentId>,
}

impl<'a> Part<'a> {
    pub(crate) fn new(role: Role, id: &'a ComponentId, kind: &'static str) -> Self {
        Self { role, id, kind, signal: None, pipeline: None }
    }

    /// What the component is created with; tells when its type was written by an old name.
    pub(crate) fn settings(self, build: &BuildInfo, telemetry: &Telemetry) -> Settings {
        let Self { role, id, kind, signal, pipeline } = self;
        // Of the most severe level, so that it is there whatever level is written.
        let span = tracing::error_span!(
            "component",
            "otelcol.component.id" = %id,
            "otelcol.component.kind" = %role,
            "otelcol.signal" = signal.map(|signal| signal.name),
            "otelcol.pipeline.id" = pipeline.map(tracing::field::display),
        );
        if id.kind() != kind {
            span.in_scope(|| tracing::warn!("\"{}\" alias is deprecated; use \"{kind}\" instead", id.kind()));
        }
        Settings { id: id.clone(), build: build.clone(), telemetry: telemetry.clone(), span }
    }
}

/// Ids in the order of their first occurrence: naming one twice in a list is one edge.
pub(crate) fn distinct(ids: &[ComponentId]) -> impl Iterator<Item = &ComponentId> {
    ids.iter().enumerate().filter(|(at, id)| !ids[..*at].contains(id)).map(|(_, id)| id)
}

pub(crate) fn entry_of<'a>(entries: &'a BTreeMap<ComponentId, Entry>, id: &ComponentId) -> &'a Entry {
    entries.get(id).expect("validation refuses a service that names what is not configured")
}

fn unsupported(role: Role, id: &ComponentId, signal: Signal) -> GraphError {
    GraphError::UnsupportedSignal { id: id.clone(), role, signal }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
            Self::Extension => "extension",
        })
    }
}
