//! Reloading: what is kept, what is started and stopped, and in which order.

use std::sync::Arc;
use std::time::Duration;

use etalon_service::{Collector, FeatureGates, ReloadError, Reloaded, chain};
use tokio::time::Instant;

use super::components::{Journal, distribution};
use super::{BUILD, TWO_PIPELINES, build, decode};

pub(crate) async fn started(yaml: &str, journal: &Arc<Journal>) -> Collector {
    let mut collector = build(yaml, journal);
    collector.start().await.unwrap();
    journal.take();
    collector
}

pub(crate) async fn reload(
    collector: &mut Collector,
    yaml: &str,
    journal: &Arc<Journal>,
) -> Result<Reloaded, ReloadError> {
    let config = decode(yaml, journal, &FeatureGates::default()).unwrap();
    collector.reload(&config, &distribution(journal), &BUILD).await
}

/// What has happened, once as many events of `stop` are there.
pub(crate) async fn events(journal: &Journal, stops: usize) -> Vec<String> {
    let mut events = Vec::new();
    while events.iter().filter(|event: &&String| event.starts_with("stop")).count() < stops {
        tokio::task::yield_now().await;
        events.extend(journal.take());
    }
    events
}

#[tokio::test]
async fn the_same_configuration_touches_nothing() {
    let journal = Arc::<Journal>::default();
    let mut collector = started(TWO_PIPELINES, &journal).await;
    let reloaded = reload(&mut collector, TWO_PIPELINES, &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 7, started: 0, stopped: 0 });
    // A default that is written out is no change.
    let spelled = TWO_PIPELINES.replace("receivers: {source: }", "receivers: {source: {colour: green}}");
    let reloaded = reload(&mut collector, &spelled, &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 7, started: 0, stopped: 0 });
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
    assert_eq!(journal.take().len(), 7, "nothing but the shutdown");
}

#[tokio::test]
async fn an_exporter_that_changes_takes_with_it_what_leads_to_it_and_no_more() {
    let journal = Arc::<Journal>::default();
    let mut collector = started(TWO_PIPELINES, &journal).await;
    let changed = TWO_PIPELINES.replace("sink/2: }", "sink/2: {colour: blue}}");
    let reloaded = reload(&mut collector, &changed, &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 4, started: 3, stopped: 3 });
    assert_eq!(
        events(&journal, 3).await,
        [
            "start sink/2 traces",
            "start pass/2 traces",
            "start pass traces",
            "stop pass traces",
            "stop pass/2 traces",
            "stop sink/2 traces"
        ]
    );
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take().len(), 4, "through the two processors, to both exporters");
    assert!(journal.send("logs").await.is_delivered());
    assert_eq!(journal.take(), ["consume pass logs", "consume sink logs"]);
}

#[tokio::test]
async fn pipelines_that_come_and_go_leave_the_others_alone() {
    let journal = Arc::<Journal>::default();
    let mut collector = started(TWO_PIPELINES, &journal).await;
    let more = format!("{TWO_PIPELINES}    traces/2: {{receivers: [source], exporters: [sink]}}\n");
    let reloaded = reload(&mut collector, &more, &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 7, started: 0, stopped: 0 }, "it is made of what is there");
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take().iter().filter(|event| *event == "consume sink traces").count(), 2);
    reload(&mut collector, TWO_PIPELINES, &journal).await.unwrap();
    assert!(journal.send("traces").await.is_delivered());
    assert_eq!(journal.take().iter().filter(|event| *event == "consume sink traces").count(), 1);
}

