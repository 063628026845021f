//! The graph of one configuration: receivers → processors → exporters, for each pipeline; connectors
//! are exporters of some pipelines and receivers of others.

mod build;
mod wiring;

use std::collections::BTreeMap;
use std::sync::Arc;

use etalon_component::{
    BoxError, BuildInfo, Component, ComponentId, ComponentStatus, Consumer, Host, Pair, Place, Settings,
};
use etalon_conf::Value;
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use etalon_telemetry::tell;
use tokio::time::Instant;
use tracing::Span;

use crate::config::Entry;
use crate::entrance::{Entrance, Left};
use crate::life::Life;

pub(crate) use build::{Previous, build};
pub use etalon_component::Role;
pub use wiring::MAX_CONNECTORS_IN_SERIES;

/// All components that the pipelines name, wired up.
pub(crate) struct Graph {
    /// In the order of the data: receivers, processors pipeline by pipeline and the connectors between the
    /// pipelines, exporters.
    nodes: Vec<Arc<Node>>,
    /// Behind the processors of each pipeline.
    exits: BTreeMap<ComponentId, Exit>,
}

/// One component. Graphs of successive configurations share those that have not changed.
pub(crate) struct Node {
    key: Key,
    role: Role,
    id: ComponentId,
    /// Its configuration.
    written: Value,
    component: Arc<dyn Component>,
    life: Life,
    /// Where batches go in; a receiver has nothing of the kind.
    consumer: Option<Arc<dyn Consumer>>,
    /// What stands behind a processor.
    next: Option<Arc<dyn Consumer>>,
    /// The ways out of a receiver or a connector.
    entrances: BTreeMap<Signal, Arc<Entrance>>,
}

/// What there can be only one of in a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Receiver(ComponentId),
    Processor { pipeline: ComponentId, id: ComponentId },
    Exporter(Signal, ComponentId),
    Connector(Pair, ComponentId),
}

/// The exporters and connectors at the end of a pipeline, and the consumer that leads to all of them.
#[derive(Clone)]
struct Exit {
    exporters: Vec<Arc<dyn Consumer>>,
    all: Arc<dyn Consumer>,
}

/// A way out of a receiver or a connector that has been kept, and where it shall lead.
pub(crate) struct Turn {
    entrance: Arc<Entrance>,
    pipelines: Vec<Arc<dyn Consumer>>,
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
    /// A processor does not support the signal of a pipeline that names it.
    #[error(
        "failed to create \"{id}\" processor, in pipeline \"{pipeline}\": telemetry type is not supported"
    )]
    UnsupportedProcessor {
        /// The processor.
        id: ComponentId,
        /// The pipeline.
        pipeline: ComponentId,
    },
    /// Pipelines name a connector that leads nowhere from there, or that nothing leads to.
    #[error(
        "connector \"{id}\" used as {role} in [{}] pipeline but not used in any supported {missing} pipeline",
        spaced(pipelines)
    )]
    OneSidedConnector {
        /// The connector.
        id: ComponentId,
        /// What those pipelines name it as.
        role: Role,
        /// What no pipeline names it as that it could connect with those.
        missing: Role,
        /// The pipelines, all of one signal.
        pipelines: Vec<ComponentId>,
    },
    /// What leaves a connector would come back to it.
    #[error("cycle detected: {path}")]
    Cycle {
        /// The connectors and processors on the way; the first stands at the end again.
        path: String,
    },
    /// A way through connectors is too long.
    #[error(
        "pipeline \"{pipeline}\" leads through more than {MAX_CONNECTORS_IN_SERIES} connectors one after the other"
    )]
    TooManyInSeries {
        /// Where the way begins.
        pipeline: ComponentId,
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
    /// Starts against the direction of the data, so that nothing is received before it can be passed
    /// on. Stops at the first failure; shut the graph down then.
    pub(crate) async fn start(&self, host: &Host) -> Result<(), StartError> {
        start(&self.nodes, host).await
    }

    /// The receivers, and what stands behind them in the direction of the data: the order in which to
    /// [shut down](shut_down), so that what has been received is passed on.
    pub(crate) fn split_at_receivers(&self) -> (&[Arc<Node>], &[Arc<Node>]) {
        self.nodes.split_at(self.nodes.iter().take_while(|node| node.is_receiver()).count())
    }

    /// The components that are not in `other`, in the order of the data.
    pub(crate) fn without(&self, other: &Self) -> Vec<Arc<Node>> {
        let is_in_other = |node: &Arc<Node>| other.nodes.iter().any(|known| Arc::ptr_eq(known, node));
        self.nodes.iter().filter(|node| !is_in_other(node)).cloned().collect()
    }

    /// Whether it has a receiver of this id that is the same as in `other`.
    pub(crate) fn shares_receiver(&self, other: &Self, id: &ComponentId) -> bool {
        let receiver = self.nodes.iter().find(|node| node.is_receiver() && node.id == *id);
        receiver.is_some_and(|node| other.nodes.iter().any(|known| Arc::ptr_eq(known, node)))
    }

    /// Its components, in the order of the data.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = ComponentStatus> {
        self.nodes.iter().map(|node| node.life.status.clone())
    }

    /// How many components it has.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

