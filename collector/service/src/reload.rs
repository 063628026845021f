//! Replaces the configuration of a running collector.
//!
//! What has not changed goes on: a receiver keeps its sockets and connections, an exporter its queue.
//! What is new is created and started while the old still serves; only then data is led to it, and
//! what is left without use is shut down in the direction of the data. Until that moment any failure
//! undoes what was begun, and the old configuration stays.

use std::sync::Arc;
use std::time::Duration;

use etalon_component::{BuildInfo, ComponentId, Host, Outline};
use etalon_telemetry::attributes;
use tokio::time::{Instant, timeout_at};

use crate::collector::{BuildError, Collector, RunError};
use crate::config::CollectorConfig;
use crate::entrance::Left;
use crate::extensions::Extensions;
use crate::factories::Factories;
use crate::graph::{self, Graph, Node, Previous};
use crate::metrics_endpoint::MetricsEndpoint;
use crate::orphans::Orphans;
use crate::outline::outline;
use crate::own::{PlannedOwn, StartedOwn};
use crate::push::{self, Planned, Running};
use crate::telemetry_config::PullReader;

/// How long what a reload has replaced may take to deliver what it holds.
pub const RELOAD_DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// Components that went on as they were.
    pub kept: usize,
    /// Components that were started.
    pub started: usize,
    /// Components that were taken out of service.
    pub stopped: usize,
}

/// A configuration did not come into service; the one before stays.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Its components could not be created.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// One of its components did not start.
    #[error(transparent)]
    Start(#[from] RunError),
}

/// All that a new configuration has and the running one has not, and the other way round.
struct Plan {
    graph: Graph,
    turns: Vec<graph::Turn>,
    extensions: Extensions,
    new: Part,
    old: Part,
    host: Host,
    /// Readers of metrics whose endpoint is to be bound.
    new_readers: Vec<PullReader>,
    /// Those whose endpoint is bound.
    kept_readers: Vec<PullReader>,
    new_pushes: Vec<Planned>,
    /// Numbers of those that go on.
    kept_pushes: Vec<usize>,
    own: PlannedOwn,
    outline: Outline,
    orphans: Orphans,
}

/// Components on one side of the difference.
#[derive(Clone)]
pub(crate) struct Part {
    nodes: Vec<Arc<Node>>,
    extensions: Extensions,
}

impl Collector {
    /// Brings a valid configuration into service in place of the one that runs. Resolves when data
    /// flows into it; what was replaced is drained in the background, for
    /// [`RELOAD_DRAIN_TIMEOUT`] at the longest.
    ///
    /// When the future is dropped before it resolves, because the collector is told to stop, the shutdown takes what
    /// was begun out of service, too.
    ///
    /// # Errors
    /// Nothing has changed then.
    pub async fn reload(
        &mut self,
        config: &CollectorConfig,
        factories: &Factories,
        build: &BuildInfo,
    ) -> Result<Reloaded, ReloadError> {
        self.retiring.retain(|retiring| !retiring.is_finished());
        let result = match self.plan(config, factories, build) {
            Ok(plan) => self.apply(plan).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(_) => self.reloads.reloads(1, attributes::Result::Applied),
            Err(_) => self.reloads.reloads(1, attributes::Result::Refused),
        }
        result
    }

    /// Counts a configuration that could not be read, or is not valid.
    pub fn count_refused_reload(&self) {
        self.reloads.reloads(1, attributes::Result::Refused);
    }

    fn plan(
        &self,
        config: &CollectorConfig,
        factories: &Factories,
        build: &BuildInfo,
    ) -> Result<Plan, ReloadError> {
        let extensions = Extensions::build(config, factories, build, &self.telemetry, Some(&self.extensions))
            .map_err(BuildError::Extensions)?;
        let changed_extensions = extensions.changed_since(&self.extensions);
        let previous = Previous { graph: &self.graph, changed_extensions: &changed_extensions };
        let (graph, turns) = graph::build(config, factories, build, &self.telemetry, Some(&previous))
            .map_err(BuildError::Pipelines)?;
        let new =
            Part { nodes: graph.without(&self.graph), extensions: extensions.without(&self.extensions) };
        let old =
            Part { nodes: self.graph.without(&graph), extensions: self.extensions.without(&extensions) };
        let stays = |id: &ComponentId| {
            graph.shares_receiver(&self.graph, id) || extensions.shares(&self.extensions, id)
        };
        let host = self.host.successor(stays).with_extensions(extensions.by_id());
        let is_bound = |reader: &PullReader| self.metrics.iter().any(|(known, _)| *known == reader.endpoint);
        let readers = config.telemetry.metrics.pull_readers(&self.telemetry);
        let (kept_readers, new_readers) = readers.into_iter().partition(is_bound);
        let (kept_pushes, new_pushes) =
            push::plan(&config.telemetry.metrics, &self.pushes, factories, build, &self.telemetry)
                .map_err(BuildError::OwnMetrics)?;
        let own = self.own.plan(&config.telemetry, factories, build, &self.telemetry);
        let own = own.map_err(BuildError::OwnTelemetry)?;
        let outline = outline(config, &graph, &extensions);
        let orphans = Orphans::of(config, factories, &host, &self.telemetry).map_err(BuildError::Queues)?;
        Ok(Plan {
            graph,
            turns,
            extensions,
            new,
            old,
            host,
            new_readers,
            kept_readers,
            new_pushes,
            kept_pushes,
            own,
            outline,
            orphans,
        })
    }

