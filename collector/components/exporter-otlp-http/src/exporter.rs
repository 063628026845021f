//! The exporter of one signal.

use bytes::Bytes;
use etalon_component::{
    Batch, BoxError, BoxFuture, Code, Component, Consumer, Host, Outcome, Settings, Stage, data_type,
};
use etalon_delivery::Delivery;
use etalon_net::client::{ClientObservations, ClientOf, Destination, HttpClient};
use etalon_pdata::{Payload, Signal, json};
use etalon_telemetry::attributes::Exporter;
use etalon_telemetry::metrics::ExporterAttributes;
use tokio::time::Instant;

use crate::answer::outcome;
use crate::traced::Attempts;
use crate::{Encoding, OtlpHttpConfig};

/// Makes one attempt per batch.
struct Sender {
    client: HttpClient,
    url: String,
    encoding: Encoding,
    span: tracing::Span,
    attempts: Attempts,
    observed: ClientObservations,
}

pub(crate) fn create(settings: Settings, config: &OtlpHttpConfig, signal: Signal) -> Result<Stage, BoxError> {
    let url = config.url(signal)?;
    let client = settings.span.in_scope(|| config.client.client(&url, &settings.build.user_agent()))?;
    let (id, data_type) = (settings.id.to_string(), data_type(signal)?);
    let exporter = Exporter(&id);
    let destination =
        Destination { host: client.host(), port: Some(client.port()), path: Some(client.path()) };
    let of = ClientOf { exporter, data_type };
    let observed = ClientObservations::new(&settings.telemetry, of, destination, client.tls_health());
    let of = ExporterAttributes { exporter, data_type };
    let attempts = Attempts {
        tracer: settings.telemetry.tracer().clone(),
        exporter: id.clone(),
        data_type,
        host: client.host().to_owned(),
        port: client.port().to_string(),
        path: client.path().to_owned(),
    };
    let url = client.url();
    let (encoding, span) = (config.encoding(), settings.span.clone());
    let sender = Stage::new(Sender { client, url, encoding, span, attempts, observed });
    Ok(Stage::new(Delivery::new(&settings, signal, &config.delivery(), sender, of)))
}

impl Sender {
    async fn send(&self, batch: Batch) -> Outcome {
        let Batch { payload, mut context } = batch;
        let mut attempt = self.attempts.start(&mut context);
        let content_type = self.encoding.content_type();
        let answer = match self.encoding {
            Encoding::Proto => self.client.post(content_type, &payload, &context).await,
            Encoding::Json => match in_json(&payload) {
                Ok(json) => self.client.post(content_type, &[json], &context).await,
                Err(outcome) => Err(outcome),
            },
        };
        let outcome = match answer {
            Ok(answer) => {
                attempt.answered(answer.status);
                self.observed.answered_http(answer.status);
                self.span.in_scope(|| outcome(payload.signal(), &self.url, &answer))
            }
            Err(outcome) => outcome,
        };
        attempt.end(&outcome);
        outcome
    }
}

fn in_json(payload: &Payload) -> Result<Bytes, Outcome> {
    let mut json = Vec::new();
    match json::encode(payload.signal().request, &payload.contiguous(), &mut json) {
        Ok(()) => Ok(json.into()),
        Err(error) => {
            Err(Outcome::permanent(Code::Internal, format!("cannot encode the request as JSON: {error}")))
        }
    }
}

impl Consumer for Sender {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(self.send(batch))
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
