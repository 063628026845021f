use std::cell::Cell;

use etalon_component::{
    Batch, BoxFuture, Code, ConnectorFactory, ExporterFactory, Outcome, ReceiverFactory, Stability, Stage,
};
use etalon_conf::{Check, Resolver, Validate};
use etalon_pdata::{Payload, TRACES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;
use crate::config::CollectorConfig;
use crate::factories::Factories;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Nothing {}

impl Validate for Nothing {
    fn validate(&self, _: &mut Check) {}
}

/// Passes on, if there is something behind it.
struct Hop(Option<Arc<dyn Consumer>>);

thread_local! {
    static HOPS: Cell<usize> = const { Cell::new(0) };
}

impl Consumer for Hop {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        HOPS.set(HOPS.get() + 1);
        match &self.0 {
            Some(next) if HOPS.get() < 10 => next.consume(batch),
            Some(_) => Box::pin(async { Outcome::permanent(Code::Internal, "it goes round") }),
            None => Box::pin(async { Outcome::DELIVERED }),
        }
    }
}

impl Component for Hop {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

fn factories() -> Factories {
    let receiver = ReceiverFactory::new::<Nothing>("in", |_, _, _| Ok(Arc::new(Hop(None))));
    let connector = ConnectorFactory::new::<Nothing>("link", |_, _, _, next| Ok(Stage::new(Hop(Some(next)))));
    let exporter = ExporterFactory::new::<Nothing>("out", |_, _, _| Ok(Stage::new(Hop(None))));
    Factories {
        signals: vec![TRACES],
        receivers: vec![receiver.with_signal(TRACES, Stability::Stable)],
        exporters: vec![exporter.with_signal(TRACES, Stability::Stable)],
        connectors: vec![connector.with_pair(Pair::same(TRACES), Stability::Stable)],
        ..Factories::default()
    }
}

/// Three pipelines in a row, through these connectors.
fn in_series(connectors: [&str; 2], previous: Option<&Graph>) -> (Graph, Vec<Turn>) {
    let [first, second] = connectors;
    let yaml = format!(
        "yaml:
receivers: {{in: }}
exporters: {{out: }}
connectors: {{link/1: , link/2: }}
service:
  pipelines:
    traces/a: {{receivers: [in], exporters: [{first}]}}
    traces/b: {{receivers: [{first}], exporters: [{second}]}}
    traces/c: {{receivers: [{second}], exporters: [out]}}
"
    );
    let nothing_set = |_: &str| None;
    let root = Resolver::new(nothing_set).resolve(&[yaml]).unwrap().root;
    let config = CollectorConfig::decode(&root, &factories()).unwrap();
    let info = BuildInfo { command: "test", description: "A test", version: "0" };
    let changed_extensions = std::collections::BTreeSet::new();
    let previous = previous.map(|graph| Previous { graph, changed_extensions: &changed_extensions });
    build(&config, &factories(), &info, &Telemetry::new(&[]), previous.as_ref()).unwrap()
}

#[tokio::test]
async fn connectors_that_change_places_lead_round_at_no_moment() {
    let (before, _) = in_series(["link/1", "link/2"], None);
    let (after, turns) = in_series(["link/2", "link/1"], Some(&before));
    assert!(after.without(&before).is_empty(), "every component goes on");
    assert_eq!(turns.len(), 3, "the receiver and both connectors lead elsewhere");
    let entrance = before.nodes[0].entrances[&TRACES].clone();
    let send = async || {
        HOPS.set(0);
        let batch = Batch::new(Payload::from_validated(TRACES, bytes::Bytes::new(), 0));
        let outcome = entrance.consume(batch).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
        HOPS.get()
    };
    assert_eq!(send().await, 3);
    for turn in turns {
        turn.take().empty().await;
        send().await;
    }
    assert_eq!(send().await, 3);
}