    async fn apply(&mut self, plan: Plan) -> Result<Reloaded, ReloadError> {
        let Plan {
            graph,
            turns,
            extensions,
            new,
            old,
            host,
            new_readers,
            kept_readers,
            new_pushes,
            kept_pushes,
            own,
            outline,
            orphans,
        } = plan;
        let reloaded = Reloaded {
            kept: graph.len() - new.nodes.len(),
            started: new.nodes.len(),
            stopped: old.nodes.len(),
        };
        self.unfinished = Some(new.clone());
        let started = match self.start_part(&new, &host, new_readers, new_pushes).await {
            Ok((metrics, pushes)) => {
                let own = own.start(&self.telemetry, &host).await.map_err(RunError::Own);
                own.map(|own| (metrics, pushes, own))
            }
            Err(error) => Err(error),
        };
        self.unfinished = None;
        let deadline = Instant::now() + RELOAD_DRAIN_TIMEOUT;
        let (metrics, pushes, own) = match started {
            Ok(started) => started,
            Err(error) => {
                // A receiver among them may have taken data over already: it is delivered.
                self.retire(new, Vec::new(), deadline);
                return Err(error.into());
            }
        };
        let left = turns.into_iter().map(graph::Turn::take).collect();
        (self.graph, self.extensions, self.host) = (graph, extensions, host);
        self.health.follow(&outline);
        self.host.status().set_outline(outline);
        self.orphans = orphans;
        self.retire(old, left, deadline);
        self.exchange_metrics(metrics, kept_readers).await;
        self.exchange_pushes(pushes, &kept_pushes);
        self.exchange_own(own);
        Ok(reloaded)
    }

    /// Takes components out of service, in the background, until `deadline` at the longest.
    pub(crate) fn retire(&mut self, part: Part, left: Vec<Left>, deadline: Instant) {
        let look = self.orphans.look();
        self.retiring.push(tokio::spawn(async move {
            retire(part, left, deadline).await;
            // What has ended uses no queue any more.
            look.await;
        }));
    }

    /// Starts what is new, and returns the endpoints for metrics that were bound and the pushes that were started.
    async fn start_part(
        &self,
        part: &Part,
        host: &Host,
        readers: Vec<PullReader>,
        pushes: Vec<Planned>,
    ) -> Result<(Vec<(String, MetricsEndpoint)>, Vec<Running>), RunError> {
        let metrics = self.bind_metrics(readers).await?;
        if !part.extensions.is_empty() {
            part.extensions.start(host).await.map_err(RunError::Extensions)?;
        }
        graph::start(&part.nodes, host).await.map_err(RunError::Start)?;
        Ok((metrics, self.start_pushes(pushes, host).await?))
    }

    /// Ends, in the background, the pushes that the configuration does not have any more.
    fn exchange_pushes(&mut self, new: Vec<Running>, kept: &[usize]) {
        let deadline = Instant::now() + RELOAD_DRAIN_TIMEOUT;
        for (number, push) in std::mem::replace(&mut self.pushes, new).into_iter().enumerate() {
            if kept.contains(&number) {
                self.pushes.push(push);
            } else {
                self.retiring.push(tokio::spawn(push.shutdown(deadline)));
            }
        }
    }

    /// Has spans and log lines sent by what is new. What it replaces sends what it has, in the background.
    fn exchange_own(&mut self, started: StartedOwn) {
        let replaced = self.own.exchange(started, &self.tap);
        self.tell_spans(!self.pushes.is_empty());
        self.own.warn_of_feedback(&self.host.listening());
        let deadline = Instant::now() + RELOAD_DRAIN_TIMEOUT;
        self.retiring.push(tokio::spawn(replaced.shutdown(deadline)));
    }

    /// Exchanges what bound endpoints tell, and takes those out of service that have no reader any more.
    async fn exchange_metrics(&mut self, new: Vec<(String, MetricsEndpoint)>, kept: Vec<PullReader>) {
        let mut old = std::mem::replace(&mut self.metrics, new);
        for PullReader { endpoint, reader } in kept {
            if let Some(index) = old.iter().position(|(known, _)| *known == endpoint) {
                let (endpoint, bound) = old.swap_remove(index);
                bound.set(reader);
                self.metrics.push((endpoint, bound));
            }
        }
        for (_, endpoint) in old {
            endpoint.shutdown().await;
        }
    }
}

/// Shuts down what nothing leads to any more: first the receivers; then, when all is through that was
/// on its way, what stands behind them; and last the extensions.
async fn retire(part: Part, left: Vec<Left>, deadline: Instant) {
    let (receivers, others): (Vec<_>, Vec<_>) = part.nodes.into_iter().partition(|node| node.is_receiver());
    let first = graph::deadline_of_receivers(deadline);
    graph::shut_down(&receivers, first).await;
    for lane in left {
        // What is still under way then is cut off by the shutdown of what it is in.
        timeout_at(first, lane.empty()).await.ok();
    }
    graph::shut_down(&others, deadline).await;
    if !part.extensions.is_empty() {
        part.extensions.shutdown(deadline).await;
    }
}
