//! Which pipelines lead into which through connectors, and in which order they can be built.

use std::collections::{BTreeMap, BTreeSet};

use etalon_component::{ComponentId, Pair};
use etalon_pdata::Signal;

use super::{GraphError, Role, distinct};
use crate::config::{CollectorConfig, Pipeline};
use crate::factories::Factories;

/// Most connectors that a request may pass one after the other. Each is called by the one before it, which
/// takes room on the stack.
pub const MAX_CONNECTORS_IN_SERIES: usize = 100;

/// What the connectors of a configuration connect. It has no cycles.
pub(super) struct Wiring<'a> {
    links: Links<'a>,
    /// Each pipeline after all that it leads into.
    pub(super) order: Vec<&'a Pipeline>,
}

/// A connector between pipelines of two signals.
pub(super) struct Link<'a> {
    pub(super) id: &'a ComponentId,
    pub(super) pair: Pair,
    /// Those that it is a receiver of.
    pub(super) into: Vec<&'a Pipeline>,
}

/// By the id of the connector.
type Links<'a> = BTreeMap<&'a ComponentId, Vec<Link<'a>>>;

impl<'a> Wiring<'a> {
    /// Finds out what leads where.
    ///
    /// # Errors
    /// A connector is named on one side only, or there is a cycle, or a way that is too long.
    pub(super) fn new(config: &'a CollectorConfig, factories: &Factories) -> Result<Self, GraphError> {
        let exporting = users(config, |pipeline| &pipeline.exporters);
        let receiving = users(config, |pipeline| &pipeline.receivers);
        let mut links = Links::new();
        for id in config.connectors.keys() {
            let factory = factories.connector(id.kind());
            let usage = Usage {
                id,
                exporting: exporting.get(id).map_or(&[], Vec::as_slice),
                receiving: receiving.get(id).map_or(&[], Vec::as_slice),
                connects: &|pair| factory.is_some_and(|factory| factory.pair_stability(pair).is_some()),
            };
            links.insert(id, usage.links()?);
        }
        let mut search =
            Search { links: &links, order: Vec::new(), lengths: BTreeMap::new(), path: Vec::new() };
        // From the last to the first, so that `order` backwards is as written where nothing else decides.
        for pipeline in config.pipelines.iter().rev() {
            search.visit(pipeline)?;
        }
        let order = search.order;
        Ok(Self { links, order })
    }

    /// The connectors that a pipeline leads into by naming `id` as an exporter: one for each signal that it
    /// gives out there.
    pub(super) fn links(&self, pipeline: &Pipeline, id: &ComponentId) -> impl Iterator<Item = &Link<'a>> {
        links_from(&self.links, pipeline.signal, id)
    }
}

fn links_from<'l, 'a>(
    links: &'l Links<'a>,
    from: Signal,
    id: &ComponentId,
) -> impl Iterator<Item = &'l Link<'a>> + use<'l, 'a> {
    links.get(id).into_iter().flatten().filter(move |link| link.pair.from == from)
}

/// The pipelines that name each component in one of their lists.
fn users<'a>(
    config: &'a CollectorConfig,
    list: impl Fn(&'a Pipeline) -> &'a Vec<ComponentId>,
) -> BTreeMap<&'a ComponentId, Vec<&'a Pipeline>> {
    let mut users: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pipeline in &config.pipelines {
        for id in distinct(list(pipeline)) {
            users.entry(id).or_default().push(pipeline);
        }
    }
    users
}

/// The pipelines that name a connector, and the pairs of signals that it connects.
struct Usage<'u, 'a> {
    id: &'a ComponentId,
    exporting: &'u [&'a Pipeline],
    receiving: &'u [&'a Pipeline],
    connects: &'u dyn Fn(Pair) -> bool,
}