#[tokio::test]
async fn a_component_that_does_not_start_undoes_the_reload() {
    let journal = Arc::<Journal>::default();
    let mut collector = started(TWO_PIPELINES, &journal).await;
    let changed =
        TWO_PIPELINES.replace("sink/2", "sink/broken").replace("{source: }", "{source: {colour: red}}");
    let error = reload(&mut collector, &changed, &journal).await.unwrap_err();
    assert_eq!(
        chain(&error),
        "cannot start pipelines: failed to start \"sink/broken\" exporter: broken on purpose"
    );
    let undone = events(&journal, 2).await;
    assert!(undone.iter().all(|event| !event.ends_with("sink/2 traces")), "{undone:?}");
    assert_eq!(undone.last().map(String::as_str), Some("stop sink/broken traces"));
    assert!(collector.shutdown(Instant::now() + Duration::from_secs(5)).await.is_empty());
    let stopped = journal.take();
    assert_eq!((stopped.len(), stopped[0].as_str()), (7, "stop source"), "all of the old was still there");
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_fails_does_not_wait_for_what_it_had_begun() {
    let journal = Arc::<Journal>::default();
    let mut collector = started(TWO_PIPELINES, &journal).await;
    // Exporters start in the order of their ids, from the last.
    let changed = TWO_PIPELINES.replace("sink/2", "sink/slow").replace("sink:", "sink/broken:");
    let changed = changed.replace("[sink, ", "[sink/broken, ").replace("[sink]", "[sink/broken]");
    reload(&mut collector, &changed, &journal).await.unwrap_err();
    let has_stopped = |events: &[String]| events.iter().any(|event| event == "stopped sink/slow traces");
    assert!(!has_stopped(&journal.take()));
    while !has_stopped(&journal.take()) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(journal.send("traces").await.is_delivered());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_a_reload_has_replaced() {
    let journal = Arc::<Journal>::default();
    let mut collector = started(&TWO_PIPELINES.replace("sink/2", "sink/slow"), &journal).await;
    reload(&mut collector, TWO_PIPELINES, &journal).await.unwrap();
    let deadline = Instant::now() + etalon_service::RELOAD_DRAIN_TIMEOUT + Duration::from_secs(5);
    assert!(collector.shutdown(deadline).await.is_empty());
    let events = journal.take();
    assert!(events.iter().any(|event| event == "stopped sink/slow traces"), "{events:?}");
}

#[tokio::test]
async fn an_extension_that_changes_takes_with_it_who_names_it() {
    let journal = Arc::<Journal>::default();
    let yaml = |after: &str, colour: &str| {
        format!(
            "
receivers: {{source: }}
exporters: {{sink: {{colour: aid/1}}}}
extensions: {{aid/1: {{after: {after}}}, aid/2: , aid/3: }}
service:
  extensions: [aid/1, aid/2, aid/3]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [source], exporters: [sink]}}
"
        )
        .replace("aid/2: ,", &format!("aid/2: {colour},"))
    };
    let mut collector = started(&yaml("[]", ""), &journal).await;
    let reloaded = reload(&mut collector, &yaml("[aid/2]", ""), &journal).await.unwrap();
    assert_eq!(reloaded, Reloaded { kept: 1, started: 1, stopped: 1 });
    assert_eq!(
        events(&journal, 2).await,
        ["start aid/1", "start sink traces", "stop sink traces", "stop aid/1"]
    );
    // What depends on one that changes is made anew with it.
    reload(&mut collector, &yaml("[aid/2]", "{after: [aid/3]}"), &journal).await.unwrap();
    assert_eq!(
        events(&journal, 3).await,
        ["start aid/2", "start aid/1", "start sink traces", "stop sink traces", "stop aid/1", "stop aid/2"]
    );
}

#[tokio::test]
async fn the_endpoint_for_metrics_moves() {
    let journal = Arc::<Journal>::default();
    let at = |host: &str| {
        let reader = format!("[{{pull: {{exporter: {{prometheus: {{host: {host}, port: 0}}}}}}}}]");
        TWO_PIPELINES.replace("{level: none}", &format!("{{readers: {reader}}}"))
    };
    let mut collector = started(&at("127.0.0.1"), &journal).await;
    let first = collector.metrics_addresses();
    reload(&mut collector, &at("127.0.0.1"), &journal).await.unwrap();
    assert_eq!(collector.metrics_addresses(), first);
    reload(&mut collector, &at("localhost"), &journal).await.unwrap();
    let second = collector.metrics_addresses();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
    assert!(tokio::net::TcpStream::connect(first[0]).await.is_err());
    assert!(tokio::net::TcpStream::connect(second[0]).await.is_ok());
}
