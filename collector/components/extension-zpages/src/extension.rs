//! The component: a server, and a task that takes samples of the metrics.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use etalon_component::{BoxError, BoxFuture, BuildInfo, Component, ComponentId, Host, Listening, Settings};
use etalon_net::server::Server;
use etalon_telemetry::{Telemetry, tell};
use minijinja::Environment;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
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
    templates: StdMutex<Option<Environment<'static>>>,
    running: Mutex<Option<Running>>,
}

struct Running {
    server: Server,
    _sampling: AbortOnDropHandle<()>,
}

impl Zpages {
    pub(crate) fn new(settings: Settings, config: &Config) -> Result<Self, BoxError> {
        let Settings { id, build, telemetry, span, .. } = settings;
        let templates = StdMutex::new(Some(templates()?));
        Ok(Self { id, build, config: config.clone(), telemetry, span, templates, running: Mutex::default() })
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
        let mut running = self.running.lock().await;
        let server = self.config.server.serve_site(Arc::new(pages), host).await?;
        let address = server.address().clone();
        tell!(ExtensionListening { what: &"zpages", endpoint: &address });
        let listening =
            Listening { component: self.id.clone(), protocol: "zpages", address, tls: server.is_tls() };
        host.report_listening(listening);
        let sampling = sample(self.telemetry.clone(), samples);
        let sampling = tokio::spawn(sampling.instrument(self.span.clone()));
        *running = Some(Running { server, _sampling: AbortOnDropHandle::new(sampling) });
        Ok(())
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
            if let Some(running) = self.running.lock().await.take() {
                running.server.shutdown(deadline).await;
            }
            Ok(())
        })
    }
}
