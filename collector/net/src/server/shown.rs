//! What an extension shows, from its start to its shutdown.

use std::sync::Arc;

use etalon_component::{ComponentId, Host, Listening};
use etalon_telemetry::tell;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{HttpServerConfig, ListenError, Server, Site};

/// A [`Site`] that is served, and the task that finds out what it shows. Neither runs at first.
#[derive(Debug, Default)]
pub struct Shown(Mutex<Option<Running>>);

/// Whose site it is.
#[derive(Clone, Copy, Debug)]
pub struct Showing<'a> {
    /// The extension.
    pub id: &'a ComponentId,
    /// What is served, for people.
    pub what: &'static str,
    /// The same, for programs.
    pub protocol: &'static str,
}

#[derive(Debug)]
struct Running {
    server: Server,
    _finding_out: AbortOnDropHandle<()>,
}

impl Shown {
    /// Serves the site, and runs the task until the shutdown.
    ///
    /// # Errors
    /// The server cannot listen; nothing runs then.
    pub async fn start(
        &self,
        config: &HttpServerConfig,
        of: Showing<'_>,
        site: Arc<dyn Site>,
        find_out: impl Future<Output = ()> + Send + 'static,
        host: &Host,
    ) -> Result<(), ListenError> {
        let mut running = self.0.lock().await;
        let server = config.serve_site(site, host).await?;
        let (address, tls) = (server.address().clone(), server.is_tls());
        tell!(ExtensionListening { what: &of.what, endpoint: &address });
        host.report_listening(Listening { component: of.id.clone(), protocol: of.protocol, address, tls });
        let finding_out = tokio::spawn(find_out.in_current_span());
        *running = Some(Running { server, _finding_out: AbortOnDropHandle::new(finding_out) });
        Ok(())
    }

    /// Answers what is under way until `deadline`, and nothing after that. Without a start before it, nothing happens.
    pub async fn shutdown(&self, deadline: Instant) {
        if let Some(running) = self.0.lock().await.take() {
            running.server.shutdown(deadline).await;
        }
    }
}
