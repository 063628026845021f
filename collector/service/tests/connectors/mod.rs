//! Connectors: exporters of some pipelines and receivers of others.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etalon_conf::Secrets;
use etalon_service::{FeatureGates, MAX_CONNECTORS_IN_SERIES, Reloaded};
use tokio::time::Instant;

use super::components::Journal;
use super::reload::{events, reload, started};
use super::{build, build_error, decode, problems};

/// A configuration with these pipelines. `link` connects each signal with itself, `lossy` traces with logs.
fn with(pipelines: &str) -> String {
    format!(
        "
receivers: {{source: , source/2: }}
processors: {{pass: , pass/2: }}
exporters: {{sink: , sink/2: }}
connectors: {{link: , link/2: , link/unused: , lossy: }}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
{}
",
        pipelines.lines().map(|line| format!("    {}", line.trim())).collect::<Vec<_>>().join("\n")
    )
}

/// Two into one, through two connectors in series.
const JOINED: &str = "traces/a: {receivers: [source], processors: [pass], exporters: [link]}
traces/b: {receivers: [source/2], exporters: [link]}
traces/c: {receivers: [link], exporters: [link/2]}
traces/d: {receivers: [link/2], processors: [pass], exporters: [sink]}";

#[tokio::test]
async fn connectors_start_after_what_they_lead_to_and_stop_before_it() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(&with(JOINED), &journal);
    collector.start().await.unwrap();
    let mut started = journal.take();
    // The last two are the receivers, which lead to different pipelines.
    started[4..].sort();
    assert_eq!(
        started,
        [
            "start sink traces",
            "start pass traces",
            "start link/2 traces to traces",
            "start link traces to traces",
            "start pass traces",
            "start source",
            "start source/2"
        ]
    );
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
    let mut stopped = journal.take();
    stopped[..2].sort();
    assert_eq!(
        stopped,
        [
            "stop source",
            "stop source/2",
            "stop pass traces",
            "stop link traces to traces",
            "stop link/2 traces to traces",
            "stop pass traces",
            "stop sink traces"
        ]
    );
}

#[tokio::test]
async fn several_pipelines_join_into_one() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(&with(JOINED), &journal);
    collector.start().await.unwrap();
    journal.take();
    let behind = [
        "consume link traces to traces",
        "consume link/2 traces to traces",
        "consume pass traces",
        "consume sink traces",
    ];
    assert!(journal.send_from("source/2", "traces").await.is_delivered());
    assert_eq!(journal.take(), behind);
    assert!(journal.send_from("source", "traces").await.is_delivered());
    let seen = journal.take();
    assert_eq!((seen[0].as_str(), &seen[1..]), ("consume pass traces", &behind.map(str::to_owned)[..]));
}

#[tokio::test]
async fn one_connector_leads_into_all_pipelines_of_its_signals_that_receive_from_it() {
    let journal = Arc::<Journal>::default();
    let pipelines = "traces: {receivers: [source], exporters: [link, link, sink, lossy]}
traces/two: {receivers: [link], exporters: [sink/2]}
traces/three: {receivers: [link, link], processors: [pass], exporters: [sink/2]}
logs: {receivers: [source], exporters: [link]}
logs/two: {receivers: [link, lossy], processors: [pass/2], exporters: [sink]}";
    let mut collector = build(&with(pipelines), &journal);
    collector.start().await.unwrap();
    let created = journal.take().into_iter().filter(|event| event.contains(" to ")).collect::<Vec<_>>();
    assert_eq!(created.len(), 3, "one for each pair of signals, and none that is unused: {created:?}");

    assert!(journal.send("traces").await.is_delivered());
    let mut seen = journal.take();
    seen.sort();
    assert_eq!(
        seen,
        [
            "consume link traces to traces",
            "consume lossy traces to logs",
            "consume pass traces",
            "consume pass/2 logs",
            "consume sink logs",
            "consume sink traces",
            "consume sink/2 traces",
            "consume sink/2 traces",
        ]
    );
    assert!(journal.send("logs").await.is_delivered());
    assert_eq!(journal.take(), ["consume link logs to logs", "consume pass/2 logs", "consume sink logs"]);
}

/// A way through so many connectors.
fn in_series(links: usize) -> String {
    let mut connectors = String::new();
    let mut pipelines = "    traces/0: {receivers: [source], exporters: [link/1]}\n".to_owned();
    for number in 1..=links {
        let exporter = if number == links { "sink".to_owned() } else { format!("link/{}", number + 1) };
        connectors += &format!("  link/{number}:\n");
        pipelines +=
            &format!("    traces/{number}: {{receivers: [link/{number}], exporters: [{exporter}]}}\n");
    }
    format!(
        "receivers: {{source: }}\nexporters: {{sink: }}\nconnectors:\n{connectors}service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines:\n{pipelines}"
    )
}

