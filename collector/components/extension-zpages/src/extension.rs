//! The component: a server, and a task that takes samples of the metrics.

use std::sync::{Arc, Mutex, PoisonError};

use etalon_component::{BoxError, BoxFuture, BuildInfo, Component, ComponentId, Host, Settings};
use etalon_net::server::{Showing, Shown};
use etalon_telemetry::Telemetry;
use minijinja::Environment;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::Config;
use crate::samples::{Samples, sample};
use crate::site::{Pages, templates};

/// See [`Config`].
pub(crate) struct Zpages {
    id: ComponentId,
    build: BuildInfo,
    config: Config,
    telemetry: Telemetry,
    span: tracing::Span,
    /// Until it starts.
    templates: Mutex<Option<Environment<'static>>>,
    shown: Shown,
}

impl Zpages {
    pub(crate) fn new(settings: Settings, config: &Config) -> Result<Self, BoxError> {
        let Settings { id, build, telemetry, span, .. } = settings;
        let templates = Mutex::new(Some(templates()?));
        Ok(Self { id, build, config: config.clone(), telemetry, span, templates, shown: Shown::default() })
    }

    async fn begin(&self, host: &Host) -> Result<(), BoxError> {
        let templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner).take();
        let samples = Samples::default();
        let pages = Pages {
            templates: templates.unwrap_or_default(),
            build: self.build.clone(),
            status: host.status().clone(),
            samples: samples.clone(),
            is_local: is_local(&self.config.server.endpoint),
        };
        let of = Showing { id: &self.id, what: "zpages", protocol: "zpages" };
        let sampling = sample(self.telemetry.clone(), samples);
        Ok(self.shown.start(&self.config.server, of, Arc::new(pages), sampling, host).await?)
    }
}

/// Whether an endpoint is reached from this machine only.
pub(crate) fn is_local(endpoint: &str) -> bool {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host).trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Component for Zpages {
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
