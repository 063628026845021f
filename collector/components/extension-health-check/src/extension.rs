//! The component: a server, and a task that looks at the metrics.

use std::sync::Arc;

use etalon_component::health::Limits;
use etalon_component::{BoxError, BoxFuture, Component, ComponentId, Host, Listening, Settings};
use etalon_net::server::Server;
use etalon_telemetry::{Telemetry, tell};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::Config;
use crate::pages::Pages;
use crate::watch::{Latest, watch};

/// See [`Config`].
pub(crate) struct HealthCheck {
    id: ComponentId,
    config: Config,
    telemetry: Telemetry,
    span: tracing::Span,
    running: Mutex<Option<Running>>,
}

struct Running {
    server: Server,
    _watching: AbortOnDropHandle<()>,
}

impl HealthCheck {
    pub(crate) fn new(settings: Settings, config: &Config) -> Self {
        let Settings { id, telemetry, span, .. } = settings;
        Self { id, config: config.clone(), telemetry, span, running: Mutex::default() }
    }

    async fn begin(&self, host: &Host) -> Result<(), BoxError> {
        let mut running = self.running.lock().await;
        let (status, latest) = (host.status().clone(), Latest::new());
        let own = self.config.own.clone();
        let limits = Limits {
            stalled_after: own.progress.stalled_after.to_std(),
            recent: own.progress.recent.to_std(),
            interval: own.check_collector_pipeline.interval.to_std(),
        };
        let pages = Pages { own, status: status.clone(), latest: latest.clone() };
        let server = self.config.server.serve_site(Arc::new(pages), host).await?;
        let address = server.address().clone();
        tell!(ExtensionListening { what: &"health checks", endpoint: &address });
        let listening =
            Listening { component: self.id.clone(), protocol: "health", address, tls: server.is_tls() };
        host.report_listening(listening);
        let watching = watch(self.telemetry.clone(), status, limits, latest);
        let watching = tokio::spawn(watching.instrument(self.span.clone()));
        *running = Some(Running { server, _watching: AbortOnDropHandle::new(watching) });
        Ok(())
    }
}

impl Component for HealthCheck {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(self.begin(host).instrument(self.span.clone()))
    }

    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            if let Some(running) = self.running.lock().await.take() {
                running.server.shutdown(deadline).await;
            }
            Ok(())
        })
    }
}
