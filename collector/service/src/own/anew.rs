//! What there is to start for a configuration, and what stays of the one before.

use std::sync::Arc;

use etalon_component::{BoxError, BuildInfo, Host, Listening};
use etalon_pdata::{LOGS, TRACES};
use etalon_telemetry::attributes::DataType;
use etalon_telemetry::{SpanData, Telemetry, Tracing};
use tokio::time::Instant;

use super::spans::SpanQueue;
use super::{Planned, RECORD_DELAY, Record, Running, SPAN_DELAY, Tap, records, spans};
use crate::factories::Factories;
use crate::telemetry_config::{ProcessorConfig, TelemetryConfig, TracesConfig};

/// What sends spans and log lines.
#[derive(Default)]
pub(crate) struct Own {
    traces: Option<Of<TracesConfig, Arc<SpanData>>>,
    logs: Option<Of<Vec<ProcessorConfig>, Arc<Record>>>,
}

/// A signal that is sent.
struct Of<Config, T> {
    config: Config,
    running: Running<T>,
}

/// What is to be started; nothing of a signal whose configuration has not changed.
pub(crate) struct PlannedOwn {
    traces: Option<(TracesConfig, Planned)>,
    logs: Option<(Vec<ProcessorConfig>, Planned)>,
}

/// What has been started, and is not in use yet.
pub(crate) struct StartedOwn {
    traces: Option<Of<TracesConfig, Arc<SpanData>>>,
    logs: Option<Of<Vec<ProcessorConfig>, Arc<Record>>>,
}

impl Own {
    /// What there is to start for `config`.
    pub(crate) fn plan(
        &self,
        config: &TelemetryConfig,
        factories: &Factories,
        build: &BuildInfo,
        telemetry: &Telemetry,
    ) -> Result<PlannedOwn, BoxError> {
        let planned = |signal, processors: &[ProcessorConfig], delay| {
            Planned::new(signal, processors, delay, factories, build, telemetry)
        };
        let (traces, logs) = (&config.traces, &config.logs.processors);
        let processors = if traces.are_on() { &*traces.processors } else { &[] };
        let same = self.traces.as_ref().is_some_and(|known| known.config == *traces);
        let traces =
            if same { None } else { Some((traces.clone(), planned(TRACES, processors, SPAN_DELAY)?)) };
        let same = self.logs.as_ref().is_some_and(|known| known.config == *logs);
        let logs = if same { None } else { Some((logs.clone(), planned(LOGS, logs, RECORD_DELAY)?)) };
        Ok(PlannedOwn { traces, logs })
    }

    /// Uses what has been started, and returns what it has replaced.
    pub(crate) fn exchange(&mut self, started: StartedOwn, tap: &Tap) -> Self {
        let mut replaced = Self::default();
        if let Some(traces) = started.traces {
            replaced.traces = self.traces.replace(traces);
        }
        if let Some(logs) = started.logs {
            tap.set(logs.running.queues.clone());
            replaced.logs = self.logs.replace(logs);
        }
        replaced
    }

    /// How spans are told; nothing when nobody takes them.
    pub(crate) fn tracing(&self) -> Option<Tracing> {
        let Of { config, running } =
            self.traces.as_ref().filter(|traces| !traces.running.queues.is_empty())?;
        Some(Tracing {
            sampler: config.sampler(),
            propagators: config.propagators(),
            limits: config.limits(),
            sinks: running.queues.iter().map(|queue| Arc::new(SpanQueue(queue.clone())) as Arc<_>).collect(),
        })
    }

    /// Whether log lines are sent.
    pub(crate) fn sends_logs(&self) -> bool {
        self.logs.as_ref().is_some_and(|logs| !logs.running.queues.is_empty())
    }

    /// Sends what waits, until `deadline` at the longest.
    pub(crate) async fn shutdown(self, deadline: Instant) {
        if let Some(traces) = self.traces {
            traces.running.shutdown(deadline).await;
        }
        if let Some(logs) = self.logs {
            logs.running.shutdown(deadline).await;
        }
    }

    /// Warns of what is sent to one of the collector's own receivers.
    pub(crate) fn warn_of_feedback(&self, listening: &[Listening]) {
        if let Some(traces) = &self.traces {
            traces.running.warn_of_feedback(DataType::Traces, listening);
        }
        if let Some(logs) = &self.logs {
            logs.running.warn_of_feedback(DataType::Logs, listening);
        }
    }
}

impl PlannedOwn {
    pub(crate) async fn start(self, telemetry: &Telemetry, host: &Host) -> Result<StartedOwn, BoxError> {
        let mut started = StartedOwn { traces: None, logs: None };
        if let Some((config, planned)) = self.traces {
            let running = planned.start(host, || spans::encoder(telemetry)).await?;
            started.traces = Some(Of { config, running });
        }
        if let Some((config, planned)) = self.logs {
            let running = planned.start(host, || records::encoder(telemetry)).await?;
            started.logs = Some(Of { config, running });
        }
        Ok(started)
    }
}

impl std::fmt::Debug for PlannedOwn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlannedOwn").finish_non_exhaustive()
    }
}
