//! The component: starts the servers that are configured, and takes them out of service.

use std::sync::{Arc, OnceLock};

use etalon_component::{
    BoxError, BoxFuture, Component, ComponentId, Consumer, Host, Listening, Phase, Settings, Status,
    UndeclaredSignal, data_type,
};
use etalon_net::server::{Route, Server};
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{self, Transport};
use etalon_telemetry::metrics::{
    ReceiverAttributes, ReceiverCertificateAttributes, ReceiverCertificateMetrics, ReceiverCertificateReads,
    ReceiverMetrics, ReceiverTlsAttributes, ReceiverTlsMetrics, ReceiverTlsReads,
};
use etalon_telemetry::tell;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::Config;
use crate::intake::Intake;
use crate::traced::{Requests, Way};

/// An `otlp` receiver.
struct Receiver {
    id: ComponentId,
    config: Config,
    grpc: Vec<Route>,
    http: Vec<Route>,
    span: tracing::Span,
    telemetry: Telemetry,
    servers: Mutex<Vec<Running>>,
    /// Of the collector, once this is in service.
    collector: OnceLock<Status>,
}

struct Running {
    server: Server,
    _tls: Option<ReceiverTlsMetrics>,
    _certificate: Option<ReceiverCertificateMetrics>,
}

/// Two signals would be received at one path, and nobody could tell them apart.
#[derive(Debug, thiserror::Error)]
#[error("the path \"{0}\" is that of two signals; give each its own *_url_path")]
struct SharedPath(String);

/// Creates a receiver of the signals that have a consumer.
pub(crate) fn create(
    settings: Settings,
    config: &Config,
    outputs: Vec<(Signal, Arc<dyn Consumer>)>,
) -> Result<Arc<dyn Component>, BoxError> {
    let Settings { id, telemetry, span, .. } = settings;
    let mut receiver = Receiver {
        config: config.clone(),
        grpc: Vec::new(),
        http: Vec::new(),
        span,
        telemetry: telemetry.clone(),
        servers: Mutex::default(),
        collector: OnceLock::new(),
        id,
    };
    for (signal, consumer) in outputs {
        if config.protocols.grpc.is_on() {
            let way = Way::grpc(signal);
            let intake = intake(&telemetry, &receiver.id, way, signal, consumer.clone())?;
            receiver.grpc.push(Route { path: signal.grpc_path.to_owned(), unary: intake });
        }
        if let Some(http) = config.protocols.http.get() {
            let path = http.paths.of(signal);
            if receiver.http.iter().any(|route| route.path == path) {
                return Err(SharedPath(path).into());
            }
            let way = Way::http(&path, http.server.tls.is_on());
            let intake = intake(&telemetry, &receiver.id, way, signal, consumer)?;
            receiver.http.push(Route { path, unary: intake });
        }
    }
    Ok(Arc::new(receiver))
}

fn intake(
    telemetry: &Telemetry,
    id: &ComponentId,
    way: Way,
    signal: Signal,
    consumer: Arc<dyn Consumer>,
) -> Result<Arc<Intake>, UndeclaredSignal> {
    let (receiver, data_type) = (id.to_string(), data_type(signal)?);
    let transport = match way {
        Way::Grpc { .. } => Transport::Grpc,
        Way::Http { .. } => Transport::Http,
    };
    let of = ReceiverAttributes { receiver: attributes::Receiver(&receiver), transport, data_type };
    let metrics = ReceiverMetrics::new(telemetry, of);
    let requests = Requests { tracer: telemetry.tracer().clone(), receiver, data_type, way };
    Ok(Arc::new(Intake { signal, consumer, metrics, requests }))
}

impl Receiver {
    async fn listen(&self, host: &Host) -> Result<(), BoxError> {
        let mut servers = self.servers.lock().await;
        if let Some(grpc) = self.config.protocols.grpc.get() {
            let server = grpc.serve(self.grpc.clone(), host).await?;
            tell!(ReceiverListening {
                protocol: &"GRPC",
                endpoint: &server.address(),
                transport: Transport::Grpc
            });
            servers.push(self.reported(host, Transport::Grpc, server));
        }
        if let Some(http) = self.config.protocols.http.get() {
            let server = http.server.serve(self.http.clone(), host).await?;
            tell!(ReceiverListening {
                protocol: &"HTTP",
                endpoint: &server.address(),
                transport: Transport::Http
            });
            servers.push(self.reported(host, Transport::Http, server));
        }
        Ok(())
    }

    fn reported(&self, host: &Host, transport: Transport, server: Server) -> Running {
        let (component, address, tls) = (self.id.clone(), server.address().clone(), server.is_tls());
        host.report_listening(Listening { component, protocol: transport.as_str(), address, tls });
        let receiver = self.id.to_string();
        let receiver = attributes::Receiver(&receiver);
        let certificate = server.tls_health().map(|tls| {
            let of = ReceiverCertificateAttributes { receiver, transport };
            let expiry = move || tls.certificate_expiry().unwrap_or(0);
            ReceiverCertificateMetrics::new(&self.telemetry, of, ReceiverCertificateReads { expiry })
        });
        let tls = server.tls_health().map(|tls| {
            let of = ReceiverTlsAttributes { receiver, transport };
            let reads = ReceiverTlsReads { files_stale: move || tls.is_stale().into() };
            ReceiverTlsMetrics::new(&self.telemetry, of, reads)
        });
        Running { server, _tls: tls, _certificate: certificate }
    }
}

impl Component for Receiver {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        self.collector.get_or_init(|| host.status().clone());
        Box::pin(self.listen(host).instrument(self.span.clone()))
    }

    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            let servers = std::mem::take(&mut *self.servers.lock().await);
            // After a reload, the successor is there for who comes late.
            let is_last =
                self.collector.get().is_some_and(|collector| collector.phase().0 == Phase::Stopping);
            for running in &servers {
                if is_last {
                    running.server.refuse();
                }
                running.server.drain();
            }
            for running in servers {
                running.server.shutdown(deadline).await;
            }
            Ok(())
        })
    }
}
