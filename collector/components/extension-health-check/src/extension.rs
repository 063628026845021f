//! The component: a server, and a task that looks at the metrics.

use std::sync::Arc;

use etalon_component::health::Limits;
use etalon_component::{BoxError, BoxFuture, Component, ComponentId, Host, Settings};
use etalon_net::server::{Showing, Shown};
use etalon_telemetry::Telemetry;
use tokio::time::Instant;
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
    shown: Shown,
}

impl HealthCheck {
    pub(crate) fn new(settings: Settings, config: &Config) -> Self {
        let Settings { id, telemetry, span, .. } = settings;
        Self { id, config: config.clone(), telemetry, span, shown: Shown::default() }
    }

    async fn begin(&self, host: &Host) -> Result<(), BoxError> {
        let (status, latest) = (host.status().clone(), Latest::new());
        let own = self.config.own.clone();
        let limits = Limits {
            stalled_after: own.progress.stalled_after.to_std(),
            recent: own.progress.recent.to_std(),
            interval: own.check_collector_pipeline.interval.to_std(),
        };
        let pages = Pages { own, status: status.clone(), latest: latest.clone() };
        let of = Showing { id: &self.id, what: "health checks", protocol: "health" };
        let watching = watch(self.telemetry.clone(), status, limits, latest);
        Ok(self.shown.start(&self.config.server, of, Arc::new(pages), watching, host).await?)
    }
}

impl Component for HealthCheck {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(self.begin(host).instrument(self.span.clone()))
    }

    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            self.shown.shutdown(deadline).await;
            Ok(())
        })
    }
}
