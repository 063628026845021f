//! Creates the components of a graph, and takes over those that an earlier graph has already.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use etalon_component::{BuildInfo, ComponentId, Consumer, Pair, Settings, same_consumer};
use etalon_conf::Value;
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;

use super::wiring::{Link, Wiring};
use super::{Exit, Graph, GraphError, Key, Node, Part, Role, Turn, distinct, entry_of, unsupported};
use crate::config::{CollectorConfig, Entry, Pipeline};
use crate::counted::Ends;
use crate::entrance::Entrance;
use crate::factories::Factories;
use crate::fan_out::fan_out;

/// The graph of the configuration before, and the extensions that are not what they were.
pub(crate) struct Previous<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) changed_extensions: &'a BTreeSet<ComponentId>,
}

/// Creates every component that a pipeline names, from the exporters up, but for those that can be
/// taken over from `previous`; the turns lead their receivers and connectors into the new pipelines.
/// Nothing is started.
pub(crate) fn build(
    config: &CollectorConfig,
    factories: &Factories,
    build: &BuildInfo,
    telemetry: &Telemetry,
    previous: Option<&Previous<'_>>,
) -> Result<(Graph, Vec<Turn>), GraphError> {
    let wiring = Wiring::new(config, factories)?;
    let mut builder = Builder {
        config,
        factories,
        build,
        telemetry,
        previous,
        exporters: BTreeMap::new(),
        connectors: BTreeMap::new(),
        inner: Vec::new(),
        exits: BTreeMap::new(),
        entrances: BTreeMap::new(),
        turns: Vec::new(),
    };
    for pipeline in &wiring.order {
        builder.pipeline(pipeline, &wiring)?;
    }
    let mut nodes = builder.receivers()?;
    nodes.extend(builder.inner.into_iter().rev());
    nodes.extend(builder.exporters.into_values());
    Ok((Graph { nodes, exits: builder.exits }, builder.turns))
}

/// Where the batches of each signal go in.
type Outputs = BTreeMap<Signal, Vec<Arc<dyn Consumer>>>;

