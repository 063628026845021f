//! Sends the collector's own telemetry, by the exporters that there are for OTLP.

use etalon_component::{BoxError, ExporterFactory, Settings, Stage};
use etalon_conf::{Duration, Node};
use etalon_service::{OtlpPush, Protocol};
use serde_json::{Map, Value, json};

/// Creates an exporter that is as `push` says. It has no queue: who hands over waits for the outcome.
pub(crate) fn exporter(push: &OtlpPush, settings: Settings) -> Result<Stage, BoxError> {
    let signal = push.signal;
    let (factory, endpoint): (ExporterFactory, _) = match push.protocol {
        Protocol::Grpc => (etalon_exporter_otlp_grpc::factory(), "endpoint".to_owned()),
        Protocol::Http => (etalon_exporter_otlp_http::factory(), format!("{}_endpoint", signal.name)),
    };
    let text = Value::Object(written(push, &endpoint)).to_string();
    let node = Node::parse(&format!("service::telemetry::{}", signal.name), &text)?;
    // The excerpts of the problems would show what is secret.
    let told = |problems: etalon_conf::Problems| -> BoxError {
        let messages: Vec<&str> = problems.iter().map(etalon_conf::Problem::message).collect();
        messages.join("; ").into()
    };
    let config = factory.decode(&node).map_err(told)?;
    etalon_conf::Check::run(&config).map_err(told)?;
    factory.create(settings, &config, signal)
}

/// As a user would write it.
fn written(push: &OtlpPush, endpoint: &str) -> Map<String, Value> {
    let mut headers: Map<String, Value> =
        push.headers.iter().map(|(name, value)| (name.to_owned(), value.expose().into())).collect();
    let (name, value) = &push.mark;
    headers.insert((*name).to_owned(), value.as_str().into());
    let written = json!({
        endpoint: push.endpoint,
        "tls": {
            "insecure": push.endpoint.starts_with("http://"),
            "ca_file": push.ca_file,
            "cert_file": push.cert_file,
            "key_file": push.key_file,
        },
        "compression": if push.gzip { "gzip" } else { "none" },
        "headers": headers,
        "timeout": Duration::from(push.timeout).to_string(),
        "sending_queue": { "enabled": false },
    });
    match written {
        Value::Object(written) => written,
        _ => Map::new(),
    }
}
