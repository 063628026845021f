//! A collector: one configuration, built, started, and shut down.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use etalon_component::{BoxError, BuildInfo, ComponentId, GateOutline, Host, Listening, Phase};
use etalon_telemetry::metrics::{ConfigMetrics, LogsMetrics, LogsReads};
use etalon_telemetry::tell;
use etalon_telemetry::{ProcessObservations, Telemetry, observe_process};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::CollectorConfig;
use crate::extensions::{ExtensionError, Extensions};
use crate::factories::Factories;
use crate::gates::{FeatureGates, GATES};
use crate::graph::{self, Graph, GraphError, Role, StartError};
use crate::health::Health;
use crate::metrics_endpoint::MetricsEndpoint;
use crate::orphans::{Orphans, UnusableStorage};
use crate::outline::outline;
use crate::own::{Own, PlannedOwn, Tap};
use crate::push::{self, Planned, Running};
use crate::reload::Part;
use crate::telemetry_config::PullReader;
use crate::telemetry_setup::Logging;

/// Fatal errors that are kept until somebody asks; one is enough to shut down.
const FATAL_ERRORS_KEPT: usize = 1;

/// The components of a configuration, wired up.
pub struct Collector {
    pub(crate) extensions: Extensions,
    pub(crate) graph: Graph,
    pub(crate) telemetry: Telemetry,
    pub(crate) host: Host,
    fatal: mpsc::Receiver<(ComponentId, BoxError)>,
    /// Those of the metrics, until they are bound.
    readers: Vec<PullReader>,
    /// Pushes of metrics, until they are started.
    planned_pushes: Vec<Planned>,
    pub(crate) pushes: Vec<Running>,
    /// What sends spans and log lines, until it is started.
    planned_own: Option<PlannedOwn>,
    pub(crate) own: Own,
    /// Where log lines are taken from.
    pub(crate) tap: Tap,
    /// By the endpoint as configured.
    pub(crate) metrics: Vec<(String, MetricsEndpoint)>,
    pub(crate) reloads: ConfigMetrics,
    pub(crate) health: Health,
    _process: ProcessObservations,
    pub(crate) orphans: Orphans,
    /// What a reload has begun to start.
    pub(crate) unfinished: Option<Part>,
    /// What reloads have replaced, on its way out of service.
    pub(crate) retiring: Vec<JoinHandle<()>>,
}

