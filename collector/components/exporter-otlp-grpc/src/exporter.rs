//! The exporter of one signal.

use etalon_component::{
    Batch, BoxError, BoxFuture, Component, Consumer, Host, Outcome, Settings, Stage, data_type,
};
use etalon_delivery::{Delivery, acknowledged};
use etalon_net::client::{ClientObservations, ClientOf, Destination, GrpcClient, GrpcMethod};
use etalon_pdata::Signal;
use etalon_telemetry::attributes::Exporter;
use etalon_telemetry::metrics::ExporterAttributes;
use tokio::time::Instant;

use crate::OtlpGrpcConfig;
use crate::traced::Attempts;

/// Makes one attempt per batch.
struct Sender {
    client: GrpcClient,
    method: GrpcMethod,
    span: tracing::Span,
    attempts: Attempts,
    observed: ClientObservations,
}

pub(crate) fn create(settings: Settings, config: &OtlpGrpcConfig, signal: Signal) -> Result<Stage, BoxError> {
    let endpoint = config.client.parsed_endpoint()?;
    let client = settings.span.in_scope(|| config.client.client(&settings.build.user_agent()))?;
    let method = client.method(signal.grpc_path);
    let (id, data_type) = (settings.id.to_string(), data_type(signal)?);
    let exporter = Exporter(&id);
    let host = endpoint.host();
    let destination = Destination { host: &host, port: endpoint.port(), path: None };
    let of = ClientOf { exporter, data_type };
    let observed = ClientObservations::new(&settings.telemetry, of, destination, client.tls_health());
    let of = ExporterAttributes { exporter, data_type };
    let attempts = Attempts {
        tracer: settings.telemetry.tracer().clone(),
        exporter: id.clone(),
        data_type,
        method: signal.grpc_path.trim_start_matches('/'),
        port: endpoint.port().map(|port| port.to_string()),
        host,
    };
    let sender = Sender { client, method, span: settings.span.clone(), attempts, observed };
    let sender = Stage::new(sender);
    Ok(Stage::new(Delivery::new(&settings, signal, &config.delivery(), sender, of)))
}

impl Consumer for Sender {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let Batch { payload, mut context } = batch;
            let attempt = self.attempts.start(&mut context);
            let outcome = match self.method.call(&payload, &context).await {
                Ok(response) => {
                    self.observed.answered_ok();
                    self.span.in_scope(|| acknowledged(payload.signal(), &response))
                }
                Err(outcome) => {
                    self.observed.failed(&outcome);
                    outcome
                }
            };
            attempt.end(&outcome);
            outcome
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
