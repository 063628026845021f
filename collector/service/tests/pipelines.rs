//! Pipelines built from a configuration and components that record what happens to them.

#![expect(clippy::unwrap_used, reason = "a test stops where its assumptions do not hold")]

mod components;
mod connectors;
mod extensions;
mod reload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use components::{Journal, distribution};
use etalon_component::BuildInfo;
use etalon_conf::{Resolver, Secrets};
use etalon_service::{ALLOW_NO_PIPELINES, Collector, CollectorConfig, FeatureGates};
use tokio::time::Instant;

const BUILD: BuildInfo = BuildInfo { command: "test", description: "A test", version: "0" };

/// Decodes and validates; problems as their text.
fn decode(yaml: &str, journal: &Arc<Journal>, gates: &FeatureGates) -> Result<CollectorConfig, String> {
    let nothing_set = |_: &str| None;
    let root = Resolver::new(nothing_set).resolve(&[format!("yaml:{yaml}")]).map_err(|p| p.to_string())?.root;
    let config = CollectorConfig::decode(&root, &distribution(journal)).map_err(|p| p.to_string())?;
    config.validate(&root, gates).map_err(|p| p.to_string())?;
    Ok(config)
}

fn build(yaml: &str, journal: &Arc<Journal>) -> Collector {
    let config = decode(yaml, journal, &FeatureGates::default()).unwrap();
    Collector::build(&config, &distribution(journal), &BUILD, &BTreeMap::new()).unwrap()
}

/// Why a valid configuration cannot be built.
fn build_error(yaml: &str) -> String {
    let journal = Arc::default();
    let config = decode(yaml, &journal, &FeatureGates::default()).unwrap();
    let error = Collector::build(&config, &distribution(&journal), &BUILD, &BTreeMap::new()).unwrap_err();
    etalon_service::chain(&error)
}

fn problems(yaml: &str) -> Vec<String> {
    let text = decode(yaml, &Arc::default(), &FeatureGates::default()).unwrap_err();
    // Places and excerpts are the business of the configuration's own tests.
    let first_lines = text.lines().filter(|line| line.starts_with("yaml:") || line.starts_with('<'));
    let places_cut = first_lines.map(|line| line.splitn(4, ':').last().unwrap_or(line).trim().to_owned());
    let lines: Vec<String> = places_cut.collect();
    if lines.is_empty() { vec![text] } else { lines }
}

const TWO_PIPELINES: &str = "
receivers: {source: }
processors: {pass: , pass/2: }
exporters: {sink: , sink/2: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [source], processors: [pass, pass/2], exporters: [sink, sink/2]}
    logs: {receivers: [source], processors: [pass], exporters: [sink]}
";

#[tokio::test]
async fn components_start_against_the_data_and_stop_with_it() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(TWO_PIPELINES, &journal);
    assert_eq!(journal.take(), Vec::<String>::new(), "building touches nothing");
    collector.start().await.unwrap();
    let started = journal.take();
    assert_eq!(started.last().map(String::as_str), Some("start source"));
    let first_processor = started.iter().position(|event| event.contains("pass")).unwrap();
    let last_sink = started.iter().rposition(|event| event.contains("sink")).unwrap();
    assert!(last_sink < first_processor, "{started:?}");
    assert!(
        started.iter().position(|e| e == "start pass/2 traces")
            < started.iter().position(|e| e == "start pass traces")
    );

    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
    let stopped = journal.take();
    assert_eq!(stopped.len(), started.len());
    assert_eq!(stopped.first().map(String::as_str), Some("stop source"));
    assert!(stopped.last().is_some_and(|event| event.starts_with("stop sink")), "{stopped:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_waits_for_its_requests_leaves_time_to_the_exporters() {
    let journal = Arc::<Journal>::default();
    let yaml = TWO_PIPELINES.replace("{source: }", "{source/slow: }").replace("[source]", "[source/slow]");
    let mut collector = build(&yaml, &journal);
    collector.start().await.unwrap();
    journal.take();
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(25)).await.is_empty());
    let stopped = journal.take();
    assert_eq!(stopped[..2], ["stop source/slow", "stopped source/slow"]);
    assert!(stopped.iter().all(|event| !event.ends_with("too late")), "{stopped:?}");
}

#[tokio::test]
async fn a_batch_passes_the_processors_in_order_and_reaches_every_exporter() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(TWO_PIPELINES, &journal);
    collector.start().await.unwrap();
    journal.take();
    assert!(journal.send("traces").await.is_delivered());
    let mut seen = journal.take();
    seen[2..].sort();
    assert_eq!(
        seen,
        ["consume pass traces", "consume pass/2 traces", "consume sink traces", "consume sink/2 traces"]
    );
    assert!(journal.send("logs").await.is_delivered());
    assert_eq!(journal.take(), ["consume pass logs", "consume sink logs"]);
}

#[tokio::test]
async fn one_exporter_and_one_receiver_serve_all_pipelines_that_name_them() {
    let journal = Arc::<Journal>::default();
    let yaml = "
receivers: {source: }
exporters: {sink: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [source, source], exporters: [sink, sink]}
    traces/2: {receivers: [source], exporters: [sink]}
";
    let mut collector = build(yaml, &journal);
    collector.start().await.unwrap();
    assert_eq!(journal.take(), ["start sink traces", "start source"]);
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take(), ["consume sink traces", "consume sink traces"], "once for each pipeline");
}

