//! A receiver, a processor, an exporter, connectors and an extension that write down what happens to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use etalon_component::{
    Batch, BoxError, BoxFuture, Component, ComponentId, ConnectorFactory, Consumer, ExporterFactory,
    Extension, ExtensionFactory, Host, Outcome, Pair, ProcessorFactory, ReceiverFactory, Stability, Stage,
};
use etalon_conf::{Check, Validate};
use etalon_pdata::{LOGS, METRICS, Payload, Signal, TRACES};
use etalon_service::Factories;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// What happened, in order; and the ways in, by receiver, once it has been created.
#[derive(Default)]
pub(crate) struct Journal {
    events: Mutex<Vec<String>>,
    entrances: Mutex<BTreeMap<(String, Signal), Arc<dyn Consumer>>>,
}

impl Journal {
    /// What has happened since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// Sends an empty batch of a signal in, through the receiver `source`.
    pub(crate) async fn send(&self, signal: &str) -> Outcome {
        self.send_from("source", signal).await
    }

    /// Sends an empty batch of a signal in, through this receiver.
    pub(crate) async fn send_from(&self, receiver: &str, signal: &str) -> Outcome {
        let (signal, entrance) = {
            let entrances = self.entrances.lock().unwrap();
            let is_wanted =
                |((id, known), _): &(&(String, Signal), _)| id == receiver && known.name == signal;
            let ((_, signal), entrance) = entrances.iter().find(is_wanted).unwrap();
            (*signal, entrance.clone())
        };
        entrance.consume(Batch::new(Payload::from_validated(signal, bytes::Bytes::new(), 0))).await
    }

    fn note(&self, event: String) {
        self.events.lock().unwrap().push(event);
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    colour: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { colour: "green".to_owned() }
    }
}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

/// What an extension depends on.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ExtensionConfig {
    after: Vec<ComponentId>,
}

impl Validate for ExtensionConfig {
    fn validate(&self, check: &mut Check) {
        if self.after.len() > 2 {
            check.at("after", |check| check.error("too many"));
        }
    }
}

struct Recorder {
    name: String,
    journal: Arc<Journal>,
    next: Option<Arc<dyn Consumer>>,
}

impl Component for Recorder {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        self.journal.note(format!("start {}", self.name));
        if self.name.contains("fatal") {
            host.fatal().try_send((self.name.parse().unwrap(), "fatal on purpose".into())).unwrap();
        }
        let broken = self.name.contains("broken");
        Box::pin(async move { if broken { Err("broken on purpose".into()) } else { Ok(()) } })
    }

    /// A slow one takes all the time that it has; it is told when there is none.
    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        let in_time = if Instant::now() < deadline { "" } else { " too late" };
        self.journal.note(format!("stop {}{in_time}", self.name));
        let slow = self.name.contains("slow");
        Box::pin(async move {
            if slow {
                tokio::time::sleep_until(deadline).await;
                self.journal.note(format!("stopped {}", self.name));
            }
            Ok(())
        })
    }
}

impl Consumer for Recorder {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        self.journal.note(format!("consume {}", self.name));
        match &self.next {
            Some(next) => next.consume(batch),
            None => Box::pin(async { Outcome::DELIVERED }),
        }
    }
}

/// The components, for the three signals.
pub(crate) fn distribution(journal: &Arc<Journal>) -> Factories {
    // The factories take plain functions, so the journal reaches them through the thread: a test runs
    // on one.
    CURRENT.with(|current| *current.borrow_mut() = journal.clone());
    let mut receiver = ReceiverFactory::new::<Config>("source", |settings, _, outputs| {
        let journal = current();
        let ways = outputs.into_iter().map(|(signal, way)| ((settings.id.to_string(), signal), way));
        journal.entrances.lock().unwrap().extend(ways);
        Ok(Arc::new(Recorder { name: settings.id.to_string(), journal, next: None }))
    });
    let mut processor = ProcessorFactory::new::<Config>("pass", |settings, _, signal, next| {
        Ok(Stage::new(Recorder {
            name: format!("{} {signal}", settings.id),
            journal: current(),
            next: Some(next),
        }))
    });
    let mut exporter = ExporterFactory::new::<Config>("sink", |settings, _, signal| {
        Ok(Stage::new(Recorder { name: format!("{} {signal}", settings.id), journal: current(), next: None }))
    });
    let connector = |kind| {
        ConnectorFactory::new::<Config>(kind, |settings, _, pair, next| {
            let name = format!("{} {pair}", settings.id);
            Ok(Stage::new(Recorder { name, journal: current(), next: Some(next) }))
        })
    };
    let mut link = connector("link").with_aliases(&["both"]);
    let lossy = connector("lossy").with_aliases(&["losing"]);
    let lossy = lossy.with_pair(Pair { from: TRACES, to: LOGS }, Stability::Stable);
    let extension = ExtensionFactory::new::<ExtensionConfig>("aid", |settings, config| {
        let recorder = Recorder { name: settings.id.to_string(), journal: current(), next: None };
        Ok(Extension::new(Arc::new(recorder)).depends_on(config.after.clone()))
    });
    let spans_only_pass = ProcessorFactory::new::<Config>("spanpass", |settings, _, _, next| {
        Ok(Stage::new(Recorder { name: settings.id.to_string(), journal: current(), next: Some(next) }))
    })
    .with_signal(TRACES, Stability::Stable);
    let spans_only = ExporterFactory::new::<Config>("spans", |settings, _, _| {
        Ok(Stage::new(Recorder { name: settings.id.to_string(), journal: current(), next: None }))
    })
    .with_signal(TRACES, Stability::Stable);
    for signal in [TRACES, METRICS, LOGS] {
        receiver = receiver.with_signal(signal, Stability::Stable);
        processor = processor.with_signal(signal, Stability::Stable);
        exporter = exporter.with_signal(signal, Stability::Stable);
        link = link.with_pair(Pair::same(signal), Stability::Stable);
    }
    let (receiver, exporter) = (receiver.with_aliases(&["both"]), exporter.with_aliases(&["both"]));
    Factories {
        signals: vec![TRACES, METRICS, LOGS],
        receivers: vec![receiver],
        processors: vec![processor, spans_only_pass],
        exporters: vec![exporter, spans_only],
        connectors: vec![link, lossy],
        extensions: vec![extension],
        own_telemetry: None,
    }
}

thread_local! {
    static CURRENT: std::cell::RefCell<Arc<Journal>> = std::cell::RefCell::default();
}

fn current() -> Arc<Journal> {
    CURRENT.with(|current| current.borrow().clone())
}
