//! An exporter as the collector would run it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Batch, BoxError, BuildInfo, Host, Outcome, Settings, Stage};
use etalon_conf::Node;
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use etalon_pdata::{Payload, TRACES};
use etalon_telemetry::Telemetry;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) struct Exporter {
    stage: Stage,
    telemetry: Telemetry,
}

/// Neither queue nor retries: the outcome is that of one attempt.
pub(crate) const DIRECT: &str = "{enabled: false}";

impl Exporter {
    /// An exporter of one attempt per batch, with further keys.
    pub(crate) async fn direct(endpoint: impl std::fmt::Display, keys: &str) -> Self {
        let keys = format!("sending_queue: {DIRECT}\nretry_on_failure: {DIRECT}\n{keys}");
        Self::new(endpoint, &keys).await
    }

    pub(crate) async fn new(endpoint: impl std::fmt::Display, keys: &str) -> Self {
        let host = Host::new(mpsc::channel(1).0);
        Self::in_host(&host, endpoint, keys).await.expect("a start touches nothing")
    }

    /// An exporter in a collector that has extensions; or why it does not start.
    pub(crate) async fn in_host(
        host: &Host,
        endpoint: impl std::fmt::Display,
        keys: &str,
    ) -> Result<Self, BoxError> {
        let yaml = format!("endpoint: http://{endpoint}\n{keys}");
        let node = Node::parse("test.yaml", &yaml).expect("valid YAML");
        let factory = etalon_exporter_otlp_http::factory();
        let config = factory.decode(&node).unwrap_or_else(|problems| panic!("{problems}"));
        etalon_conf::Check::run(&config).unwrap_or_else(|problems| panic!("{problems}"));
        let telemetry = Telemetry::new(&[]);
        let settings = Settings {
            id: "otlp_http".parse().expect("an id"),
            pipeline: None,
            build: BuildInfo { command: "test", description: "Test Collector", version: "1.2.3" },
            telemetry: telemetry.clone(),
            span: tracing::Span::none(),
        };
        let stage = factory.create(settings, &config, TRACES).expect("a valid configuration");
        stage.component.start(host).await?;
        Ok(Self { stage, telemetry })
    }

    pub(crate) async fn consume(&self, batch: Batch) -> Outcome {
        let outcome = tokio::time::timeout(Duration::from_mins(1), self.stage.consumer.consume(batch)).await;
        outcome.expect("an outcome within a minute")
    }

    /// Sends a few spans.
    pub(crate) async fn send(&self, spans: usize) -> Outcome {
        self.consume(batch(spans)).await
    }

    pub(crate) async fn shutdown(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        self.stage.component.shutdown(deadline).await.expect("a shutdown has nothing to fail");
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.telemetry.prometheus_text();
        let line = text.lines().find(|line| line.split(['{', ' ']).next() == Some(name));
        line.and_then(|line| line.rsplit(' ').next())
            .expect("the series exists")
            .parse()
            .expect("a whole number")
    }

    pub(crate) fn consumer(&self) -> Arc<dyn etalon_component::Consumer> {
        self.stage.consumer.clone()
    }

    pub(crate) fn metrics_text(&self) -> String {
        self.telemetry.prometheus_text()
    }
}

/// A batch of spans whose names say which they are.
pub(crate) fn batch(spans: usize) -> Batch {
    let spans_of_scope =
        (0..spans).map(|index| Span { name: format!("span {index}"), ..Span::default() }).collect();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans { spans: spans_of_scope, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    };
    Batch::new(Payload::from_validated(TRACES, Bytes::from(request.encode_to_vec()), spans))
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < limit, "{what} did not happen within 30 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