struct Builder<'a> {
    config: &'a CollectorConfig,
    factories: &'a Factories,
    build: &'a BuildInfo,
    telemetry: &'a Telemetry,
    previous: Option<&'a Previous<'a>>,
    /// One for each signal and id, shared by the pipelines.
    exporters: BTreeMap<(Signal, &'a ComponentId), Arc<Node>>,
    /// One for each pair of signals and id.
    connectors: BTreeMap<(Pair, &'a ComponentId), Arc<Node>>,
    /// Processors and connectors, against the direction of the data.
    inner: Vec<Arc<Node>>,
    exits: BTreeMap<ComponentId, Exit>,
    /// Where batches go into each pipeline.
    entrances: BTreeMap<&'a ComponentId, Arc<dyn Consumer>>,
    /// Those that are nearer to the exporters come first: whoever turns finds a way that has no cycle, for
    /// all of it is new already.
    turns: Vec<Turn>,
}

impl<'a> Builder<'a> {
    /// Creates what a pipeline consists of but its receivers. All that it leads into has been created.
    fn pipeline(&mut self, pipeline: &'a Pipeline, wiring: &Wiring<'a>) -> Result<(), GraphError> {
        let mut exporters = Vec::new();
        for id in distinct(&pipeline.exporters) {
            if !self.config.connectors.contains_key(id) {
                exporters.extend(self.exporter(pipeline.signal, id)?.consumer.clone());
            }
            for link in wiring.links(pipeline, id) {
                exporters.extend(self.connector(link)?.consumer.clone());
            }
        }
        let exit = self.exit(&pipeline.id, exporters);
        let mut entrance = exit.all.clone();
        self.exits.insert(pipeline.id.clone(), exit);
        for id in pipeline.processors.iter().rev() {
            let node = self.processor(pipeline, id, &entrance)?;
            entrance = node.consumer.clone().unwrap_or(entrance);
            self.inner.push(node);
        }
        self.entrances.insert(&pipeline.id, entrance);
        Ok(())
    }

    /// The way to these exporters: the one that there was, so that what leads to it can stay too.
    fn exit(&self, pipeline: &ComponentId, exporters: Vec<Arc<dyn Consumer>>) -> Exit {
        let known = self.previous.and_then(|previous| previous.graph.exits.get(pipeline));
        let is_same = |known: &&Exit| {
            known.exporters.len() == exporters.len()
                && known.exporters.iter().zip(&exporters).all(|(a, b)| same_consumer(a, b))
        };
        match known.filter(is_same) {
            Some(known) => known.clone(),
            None => Exit { all: fan_out(exporters.clone()), exporters },
        }
    }

    fn exporter(&mut self, signal: Signal, id: &'a ComponentId) -> Result<&Node, GraphError> {
        if !self.exporters.contains_key(&(signal, id)) {
            let node = self.new_exporter(signal, id)?;
            self.exporters.insert((signal, id), node);
        }
        Ok(&self.exporters[&(signal, id)])
    }

    fn new_exporter(&self, signal: Signal, id: &'a ComponentId) -> Result<Arc<Node>, GraphError> {
        let entry = entry_of(&self.config.exporters, id);
        let key = Key::Exporter(signal, id.clone());
        if let Some(kept) = self.kept(&key, entry) {
            return Ok(kept);
        }
        let factory = self.factories.exporter(id.kind()).filter(|f| f.stability(signal).is_some());
        let factory = factory.ok_or_else(|| unsupported(Role::Exporter, id, signal))?;
        let part = Part { signal: Some(signal), ..Part::new(Role::Exporter, id, factory.kind()) };
        let settings = self.settings(part);
        let span = settings.span.clone();
        let stage = factory.create(settings, &entry.config, signal).map_err(|source| GraphError::Create {
            id: id.clone(),
            role: Role::Exporter,
            source,
        })?;
        let mut node = Node::new(key, (Role::Exporter, id), span, entry, stage.component);
        node.consumer = Some(stage.consumer);
        Ok(Arc::new(node))
    }

    fn connector(&mut self, link: &Link<'a>) -> Result<&Node, GraphError> {
        let Link { id, pair, into } = link;
        if !self.connectors.contains_key(&(*pair, *id)) {
            let entry = entry_of(&self.config.connectors, id);
            let into = into.iter().map(|pipeline| self.entrances[&pipeline.id].clone()).collect();
            let key = Key::Connector(*pair, (*id).clone());
            let node = match self.kept(&key, entry) {
                Some(kept) => {
                    self.turn(&kept, Outputs::from([(pair.to, into)]));
                    kept
                }
                None => self.new_connector(key, link, entry, into)?,
            };
            self.inner.push(node.clone());
            self.connectors.insert((*pair, *id), node);
        }
        Ok(&self.connectors[&(*pair, *id)])
    }

    fn new_connector(
        &self,
        key: Key,
        link: &Link<'a>,
        entry: &Entry,
        into: Vec<Arc<dyn Consumer>>,
    ) -> Result<Arc<Node>, GraphError> {
        let Link { id, pair, .. } = *link;
        let factory = self.factories.connector(id.kind());
        let factory = factory.ok_or_else(|| unsupported(Role::Connector, id, pair.from))?;
        let settings = self.settings(Part {
            signal: Some(pair.from),
            output: Some(pair.to),
            ..Part::new(Role::Connector, id, factory.kind())
        });
        let (span, entrance) = (settings.span.clone(), Arc::new(Entrance::new(into)));
        let stage = factory
            .create(settings, &entry.config, pair, entrance.clone())
            .map_err(|source| GraphError::Create { id: id.clone(), role: Role::Connector, source })?;
        let mut node = Node::new(key, (Role::Connector, id), span, entry, stage.component);
        node.consumer = Some(stage.consumer);
        node.entrances.insert(pair.to, entrance);
        Ok(Arc::new(node))
    }

    fn processor(
        &self,
        pipeline: &'a Pipeline,
        id: &'a ComponentId,
        next: &Arc<dyn Consumer>,
    ) -> Result<Arc<Node>, GraphError> {
        let entry = entry_of(&self.config.processors, id);
        let key = Key::Processor { pipeline: pipeline.id.clone(), id: id.clone() };
        let leads_there =
            |node: &Arc<Node>| node.next.as_ref().is_some_and(|known| same_consumer(known, next));
        if let Some(kept) = self.kept(&key, entry).filter(leads_there) {
            return Ok(kept);
        }
        let signal = pipeline.signal;
        let factory = self.factories.processor(id.kind()).filter(|f| f.stability(signal).is_some());
        let factory = factory.ok_or_else(|| GraphError::UnsupportedProcessor {
            id: id.clone(),
            pipeline: pipeline.id.clone(),
        })?;
        let settings = self.settings(Part {
            signal: Some(signal),
            pipeline: Some(&pipeline.id),
            ..Part::new(Role::Processor, id, factory.kind())
        });
        let span = settings.span.clone();
        let ends = Ends::of(self.telemetry, &pipeline.id, id, signal);
        let exit = ends.as_ref().map_or_else(|| next.clone(), |ends| ends.exit(next.clone()));
        let stage = factory
            .create(settings, &entry.config, signal, exit)
            .map_err(|source| GraphError::Create { id: id.clone(), role: Role::Processor, source })?;
        let mut node = Node::new(key, (Role::Processor, id), span, entry, stage.component);
        let consumer = stage.consumer;
        node.consumer = Some(match ends {
            Some(ends) => ends.entrance(consumer),
            None => consumer,
        });
        node.next = Some(next.clone());
        Ok(Arc::new(node))
    }

    fn receivers(&mut self) -> Result<Vec<Arc<Node>>, GraphError> {
        let mut nodes = Vec::new();
        for (id, outputs) in self.outputs() {
            let entry = entry_of(&self.config.receivers, id);
            let key = Key::Receiver(id.clone());
            let has_same_signals = |node: &Arc<Node>| node.entrances.keys().eq(outputs.keys());
            nodes.push(match self.kept(&key, entry).filter(has_same_signals) {
                Some(kept) => {
                    self.turn(&kept, outputs);
                    kept
                }
                None => match self.new_receiver(key, id, entry, outputs)? {
                    Some(node) => node,
                    None => continue,
                },
            });
        }
        Ok(nodes)
    }

    /// Where each receiver sends each signal: one entrance for each pipeline.
    fn outputs(&self) -> BTreeMap<&'a ComponentId, Outputs> {
        let mut outputs: BTreeMap<_, Outputs> = BTreeMap::new();
        for pipeline in &self.config.pipelines {
            let is_receiver = |id: &&ComponentId| !self.config.connectors.contains_key(*id);
            for id in distinct(&pipeline.receivers).filter(is_receiver) {
                let of_signal = outputs.entry(id).or_default().entry(pipeline.signal).or_default();
                of_signal.push(self.entrances[&pipeline.id].clone());
            }
        }
        outputs
    }

    /// Plans to lead what leaves a receiver or a connector into its pipelines, where that is a change.
    fn turn(&mut self, node: &Node, outputs: Outputs) {
        for (signal, pipelines) in outputs {
            if let Some(entrance) = node.entrances.get(&signal).filter(|known| !known.leads_to(&pipelines)) {
                self.turns.push(Turn { entrance: entrance.clone(), pipelines });
            }
        }
    }

    fn new_receiver(
        &self,
        key: Key,
        id: &ComponentId,
        entry: &Entry,
        outputs: Outputs,
    ) -> Result<Option<Arc<Node>>, GraphError> {
        let Some(factory) = self.factories.receiver(id.kind()) else { return Ok(None) };
        if let Some(signal) = outputs.keys().find(|signal| factory.stability(**signal).is_none()) {
            return Err(unsupported(Role::Receiver, id, *signal));
        }
        let entrances: BTreeMap<Signal, Arc<Entrance>> = outputs
            .into_iter()
            .map(|(signal, pipelines)| (signal, Arc::new(Entrance::new(pipelines))))
            .collect();
        let consumers =
            entrances.iter().map(|(signal, entrance)| (*signal, entrance.clone() as Arc<dyn Consumer>));
        let settings = self.settings(Part::new(Role::Receiver, id, factory.kind()));
        let span = settings.span.clone();
        let component = factory
            .create(settings, &entry.config, consumers.collect())
            .map_err(|source| GraphError::Create { id: id.clone(), role: Role::Receiver, source })?;
        Ok(Some(Arc::new(Node { entrances, ..Node::new(key, (Role::Receiver, id), span, entry, component) })))
    }

    /// The component that is there already, if neither its configuration has changed nor an extension
    /// that it names.
    fn kept(&self, key: &Key, entry: &Entry) -> Option<Arc<Node>> {
        let Previous { graph, changed_extensions } = self.previous?;
        let node = graph.nodes.iter().find(|node| node.key == *key)?;
        let is_same =
            node.written == entry.config.to_value() && !names_any(&node.written, changed_extensions);
        is_same.then(|| node.clone())
    }

    fn settings(&self, part: Part<'_>) -> Settings {
        part.settings(self.build, self.telemetry)
    }
}

/// Whether one of these ids is written anywhere in a configuration.
fn names_any(written: &Value, ids: &BTreeSet<ComponentId>) -> bool {
    match written {
        Value::String(text) => ids.iter().any(|id| id.as_str() == text),
        Value::List(items) => items.iter().any(|item| names_any(item, ids)),
        Value::Map(entries) => entries.iter().any(|(_, value)| names_any(value, ids)),
        _ => false,
    }
}