/// A collector could not be made of a valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The pipelines.
    #[error("failed to build pipelines")]
    Pipelines(#[source] GraphError),
    /// The extensions.
    #[error("failed to build extensions")]
    Extensions(#[source] ExtensionError),
    /// The storage of a queue.
    #[error("failed to build queues")]
    Queues(#[source] UnusableStorage),
    /// What sends the collector's own metrics.
    #[error("failed to create meter provider")]
    OwnMetrics(#[source] BoxError),
    /// What sends the collector's own spans and log lines.
    #[error("failed to create the processors of own traces and logs")]
    OwnTelemetry(#[source] BoxError),
}

/// The collector did not come into service.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The endpoint for the collector's own metrics could not be bound.
    #[error("cannot serve metrics on {endpoint}")]
    Metrics {
        /// The endpoint as configured.
        endpoint: String,
        /// Why.
        source: std::io::Error,
    },
    /// What sends the collector's own metrics did not start.
    #[error("cannot push metrics")]
    Push(#[source] BoxError),
    /// What sends the collector's own spans and log lines did not start.
    #[error("cannot send own traces and logs")]
    Own(#[source] BoxError),
    /// An extension did not start.
    #[error("failed to start extensions")]
    Extensions(#[source] StartError),
    /// A component did not start.
    #[error("cannot start pipelines")]
    Start(#[source] StartError),
}

impl Collector {
    /// Builds the components that the service of a valid configuration names. Nothing is started.
    pub fn build(
        config: &CollectorConfig,
        factories: &Factories,
        build: &BuildInfo,
        resource: &BTreeMap<String, String>,
    ) -> Result<Self, BuildError> {
        let resource: Vec<(&str, &str)> =
            resource.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let telemetry = Telemetry::new(&resource);
        let (graph, _) =
            graph::build(config, factories, build, &telemetry, None).map_err(BuildError::Pipelines)?;
        let extensions =
            Extensions::build(config, factories, build, &telemetry, None).map_err(BuildError::Extensions)?;
        let (report, fatal) = mpsc::channel(FATAL_ERRORS_KEPT);
        let readers = config.telemetry.metrics.pull_readers(&telemetry);
        let (_, planned_pushes) = push::plan(&config.telemetry.metrics, &[], factories, build, &telemetry)
            .map_err(BuildError::OwnMetrics)?;
        let own = Own::default();
        let planned_own =
            own.plan(&config.telemetry, factories, build, &telemetry).map_err(BuildError::OwnTelemetry)?;
        let host = Host::new(report).with_extensions(extensions.by_id());
        let orphans = Orphans::of(config, factories, &host, &telemetry).map_err(BuildError::Queues)?;
        let outline = outline(config, &graph, &extensions);
        let health = Health::new(&telemetry, &outline);
        host.status().set_outline(outline);
        let (reloads, process) = (ConfigMetrics::new(&telemetry), observe_process(&telemetry, build.version));
        let (metrics, retiring) = (Vec::new(), Vec::new());
        Ok(Self {
            extensions,
            graph,
            telemetry,
            host,
            fatal,
            readers,
            planned_pushes,
            pushes: Vec::new(),
            planned_own: Some(planned_own),
            own,
            tap: Tap::default(),
            metrics,
            reloads,
            health,
            _process: process,
            orphans,
            unfinished: None,
            retiring,
        })
    }

    /// Sends what this log writes to where the configuration says, and tells extensions of the errors in it. Call it
    /// before the start.
    pub fn take_lines_of(&mut self, logging: &Logging) {
        self.tap = logging.tap.clone();
        self.host.status().set_errors(logging.errors.clone());
    }

    /// Tells extensions of the feature gates. Call it before the start.
    pub fn tell_gates(&self, gates: &FeatureGates) {
        let outline = |gate: &crate::gates::Gate| GateOutline {
            id: gate.id,
            enabled: gates.is_enabled(gate.id),
            stage: gate.stage.to_string(),
            from_version: gate.from_version,
            description: gate.description,
        };
        self.host.status().set_gates(GATES.iter().map(outline).collect());
    }

    /// Tells of the log of this process in the collector's metrics, as long as the result lives.
    pub fn observe_log(&self, logging: &Logging) -> LogsMetrics {
        LogsMetrics::new(&self.telemetry, LogsReads { suppressed_lines: logging.suppressed() })
    }

    /// Brings everything into service. After an error, shut down.
    pub async fn start(&mut self) -> Result<(), RunError> {
        // First, so that the start is told already.
        if let Some(planned) = self.planned_own.take() {
            let started = planned.start(&self.telemetry, &self.host).await.map_err(RunError::Own)?;
            self.own.exchange(started, &self.tap);
            self.tell_spans(!self.planned_pushes.is_empty());
        }
        let readers = std::mem::take(&mut self.readers);
        self.metrics = self.bind_metrics(readers).await?;
        self.extensions.start(&self.host).await.map_err(RunError::Extensions)?;
        self.graph.start(&self.host).await.map_err(RunError::Start)?;
        let planned = std::mem::take(&mut self.planned_pushes);
        self.pushes = self.start_pushes(planned, &self.host).await?;
        self.own.warn_of_feedback(&self.host.listening());
        self.host.status().enter(Phase::Ready);
        self.health.start(self.host.status());
        // Nobody waits for it: there may be much to read.
        tokio::spawn(self.orphans.look());
        Ok(())
    }

    /// Is not ready any more, and still takes data, so that senders go elsewhere before they must. Whether it was
    /// ready until then.
    pub fn become_lame_duck(&self) -> bool {
        let was_ready = self.host.status().phase().0 == Phase::Ready;
        self.host.status().enter(Phase::LameDuck);
        was_ready
    }

    /// Tells spans to those who send them. `pushes` says whether metrics are pushed.
    pub(crate) fn tell_spans(&self, pushes: bool) {
        self.telemetry.tracer().set(self.own.tracing(), self.own.sends_logs() || pushes);
    }

    /// Starts all of these, or none.
    pub(crate) async fn start_pushes(
        &self,
        planned: Vec<Planned>,
        host: &Host,
    ) -> Result<Vec<Running>, RunError> {
        let mut running = Vec::new();
        for push in planned {
            running.push(push.start(&self.telemetry, host).await.map_err(RunError::Push)?);
        }
        Ok(running)
    }

    /// Serves metrics to these readers.
    pub(crate) async fn bind_metrics(
        &self,
        readers: Vec<PullReader>,
    ) -> Result<Vec<(String, MetricsEndpoint)>, RunError> {
        let mut bound = Vec::new();
        for PullReader { endpoint, reader } in readers {
            let started = MetricsEndpoint::start(&endpoint, self.telemetry.clone(), reader).await;
            let started =
                started.map_err(|source| RunError::Metrics { endpoint: endpoint.clone(), source })?;
            tell!(TelemetryMetricsListening { endpoint: &started.address() });
            bound.push((endpoint, started));
        }
        Ok(bound)
    }

    /// The addresses at which components listen.
    pub fn listening(&self) -> Vec<Listening> {
        self.host.listening()
    }

    /// The addresses at which metrics are served.
    pub fn metrics_addresses(&self) -> Vec<SocketAddr> {
        self.metrics.iter().map(|(_, endpoint)| endpoint.address()).collect()
    }

    /// Resolves when a component reports that it cannot go on.
    pub async fn failed(&mut self) -> (ComponentId, BoxError) {
        match self.fatal.recv().await {
            Some(failed) => failed,
            // The host holds a sender, so the channel cannot close before the collector is dropped.
            None => std::future::pending().await,
        }
    }

    /// Takes everything out of service in the direction of the data and the extensions after that, until
    /// `deadline` at the longest, and returns what went wrong on the way. Receivers have half of the time: a
    /// request that does not end must not cost the exporters what their queues hold. Metrics are served until
    /// the end.
    ///
    /// It may be called again with an earlier deadline when the future of an earlier call was dropped: what has not
    /// stopped then has until that.
    pub async fn shutdown(&mut self, deadline: Instant) -> Vec<(Role, ComponentId, BoxError)> {
        self.host.status().enter(Phase::Stopping);
        if let Some(begun) = self.unfinished.take() {
            self.retire(begun, Vec::new(), deadline);
        }
        let first = graph::deadline_of_receivers(deadline);
        let retiring = end_by(first, &mut self.retiring);
        // What was replaced may lead into what runs, so it comes before the exporters; but it must not
        // keep the receivers open.
        let (receivers, others) = self.graph.split_at_receivers();
        let (mut failures, ()) = tokio::join!(graph::shut_down(receivers, first), retiring);
        failures.append(&mut graph::shut_down(others, deadline).await);
        end_by(deadline, &mut self.retiring).await;
        failures.append(&mut self.extensions.shutdown(deadline).await);
        for push in self.pushes.drain(..) {
            push.shutdown(deadline).await;
        }
        for (_, endpoint) in self.metrics.drain(..) {
            endpoint.shutdown().await;
        }
        self.telemetry.tracer().set(None, false);
        std::mem::take(&mut self.own).shutdown(deadline).await;
        failures
    }
}

/// Waits for tasks until `deadline` at the longest; those that have not ended then are left.
async fn end_by(deadline: Instant, tasks: &mut Vec<JoinHandle<()>>) {
    for task in tasks.iter_mut().filter(|task| !task.is_finished()) {
        tokio::time::timeout_at(deadline, task).await.ok();
    }
    tasks.retain(|task| !task.is_finished());
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}