#[tokio::test]
async fn a_failed_start_ends_in_an_error_and_everything_can_still_be_stopped() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(&TWO_PIPELINES.replace("sink/2", "sink/broken"), &journal);
    let error = collector.start().await.unwrap_err();
    assert_eq!(
        etalon_service::chain(&error),
        "cannot start pipelines: failed to start \"sink/broken\" exporter: broken on purpose"
    );
    journal.take();
    collector.shutdown(Instant::now() + Duration::from_secs(5)).await;
    assert_eq!(journal.take().len(), 7, "every component is shut down, started or not");
}

#[test]
fn a_signal_that_a_component_lacks_is_told_when_the_graph_is_built() {
    let exporter =
        TWO_PIPELINES.replace("sink/2", "spans").replace("exporters: [sink]", "exporters: [sink, spans]");
    assert_eq!(
        build_error(&exporter),
        "failed to build pipelines: failed to create \"spans\" exporter for data type \"logs\": telemetry type is not supported"
    );
    let processor = TWO_PIPELINES.replace("pass/2", "spanpass").replace("[pass]", "[spanpass]");
    assert_eq!(
        build_error(&processor),
        "failed to build pipelines: failed to create \"spanpass\" processor, in pipeline \"logs\": telemetry type is not supported"
    );
}

#[tokio::test]
async fn a_component_that_cannot_go_on_is_told_to_the_collector() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(
        &TWO_PIPELINES.replace("{source: }", "{source/fatal: }").replace("[source]", "[source/fatal]"),
        &journal,
    );
    collector.start().await.unwrap();
    let (id, error) = collector.failed().await;
    assert_eq!((id.as_str(), error.to_string().as_str()), ("source/fatal", "fatal on purpose"));
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
}

#[tokio::test]
async fn a_port_that_is_taken_for_metrics_is_a_start_error() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let reader = format!("[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}}}}}}}}}]");
    let yaml = TWO_PIPELINES.replace("{level: none}", &format!("{{readers: {reader}}}"));
    let mut collector = build(&yaml, &Arc::default());
    let error = collector.start().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot serve metrics on 127.0.0.1:{port}")), "{error}");
}

#[test]
fn all_problems_of_a_configuration_are_told_at_once() {
    let found = problems(
        "
receivers: {source: {colour: red}, fountain: }
exporters: {sink: {strange: 1}}
extra: 1
extensions: {health_check: }
service:
  pipelines:
    traces: {receivers: [source], exporters: [sink]}
    tarces: {}
",
    );
    let all = found.join("\n");
    for expected in
        ["unknown section", "colour", "unknown type: \"fountain\"", "strange", "health_check", "tarces"]
    {
        assert!(all.contains(expected), "{expected} is missing in:\n{all}");
    }
}

#[test]
fn references_between_sections_are_checked() {
    let all = problems(
        "
receivers: {source: }
exporters: {sink: }
service:
  pipelines:
    traces: {receivers: [source/2], processors: [pass, pass], exporters: []}
",
    )
    .join("\n");
    for expected in [
        "references receiver \"source/2\" which is not configured",
        "references processor \"pass\" multiple times",
        "references processor \"pass\" which is not configured",
        "must have at least one exporter",
    ] {
        assert!(all.contains(expected), "{expected} is missing in:\n{all}");
    }
}

#[test]
fn what_must_be_there_is_told() {
    assert!(problems("{}").join("\n").contains("empty configuration file"));
    let all = problems("processors: {pass: }").join("\n");
    assert!(all.contains("no receiver configuration specified in config"), "{all}");
    assert!(all.contains("no exporter configuration specified in config"), "{all}");
    assert!(all.contains("service must have at least one pipeline"), "{all}");
}

#[test]
fn a_gate_allows_a_configuration_without_pipelines() {
    let mut gates = FeatureGates::default();
    gates.apply(ALLOW_NO_PIPELINES).unwrap();
    assert!(decode("receivers: {source: }", &Arc::default(), &gates).is_ok());
}

#[test]
fn unsupported_telemetry_is_refused_and_supported_telemetry_is_not() {
    let refused = |telemetry: &str| {
        let yaml = TWO_PIPELINES.replace("{metrics: {level: none}}", telemetry);
        decode(&yaml, &Arc::default(), &FeatureGates::default()).err().unwrap_or_default()
    };
    assert_eq!(refused("{logs: {level: debug, encoding: json, sampling: }, metrics: {level: detailed}}"), "");
    assert_eq!(refused("{resource: {service.name: edge, service.instance.id: }}"), "");
    assert!(refused("{logs: {level: loud}}").contains("loud"));
    let sends =
        |signal: &str| format!("{{{signal}: {{processors: [{{batch: {{exporter: {{console: {{}}}}}}}}]}}}}");
    assert_eq!((refused(&sends("logs")), refused(&sends("traces"))), (String::new(), String::new()));
    assert!(refused("{logs: {processors: [{batch: }]}}").contains("must have batch or simple"));
    assert!(refused("{metrics: {readers: []}}").contains("reader should exist"));
    assert!(refused("{metrics: {views: [{}]}}").contains("can only be set when"));
    assert!(refused("{metrics: {address: x}}").contains("address"));
    assert!(refused("{traces: {sampler: {jaeger_remote: {}}}}").contains("is not supported by this version"));
}

#[test]
fn the_printed_configuration_has_every_default_and_can_be_read_again() {
    let config = decode(TWO_PIPELINES, &Arc::default(), &FeatureGates::default()).unwrap();
    let printed = config.to_value().to_yaml(Secrets::Redacted);
    assert!(printed.contains("colour: green"), "{printed}");
    let again = decode(&printed, &Arc::default(), &FeatureGates::default()).unwrap();
    assert_eq!(again.to_value().to_yaml(Secrets::Redacted), printed);
}
