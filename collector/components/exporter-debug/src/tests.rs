//! What is told of batches, and where.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etalon_component::{Batch, BuildInfo, ComponentId, Host, Outcome, Settings, Stage};
use etalon_conf::Node;
use etalon_pdata::{LOGS, METRICS, Payload, Signal, TRACES, json};
use etalon_telemetry::Telemetry;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

const SPANS: &str = r#"{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"cart"},"spans":[{"name":"pay"},{"name":"ship"}]}]}]}"#;

fn read(yaml: &str) -> Result<DebugConfig, String> {
    let node = Node::parse("test.yaml", yaml).expect("valid YAML");
    node.decode_valid().map_err(|problems| {
        problems.iter().map(|problem| problem.message().to_owned()).collect::<Vec<_>>().join("\n")
    })
}

struct Exporter {
    stage: Stage,
    signal: Signal,
    telemetry: Telemetry,
}

impl Exporter {
    async fn start(yaml: &str, signal: Signal) -> Result<Self, String> {
        let telemetry = Telemetry::new(&[]);
        let settings = Settings {
            id: ComponentId::of_type("debug").unwrap(),
            pipeline: None,
            build: BuildInfo { command: "test", description: "test", version: "0" },
            telemetry: telemetry.clone(),
            span: tracing::info_span!("component", id = "debug"),
        };
        let stage = exporter::create(settings, &read(yaml).unwrap(), signal).unwrap();
        let host = Host::new(mpsc::channel(1).0);
        stage.component.start(&host).await.map_err(|error| error.to_string())?;
        Ok(Self { stage, signal, telemetry })
    }

    async fn export(&self, request: &str, items: usize) {
        let bytes = json::decode(self.signal.request, request.as_bytes()).unwrap();
        let payload = Payload::from_validated(self.signal, bytes.into(), items);
        assert!(matches!(self.stage.consumer.consume(Batch::new(payload)).await, Outcome::Delivered(_)));
    }
}

/// A buffer that a log subscriber writes to, one JSON object a line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .without_time()
            .with_target(false)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(move || log.clone());
        tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        let log = self.0.lock().unwrap();
        log.split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }
}

#[test]
fn the_defaults_are_those_of_the_go_collector() {
    let config = read("{}").unwrap();
    assert_eq!(config, DebugConfig::default());
    assert_eq!(
        (config.verbosity, config.sampling_initial, config.sampling_thereafter),
        (Verbosity::Basic, 2, 1)
    );
    assert!(config.use_internal_logger && config.output_paths.is_none() && !config.sending_queue.is_on());
    assert!(config.delivery().queue.is_none());
    assert!(read("sending_queue:").unwrap().delivery().queue.is_some());
    assert_eq!(read("verbosity: Detailed").unwrap().verbosity, Verbosity::Detailed);
}

#[test]
fn what_is_wrong_is_said() {
    for (yaml, message) in [
        ("verbosity: none", "verbosity level \"none\" is not supported"),
        ("verbosity: loud", "verbosity level \"loud\" is not supported"),
        ("output_paths: [stdout]", "output_paths is not supported when use_internal_logger is true"),
        ("{use_internal_logger: false, output_paths: []}", "output_paths must not be empty"),
        (
            "{use_internal_logger: false, output_paths: ['http://x/y']}",
            "neither stdout, stderr nor the path of a file",
        ),
        ("sending_queue: {queue_size: 0}", "`queue_size` must be positive"),
        ("loglevel: debug", "loglevel"),
    ] {
        let error = read(yaml).unwrap_err();
        assert!(error.contains(message), "{yaml}: {error}");
    }
}

#[tokio::test]
async fn a_batch_is_one_event_with_its_counts() {
    let log = Log::default();
    let _guard = log.capture();
    Exporter::start("{}", TRACES).await.unwrap().export(SPANS, 2).await;
    Exporter::start("{}", LOGS).await.unwrap().export("{}", 0).await;
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{},{}]},{"metrics":[{}]}]},{}]}"#;
    Exporter::start("{}", METRICS).await.unwrap().export(metrics, 7).await;
    assert_eq!(
        log.lines(),
        [
            serde_json::json!({"level": "INFO", "event.name": "exporter.debug.batch", "message": "Traces", "resource spans": 1, "spans": 2}),
            serde_json::json!({"level": "INFO", "event.name": "exporter.debug.batch", "message": "Logs", "resource logs": 0, "log records": 0}),
            serde_json::json!({"level": "INFO", "event.name": "exporter.debug.batch", "message": "Metrics", "resource metrics": 2, "metrics": 3, "data points": 7}),
        ]
    );
}

