//! Where the collector's own telemetry goes.

use std::io::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use etalon_component::{
    Batch, BoxError, BuildInfo, ComponentId, Delivered, Host, Listening, Outcome, Settings, Stage,
};
use etalon_pdata::{Payload, Signal, json};
use etalon_telemetry::attributes::DataType;
use etalon_telemetry::{OWN_TELEMETRY, Telemetry, tell};
use tokio::time::{Instant, timeout};

use crate::factories::Factories;
use crate::logs::own_telemetry_span;
use crate::telemetry_config::{OtlpPushError, PushTo};

/// Where own telemetry goes.
pub(crate) enum Target {
    /// An exporter of OTLP.
    Exporter(Stage),
    /// Standard output: a line of OTLP's JSON for each request.
    Console,
}

/// A target that is not started yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) target: Target,
    /// Where it is, when it is over the network.
    pub(crate) endpoint: Option<String>,
}

/// Makes the target of a configuration.
pub(crate) fn prepare(
    to: PushTo,
    signal: Signal,
    factories: &Factories,
    build: &BuildInfo,
    telemetry: &Telemetry,
) -> Result<Prepared, BoxError> {
    let PushTo::Otlp(otlp) = to else { return Ok(Prepared { target: Target::Console, endpoint: None }) };
    let create = factories.own_telemetry.ok_or(OtlpPushError)?;
    let mark = (OWN_TELEMETRY, telemetry.tracer().own_key().to_owned());
    let push = otlp.push(signal, mark).ok_or(OtlpPushError)?;
    let target = Target::Exporter(create(&push, settings(signal, build)?)?);
    Ok(Prepared { target, endpoint: Some(push.endpoint) })
}

/// What the exporter itself counts is told to nobody: it would be told of telling it. Its log lines are written, and
/// sent to nobody.
fn settings(signal: Signal, build: &BuildInfo) -> Result<Settings, BoxError> {
    let id = format!("own_{}", signal.name);
    let span = own_telemetry_span(&id);
    let id: ComponentId = id.parse()?;
    Ok(Settings { id, pipeline: None, build: build.clone(), telemetry: Telemetry::new(&[]), span })
}

impl Target {
    pub(crate) async fn start(&self, host: &Host) -> Result<(), BoxError> {
        match self {
            Self::Exporter(stage) => stage.component.start(host).await,
            Self::Console => Ok(()),
        }
    }

    /// Sends a request, and says what became of it.
    pub(crate) async fn send(&self, payload: Payload, limit: Duration) -> Outcome {
        match self {
            Self::Exporter(stage) => {
                let sent = timeout(limit, stage.consumer.consume(Batch::new(payload))).await;
                sent.unwrap_or_else(|_| Outcome::unknown("no answer in time"))
            }
            Self::Console => print(&payload),
        }
    }

    pub(crate) async fn shutdown(&self, deadline: Instant) {
        let Self::Exporter(stage) = self else { return };
        if let Err(error) = stage.component.shutdown(deadline).await {
            tell!(TelemetryStopFailed { error: &crate::chain(&*error) });
        }
    }
}

fn print(payload: &Payload) -> Outcome {
    let mut line = Vec::new();
    if let Err(error) = json::encode(payload.signal().request, &payload.contiguous(), &mut line) {
        return Outcome::permanent(
            etalon_component::Code::Internal,
            format!("cannot be written as JSON: {error}"),
        );
    }
    line.push(b'\n');
    match std::io::stdout().lock().write_all(&line) {
        Ok(()) => Outcome::Delivered(Delivered::default()),
        Err(error) => Outcome::refused(format!("cannot be written to standard output: {error}")),
    }
}

/// Warns if an endpoint is one of the collector's own receivers.
pub(crate) fn warn_of_feedback(data_type: DataType, endpoint: &str, listening: &[Listening]) {
    if let Some(own) = listening.iter().find(|own| is_at(endpoint, own)) {
        let receiver = own.component.to_string();
        tell!(TelemetryFeedback { data_type, endpoint: &endpoint, receiver: &receiver });
    }
}

/// Whether the endpoint is, as far as can be told without asking the network, where this listens.
fn is_at(endpoint: &str, listening: &Listening) -> bool {
    let Some(address) = listening.address.network() else { return false };
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return false };
    let default_port = if uri.scheme() == Some(&http::uri::Scheme::HTTPS) { 443 } else { 80 };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let ip: Option<IpAddr> = host.parse().ok();
    let is_local = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
    let listens = address.ip();
    uri.port_u16().unwrap_or(default_port) == address.port()
        && (ip == Some(listens) || (is_local && (listens.is_loopback() || listens.is_unspecified())))
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Exporter(_) => "Exporter",
            Self::Console => "Console",
        })
    }
}

#[cfg(test)]
mod tests {
    use etalon_component::Address;

    use super::*;

    #[test]
    fn an_endpoint_of_the_collector_itself_is_recognised() {
        let is_at = |endpoint: &str, address: &str| {
            let address = Address::Network(address.parse().unwrap());
            is_at(
                endpoint,
                &Listening { component: "otlp".parse().unwrap(), protocol: "grpc", address, tls: false },
            )
        };
        assert!(is_at("http://localhost:4317", "127.0.0.1:4317"));
        assert!(is_at("http://127.0.0.1:4317", "0.0.0.0:4317"));
        assert!(is_at("http://[::1]:4317/v1/metrics", "[::]:4317"));
        assert!(is_at("http://10.0.0.1:4317", "10.0.0.1:4317"));
        assert!(is_at("https://localhost", "127.0.0.1:443"));
        assert!(!is_at("http://localhost:4318", "127.0.0.1:4317"));
        assert!(!is_at("http://10.0.0.1:4317", "127.0.0.1:4317"));
        assert!(!is_at("http://backend.test:4317", "0.0.0.0:4317"));
    }
}
