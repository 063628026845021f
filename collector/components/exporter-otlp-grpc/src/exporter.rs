//! The exporter of one signal.

use etalon_component::{Batch, BoxError, BoxFuture, Component, Consumer, Host, Outcome, Settings, Stage};
use etalon_delivery::{Delivery, acknowledged};
use etalon_net::client::{GrpcClient, GrpcMethod};
use etalon_pdata::Signal;
use etalon_telemetry::{ExporterMetrics, Observation, observe_exporter_tls};
use tokio::time::Instant;

use crate::OtlpGrpcConfig;

/// Makes one attempt per batch.
struct Sender {
    client: GrpcClient,
    method: GrpcMethod,
    span: tracing::Span,
    _tls: Option<Observation>,
}

pub(crate) fn create(settings: Settings, config: &OtlpGrpcConfig, signal: Signal) -> Result<Stage, BoxError> {
    let endpoint = config.client.parsed_endpoint()?;
    let client = settings.span.in_scope(|| config.client.client(&settings.build.user_agent()))?;
    let method = client.method(signal.grpc_path);
    let (host, port) = (endpoint.host(), endpoint.port().map(|port| port.to_string()));
    let mut attributes = vec![("server_address", host.as_str())];
    attributes.extend(port.as_deref().map(|port| ("server_port", port)));
    let tls = client.tls_health().map(|tls| {
        observe_exporter_tls(&settings.telemetry, &settings.id.to_string(), signal.name, move || {
            tls.is_stale()
        })
    });
    let metrics =
        ExporterMetrics::new(&settings.telemetry, &settings.id.to_string(), signal.items, &attributes);
    let sender = Sender { client, method, span: settings.span.clone(), _tls: tls };
    let sender = Stage::new(sender);
    Ok(Stage::new(Delivery::new(&settings, signal, &config.delivery(), sender, metrics)))
}

impl Consumer for Sender {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let Batch { payload, context } = batch;
            match self.method.call(&payload, &context).await {
                Ok(response) => self.span.in_scope(|| acknowledged(payload.signal(), &response)),
                Err(outcome) => outcome,
            }
        })
    }
}

impl Component for Sender {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move { Ok(self.span.in_scope(|| self.client.start(host))?) })
    }

    fn shutdown(&self, _deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            self.client.close().await;
            Ok(())
        })
    }
}