#[tokio::test]
async fn the_text_follows_as_an_event_of_its_own() {
    let log = Log::default();
    let _guard = log.capture();
    Exporter::start("verbosity: normal", TRACES).await.unwrap().export(SPANS, 2).await;
    Exporter::start("verbosity: detailed", TRACES).await.unwrap().export(SPANS, 2).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[1]["message"], "ResourceTraces #0\nScopeTraces #0 cart\npay  \nship  \n");
    let detailed = lines[3]["message"].as_str().unwrap();
    assert!(detailed.starts_with("ResourceSpans #0\n"), "{detailed}");
    assert!(detailed.contains("    Name           : ship\n"), "{detailed}");
}

#[tokio::test]
async fn without_the_logger_lines_are_appended_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    std::fs::write(&one, "before\n").unwrap();
    let yaml = format!(
        "{{use_internal_logger: false, verbosity: normal, output_paths: ['{}', 'file://{}']}}",
        one.display(),
        two.display()
    );
    let log = Log::default();
    let _guard = log.capture();
    Exporter::start(&yaml, TRACES).await.unwrap().export(SPANS, 2).await;
    let text = "Traces\t{\"resource spans\": 1, \"spans\": 2}\nResourceTraces #0\nScopeTraces #0 cart\npay  \nship  \n\n";
    assert_eq!(std::fs::read_to_string(&one).unwrap(), format!("before\n{text}"));
    assert_eq!(std::fs::read_to_string(&two).unwrap(), text);
    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_told_at_the_start() {
    let error =
        Exporter::start("{use_internal_logger: false, output_paths: [/no/such/folder/file]}", TRACES).await;
    assert_eq!(error.err().unwrap(), "cannot open /no/such/folder/file to append to it");
}

#[tokio::test(start_paused = true)]
async fn sampling_counts_anew_each_second() {
    let log = Log::default();
    let _guard = log.capture();
    let exporter = Exporter::start("{sampling_initial: 2, sampling_thereafter: 3}", TRACES).await.unwrap();
    for expected in [1, 2, 2, 2, 3, 3] {
        exporter.export(SPANS, 2).await;
        assert_eq!(log.lines().len(), expected);
    }
    advance(Duration::from_secs(1)).await;
    exporter.export(SPANS, 2).await;
    assert_eq!(log.lines().len(), 4);

    let first_only = Exporter::start("{sampling_initial: 1, sampling_thereafter: 0}", TRACES).await.unwrap();
    for _ in 0..5 {
        first_only.export(SPANS, 2).await;
    }
    assert_eq!(log.lines().len(), 5);
}

#[tokio::test]
async fn all_items_count_as_sent_whatever_sampling_hides() {
    let exporter = Exporter::start("{sampling_initial: 0, sampling_thereafter: 0}", TRACES).await.unwrap();
    exporter.export(SPANS, 2).await;
    exporter.export(SPANS, 2).await;
    let metrics = exporter.telemetry.prometheus_text();
    assert!(metrics.contains("otelcol_exporter_sent_spans"), "{metrics}");
    let sent = metrics.lines().find(|line| line.starts_with("otelcol_exporter_sent_spans")).unwrap();
    assert!(sent.contains("exporter=\"debug\"") && sent.ends_with(" 4"), "{sent}");
}

#[tokio::test]
async fn a_queue_in_front_is_drained_at_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let yaml =
        format!("{{use_internal_logger: false, output_paths: ['{}'], sending_queue: {{}}}}", file.display());
    let exporter = Exporter::start(&yaml, TRACES).await.unwrap();
    exporter.export(SPANS, 2).await;
    exporter.stage.component.shutdown(Instant::now() + Duration::from_secs(5)).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Traces\t{\"resource spans\": 1, \"spans\": 2}\n");
}