impl<'a> Usage<'_, 'a> {
    fn links(&self) -> Result<Vec<Link<'a>>, GraphError> {
        let (from, to) = (signals(self.exporting), signals(self.receiving));
        let connects = |from, to| (self.connects)(Pair { from, to });
        if let Some(lost) = from.iter().find(|from| !to.iter().any(|to| connects(**from, *to))) {
            return Err(self.one_sided(*lost, self.exporting, [Role::Exporter, Role::Receiver]));
        }
        if let Some(dry) = to.iter().find(|to| !from.iter().any(|from| connects(*from, **to))) {
            return Err(self.one_sided(*dry, self.receiving, [Role::Receiver, Role::Exporter]));
        }
        let pairs = from.iter().flat_map(|from| to.iter().map(|to| Pair { from: *from, to: *to }));
        let link = |pair: Pair| {
            let into = self.receiving.iter().copied().filter(|pipeline| pipeline.signal == pair.to);
            Link { id: self.id, pair, into: into.collect() }
        };
        Ok(pairs.filter(|pair| (self.connects)(*pair)).map(link).collect())
    }

    fn one_sided(&self, signal: Signal, used_in: &[&Pipeline], [role, missing]: [Role; 2]) -> GraphError {
        let pipelines = used_in.iter().filter(|pipeline| pipeline.signal == signal);
        let pipelines = pipelines.map(|pipeline| pipeline.id.clone()).collect();
        GraphError::OneSidedConnector { id: self.id.clone(), role, missing, pipelines }
    }
}

fn signals(pipelines: &[&Pipeline]) -> BTreeSet<Signal> {
    pipelines.iter().map(|pipeline| pipeline.signal).collect()
}

/// Goes through the pipelines in depth. It keeps its path itself, for that may be long.
struct Search<'l, 'a> {
    links: &'l Links<'a>,
    order: Vec<&'a Pipeline>,
    /// How many connectors are on the longest way from each pipeline; nothing as long as it is on the path.
    lengths: BTreeMap<&'a ComponentId, Option<usize>>,
    path: Vec<Step<'l, 'a>>,
}

/// A pipeline on the path.
struct Step<'l, 'a> {
    pipeline: &'a Pipeline,
    /// The ways out that have not been tried yet.
    ways: std::vec::IntoIter<(&'l Link<'a>, &'a Pipeline)>,
    /// The way out that was tried last.
    taken: Option<&'l Link<'a>>,
    /// How many connectors are on the longest way that has been tried.
    longest: usize,
}

impl<'a> Search<'_, 'a> {
    /// Adds a pipeline to the order, after all that it leads into.
    fn visit(&mut self, pipeline: &'a Pipeline) -> Result<(), GraphError> {
        if !self.lengths.contains_key(&pipeline.id) {
            self.enter(pipeline);
        }
        while let Some(step) = self.path.last_mut() {
            let Some((link, next)) = step.ways.next() else {
                self.leave()?;
                continue;
            };
            step.taken = Some(link);
            match self.lengths.get(&next.id) {
                None => self.enter(next),
                Some(Some(length)) => step.longest = step.longest.max(length + 1),
                Some(None) => {
                    let on_cycle = self.path.iter().skip_while(|step| step.pipeline.id != next.id);
                    return Err(cycle(on_cycle));
                }
            }
        }
        Ok(())
    }

    /// Puts a pipeline on the path.
    fn enter(&mut self, pipeline: &'a Pipeline) {
        self.lengths.insert(&pipeline.id, None);
        let links = distinct(&pipeline.exporters).flat_map(|id| links_from(self.links, pipeline.signal, id));
        let ways: Vec<_> = links.flat_map(|link| link.into.iter().map(move |next| (link, *next))).collect();
        self.path.push(Step { pipeline, ways: ways.into_iter(), taken: None, longest: 0 });
    }

    /// Takes the last pipeline off the path, when all its ways have been tried.
    fn leave(&mut self) -> Result<(), GraphError> {
        let Some(Step { pipeline, longest, .. }) = self.path.pop() else { return Ok(()) };
        if longest > MAX_CONNECTORS_IN_SERIES {
            return Err(GraphError::TooManyInSeries { pipeline: pipeline.id.clone() });
        }
        self.order.push(pipeline);
        self.lengths.insert(&pipeline.id, Some(longest));
        if let Some(before) = self.path.last_mut() {
            before.longest = before.longest.max(longest + 1);
        }
        Ok(())
    }
}

/// The last of `steps` leads into the first. It is told from the connector on that does so.
fn cycle<'s, 'l: 's, 'a: 'l>(steps: impl Iterator<Item = &'s Step<'l, 'a>>) -> GraphError {
    let mut hops = Vec::new();
    for Step { pipeline, taken, .. } in steps {
        let processor = |id: &ComponentId| format!("processor \"{id}\" in pipeline \"{}\"", pipeline.id);
        hops.extend(pipeline.processors.iter().map(processor));
        hops.extend(taken.map(|link| format!("connector \"{}\" ({})", link.id, link.pair)));
    }
    hops.rotate_right(1);
    hops.extend(hops.first().cloned());
    GraphError::Cycle { path: hops.join(" -> ") }
}
