//! Which pushes there are to be, and which of them there are already.

use std::net::IpAddr;

use etalon_component::{BoxError, BuildInfo, ComponentId, Host, Listening, Settings};
use etalon_telemetry::Telemetry;
use tokio::time::Instant;

use super::{Push, Schedule, Target};
use crate::factories::Factories;
use crate::telemetry_config::{MetricsConfig, OtlpPushError, PeriodicConfig, PushTo};

/// The id under which the exporter of own metrics is created.
const EXPORTER_ID: &str = "own_metrics";

/// A push that can be started.
#[derive(Debug)]
pub(crate) struct Planned {
    key: Key,
    schedule: Schedule,
    target: Target,
    /// Where it goes, when it goes over the network.
    endpoint: Option<String>,
}

/// A push that runs.
#[derive(Debug)]
pub(crate) struct Running {
    key: Key,
    push: Push,
}

/// Two pushes with the same key are the same.
type Key = (PeriodicConfig, Schedule);

/// The pushes of a configuration: those of `running` that stay, by their number, and those that are new.
pub(crate) fn plan(
    config: &MetricsConfig,
    running: &[Running],
    factories: &Factories,
    build: &BuildInfo,
) -> Result<(Vec<usize>, Vec<Planned>), BoxError> {
    let (mut kept, mut new) = (Vec::new(), Vec::new());
    for (periodic, schedule) in config.pushes() {
        let key = (periodic, schedule.clone());
        let same = |(index, known): (usize, &Running)| known.key == key && !kept.contains(&index);
        if let Some(index) = running.iter().enumerate().position(same) {
            kept.push(index);
            continue;
        }
        let (target, endpoint) = match key.0.to() {
            None => continue,
            Some(PushTo::Console) => (Target::Console, None),
            Some(PushTo::Otlp(push)) => {
                let create = factories.own_metrics.ok_or(OtlpPushError)?;
                (Target::Exporter(create(&push, settings(build)?)?), Some(push.endpoint))
            }
        };
        new.push(Planned { key, schedule, target, endpoint });
    }
    Ok((kept, new))
}

/// What the exporter itself counts is told to nobody: it would be told of telling it.
fn settings(build: &BuildInfo) -> Result<Settings, BoxError> {
    let id: ComponentId = EXPORTER_ID.parse()?;
    let span = tracing::error_span!("component", "otelcol.component.id" = EXPORTER_ID);
    Ok(Settings { id, build: build.clone(), telemetry: Telemetry::new(&[]), span })
}

impl Planned {
    pub(crate) async fn start(self, telemetry: &Telemetry, host: &Host) -> Result<Running, BoxError> {
        let Self { key, schedule, target, endpoint } = self;
        let push = Push::start(schedule, telemetry.clone(), target, host).await?;
        if let Some(endpoint) = endpoint {
            warn_of_feedback(&endpoint, &host.listening());
        }
        Ok(Running { key, push })
    }
}

impl Running {
    pub(crate) async fn shutdown(self, deadline: Instant) {
        self.push.shutdown(deadline).await;
    }
}

fn warn_of_feedback(endpoint: &str, listening: &[Listening]) {
    if let Some(own) = listening.iter().find(|own| is_at(endpoint, own)) {
        let receiver = own.component.to_string();
        tracing::warn!(
            endpoint,
            receiver,
            "Own metrics are pushed to one of the collector's own receivers, which counts them among its data"
        );
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