#[tokio::test]
async fn a_hundred_connectors_in_series_are_taken_and_no_more() {
    let journal = Arc::<Journal>::default();
    let mut collector = build(&in_series(MAX_CONNECTORS_IN_SERIES), &journal);
    collector.start().await.unwrap();
    assert_eq!(journal.take().len(), MAX_CONNECTORS_IN_SERIES + 2);
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take().len(), MAX_CONNECTORS_IN_SERIES + 1);
    for links in [MAX_CONNECTORS_IN_SERIES + 1, 3000] {
        let error = build_error(&in_series(links));
        assert!(error.starts_with("failed to build pipelines: pipeline \"traces/"), "{error}");
        assert!(error.ends_with("leads through more than 100 connectors one after the other"), "{error}");
    }
}

#[test]
fn a_connector_that_is_named_on_one_side_only_is_told_when_the_graph_is_built() {
    let cases = [
        (
            "metrics/in: {receivers: [source], exporters: [link]}",
            "\"link\" used as exporter in [metrics/in] pipeline but not used in any supported receiver pipeline",
        ),
        (
            "traces/out: {receivers: [source, link], exporters: [sink]}",
            "\"link\" used as receiver in [traces/out] pipeline but not used in any supported exporter pipeline",
        ),
        // On both sides, but of signals that it does not connect.
        (
            "traces: {receivers: [source], exporters: [link]}
            traces/two: {receivers: [source], exporters: [link]}
            logs: {receivers: [link], exporters: [sink]}",
            "\"link\" used as exporter in [traces traces/two] pipeline but not used in any supported receiver pipeline",
        ),
        (
            "logs/in: {receivers: [source], exporters: [lossy]}
            traces/out: {receivers: [lossy], exporters: [sink]}",
            "\"lossy\" used as exporter in [logs/in] pipeline but not used in any supported receiver pipeline",
        ),
        // Of one signal on both sides, of another on one side.
        (
            "traces: {receivers: [source], exporters: [link]}
            traces/two: {receivers: [link], exporters: [sink]}
            metrics: {receivers: [source], exporters: [link]}",
            "\"link\" used as exporter in [metrics] pipeline but not used in any supported receiver pipeline",
        ),
        (
            "traces: {receivers: [source], exporters: [link]}
            traces/two: {receivers: [link], exporters: [sink]}
            metrics: {receivers: [link], exporters: [sink]}",
            "\"link\" used as receiver in [metrics] pipeline but not used in any supported exporter pipeline",
        ),
    ];
    for (pipelines, wanted) in cases {
        assert_eq!(build_error(&with(pipelines)), format!("failed to build pipelines: connector {wanted}"));
    }
}

#[test]
fn a_cycle_is_told_with_all_that_is_on_it_when_the_graph_is_built() {
    let cases = [
        (
            "traces: {receivers: [source, link], exporters: [sink, link]}",
            "connector \"link\" (traces to traces) -> connector \"link\" (traces to traces)",
        ),
        (
            "logs/x: {receivers: [link], processors: [pass, pass/2], exporters: [link]}",
            "connector \"link\" (logs to logs) -> processor \"pass\" in pipeline \"logs/x\" -> processor \"pass/2\" in pipeline \"logs/x\" -> connector \"link\" (logs to logs)",
        ),
        (
            "traces/in: {receivers: [source], processors: [pass/2], exporters: [link]}
            traces/1: {receivers: [link], processors: [pass], exporters: [link/2, sink]}
            traces/2: {receivers: [link/2], processors: [pass], exporters: [link, sink]}
            traces/out: {receivers: [link/2], exporters: [sink]}",
            "connector \"link\" (traces to traces) -> processor \"pass\" in pipeline \"traces/1\" -> connector \"link/2\" (traces to traces) -> processor \"pass\" in pipeline \"traces/2\" -> connector \"link\" (traces to traces)",
        ),
    ];
    for (pipelines, wanted) in cases {
        assert_eq!(
            build_error(&with(pipelines)),
            format!("failed to build pipelines: cycle detected: {wanted}")
        );
    }
    // Ways that part and meet again are no cycle.
    build(
        &with(
            "traces: {receivers: [source], exporters: [link, link/2]}
            traces/1: {receivers: [link], exporters: [link/2]}
            traces/2: {receivers: [link/2], exporters: [sink]}",
        ),
        &Arc::default(),
    );
}

#[test]
fn a_connector_must_not_be_mistaken_for_a_receiver_or_an_exporter() {
    let pipelines = "    traces: {receivers: [link], exporters: [link]}\n";
    let with = |sections: &str| format!("{sections}\nservice:\n  pipelines:\n{pipelines}");
    let all =
        problems(&with("receivers: {both: }\nexporters: {both: }\nconnectors: {both: , link: }")).join("\n");
    for role in ["exporter", "receiver"] {
        let wanted = format!(
            "connectors::both: ambiguous ID: Found both \"both\" {role} and \"both\" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename \"both\" connector to \"both/connector\")"
        );
        assert!(all.contains(&wanted), "{wanted} is missing in:\n{all}");
    }
    let missing = problems(&with("receivers: {source: }\nexporters: {sink: }")).join("\n");
    for role in ["receiver", "exporter"] {
        let wanted = format!("references {role} \"link\" which is not configured");
        assert!(missing.contains(&wanted), "{wanted} is missing in:\n{missing}");
    }
    let unknown =
        problems(&with("receivers: {source: }\nexporters: {sink: }\nconnectors: {lonk: , link: {x: 1}}"));
    let unknown = unknown.join("\n");
    assert!(unknown.contains("connectors::lonk: unknown type: \"lonk\" for id: \"lonk\""), "{unknown}");
    assert!(unknown.contains("connectors::link: unknown key \"x\""), "{unknown}");
    // A connector does not stand in for a receiver or an exporter of its own.
    let alone = problems("connectors: {link: }").join("\n");
    assert!(alone.contains("no receiver configuration specified in config"), "{alone}");
    assert!(alone.contains("no exporter configuration specified in config"), "{alone}");
}