impl Node {
    fn new(
        key: Key,
        (role, id): (Role, &ComponentId),
        span: Span,
        entry: &Entry,
        component: Arc<dyn Component>,
    ) -> Self {
        Self {
            life: Life::new(key.place(role, id), span),
            key,
            role,
            id: id.clone(),
            written: entry.config.to_value(),
            component,
            consumer: None,
            next: None,
            entrances: BTreeMap::new(),
        }
    }

    pub(crate) fn is_receiver(&self) -> bool {
        self.role == Role::Receiver
    }
}

impl Key {
    fn place(&self, role: Role, id: &ComponentId) -> Place {
        let (signal, pipeline) = match self {
            Self::Receiver(_) => (None, None),
            Self::Processor { pipeline, .. } => (None, Some(pipeline.clone())),
            Self::Exporter(signal, _) => (Some(signal.name.to_owned()), None),
            Self::Connector(pair, _) => (Some(pair.from.name.to_owned()), None),
        };
        Place { role, id: id.clone(), signal, pipeline }
    }
}

impl Turn {
    /// From here on, the receiver sends where it shall.
    pub(crate) fn take(self) -> Left {
        self.entrance.lead_to(self.pipelines)
    }
}

/// Starts `nodes`, which are in the order of the data, from the last to the first. Stops at a failure.
pub(crate) async fn start(nodes: &[Arc<Node>], host: &Host) -> Result<(), StartError> {
    for node in nodes.iter().rev() {
        let started = node.life.started(node.component.start(host).await);
        started.map_err(|source| StartError { id: node.id.clone(), role: node.role, source })?;
    }
    Ok(())
}

/// Until when receivers may wait for what is on its way: until then they are shut down, and what stands
/// behind them has the rest of the time until `deadline` for what it holds.
pub(crate) fn deadline_of_receivers(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}

/// Shuts down all of `nodes`, which are in the order of the data, and returns what failed.
pub(crate) async fn shut_down(nodes: &[Arc<Node>], deadline: Instant) -> Vec<(Role, ComponentId, BoxError)> {
    let mut failures = Vec::new();
    for node in nodes {
        if let Err(error) = node.life.stopped(node.component.shutdown(deadline).await) {
            failures.push((node.role, node.id.clone(), error));
        }
    }
    failures
}

/// A component that is about to be created.
pub(crate) struct Part<'a> {
    role: Role,
    id: &'a ComponentId,
    /// The type by its present name.
    kind: &'static str,
    signal: Option<Signal>,
    /// The signal that a connector gives out.
    output: Option<Signal>,
    pipeline: Option<&'a ComponentId>,
}

impl<'a> Part<'a> {
    pub(crate) fn new(role: Role, id: &'a ComponentId, kind: &'static str) -> Self {
        Self { role, id, kind, signal: None, output: None, pipeline: None }
    }

    /// What the component is created with; tells when its type was written by an old name.
    pub(crate) fn settings(self, build: &BuildInfo, telemetry: &Telemetry) -> Settings {
        let Self { role, id, kind, signal, output, pipeline } = self;
        // Of the most severe level, so that it is there whatever level is written.
        let span = tracing::error_span!(
            "component",
            "otelcol.component.id" = %id,
            "otelcol.component.kind" = %role,
            "otelcol.signal" = signal.map(|signal| signal.name),
            "otelcol.signal.output" = output.map(|signal| signal.name),
            "otelcol.pipeline.id" = pipeline.map(tracing::field::display),
        );
        if id.kind() != kind {
            span.in_scope(|| {
                tell!(ComponentAliasDeprecated { component_alias: &id.kind(), component_type: &kind });
            });
        }
        let pipeline = pipeline.cloned();
        Settings { id: id.clone(), pipeline, build: build.clone(), telemetry: telemetry.clone(), span }
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

fn spaced(ids: &[ComponentId]) -> String {
    ids.iter().map(ComponentId::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