/// Keeps the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_logged_about_a_connector_names_both_its_signals() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let pipelines = "traces: {receivers: [source], exporters: [losing]}
logs: {receivers: [losing], exporters: [sink]}";
    let yaml = with(pipelines).replace("lossy:", "losing:");
    // An old name of the type is warned of.
    tracing::subscriber::with_default(subscriber, || {
        // Another test may have been about to note that nobody wants these spans.
        tracing::callsite::rebuild_interest_cache();
        build(&yaml, &Arc::default())
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("use \\\"lossy\\\" instead"))
        .unwrap_or_else(|| panic!("{text}"));
    for field in [
        "\"otelcol.component.id\":\"losing\"",
        "\"otelcol.component.kind\":\"connector\"",
        "\"otelcol.signal\":\"traces\"",
        "\"otelcol.signal.output\":\"logs\"",
    ] {
        assert!(line.contains(field), "{field} is not in {line}");
    }
}

#[test]
fn connectors_are_printed_with_every_default() {
    let config = decode(&with(JOINED), &Arc::default(), &FeatureGates::default()).unwrap();
    let printed = config.to_value().to_yaml(Secrets::Redacted);
    assert!(printed.contains("  link/unused:\n    colour: green\n"), "{printed}");
    let again = decode(&printed, &Arc::default(), &FeatureGates::default()).unwrap();
    assert_eq!(again.to_value().to_yaml(Secrets::Redacted), printed);
}

#[tokio::test]
async fn what_changes_behind_a_connector_leaves_what_leads_to_it_alone() {
    let journal = Arc::<Journal>::default();
    let yaml = with(JOINED);
    let mut collector = started(&yaml, &journal).await;
    let changed = yaml.replace("exporters: {sink: ,", "exporters: {sink: {colour: blue},");
    let reloaded = reload(&mut collector, &changed, &journal).await.unwrap();
    assert_eq!(
        reloaded,
        Reloaded { kept: 5, started: 2, stopped: 2 },
        "the exporter, and the processor before it"
    );
    assert_eq!(
        events(&journal, 2).await,
        ["start sink traces", "start pass traces", "stop pass traces", "stop sink traces"]
    );
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take().len(), 5, "through all of the new way, and only that");

    // A pipeline more behind the first connector.
    let more = format!("{changed}    traces/e: {{receivers: [link], exporters: [sink/2]}}\n");
    let reloaded = reload(&mut collector, &more, &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 7, started: 1, stopped: 0 });
    journal.take();
    assert!(journal.send("traces").await.is_delivered());
    let seen = journal.take();
    assert_eq!(seen.iter().filter(|event| event.starts_with("consume sink")).count(), 2, "{seen:?}");
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
}

#[tokio::test]
async fn a_connector_that_changes_takes_with_it_what_leads_to_it_and_no_more() {
    let journal = Arc::<Journal>::default();
    let yaml = with(JOINED);
    let mut collector = started(&yaml, &journal).await;
    let changed = yaml.replace("connectors: {link: ,", "connectors: {link: {colour: blue},");
    let reloaded = reload(&mut collector, &changed, &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 5, started: 2, stopped: 2 });
    assert_eq!(
        events(&journal, 2).await,
        [
            "start link traces to traces",
            "start pass traces",
            "stop pass traces",
            "stop link traces to traces"
        ]
    );
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take().len(), 5);
}

#[tokio::test]
async fn connectors_may_change_places() {
    let journal = Arc::<Journal>::default();
    let order = |first: &str, second: &str| {
        with(&format!(
            "traces/1: {{receivers: [source], exporters: [{first}]}}
            traces/2: {{receivers: [{first}], exporters: [{second}]}}
            traces/3: {{receivers: [{second}], exporters: [sink]}}"
        ))
    };
    let mut collector = started(&order("link", "link/2"), &journal).await;
    let sent = async |journal: &Journal| {
        assert!(journal.send("traces").await.is_delivered());
        journal.take()
    };
    let [link, other] = ["consume link traces to traces", "consume link/2 traces to traces"];
    assert_eq!(sent(&journal).await, [link, other, "consume sink traces"]);
    let reloaded = reload(&mut collector, &order("link/2", "link"), &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 4, started: 0, stopped: 0 });
    assert_eq!(sent(&journal).await, [other, link, "consume sink traces"]);
}
