use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use super::*;
use crate::attributes::{Phase, StopReason, Transport};

/// What is written, as `(name, level, file, fields)`.
#[derive(Clone)]
struct Lines {
    level: Level,
    told: Arc<Mutex<Vec<Line>>>,
}

#[derive(Debug, PartialEq)]
struct Line {
    name: &'static str,
    level: Level,
    place: Option<u32>,
    fields: Vec<(&'static str, String)>,
}

struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

impl Subscriber for Lines {
    // Asked anew for each line: an answer that `tracing` keeps would be that of another test, too.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        let metadata = event.metadata();
        assert_eq!(metadata.module_path(), Some(module_path!()));
        let (name, level, place) = (metadata.name(), *metadata.level(), metadata.line());
        self.told.lock().unwrap().push(Line { name, level, place, fields: fields.0 });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What `body` writes to a log of this level.
fn told(level: Level, body: impl FnOnce()) -> Vec<Line> {
    let lines = Lines { level, told: Arc::default() };
    tracing::subscriber::with_default(lines.clone(), body);
    std::mem::take(&mut lines.told.lock().unwrap())
}

#[test]
fn a_line_has_the_name_of_its_event_its_fields_and_the_place_of_the_call() {
    let mut place = 0;
    let lines = told(Level::INFO, || {
        place = line!() + 1;
        tell!(ReceiverListening { protocol: &"GRPC", endpoint: &"x:1", transport: Transport::Grpc });
    });
    let fields = vec![
        ("message", "Starting GRPC server".to_owned()),
        ("event.name", "\"receiver.listening\"".to_owned()),
        ("endpoint", "x:1".to_owned()),
        ("transport", "\"grpc\"".to_owned()),
    ];
    assert_eq!(lines, [Line { name: "receiver.listening", level: Level::INFO, place: Some(place), fields }]);
}

#[test]
fn what_is_not_there_is_no_field() {
    let lines = told(Level::INFO, || {
        tell!(ComponentFailed {
            what: &"Failed",
            otelcol_component_id: &"otlp",
            otelcol_component_kind: None,
            phase: Phase::Run,
            error: &"the disk is gone",
        });
        tell!(ConfigProblem { problem: &"unknown key", path: &"a", place: None, help: Some(&"remove it") });
    });
    let keys = |line: &Line| line.fields.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    assert_eq!(keys(&lines[0]), ["message", "event.name", "otelcol.component.id", "phase", "error"]);
    assert_eq!(keys(&lines[1]), ["message", "event.name", "path", "help"]);
}

#[test]
fn numbers_are_numbers_and_an_event_may_have_no_fields() {
    let lines = told(Level::INFO, || {
        tell!(ServiceStopped { failures: 2_usize.into() });
        tell!(ServiceReady);
    });
    assert_eq!(lines[0].fields[2], ("failures", "2".to_owned()));
    assert_eq!(lines[1].fields.len(), 2);
    assert_eq!(Whole::from(u64::MAX).get(), i64::MAX);
}

#[test]
fn nothing_is_evaluated_for_a_line_that_is_not_written() {
    let reason = || -> StopReason { panic!("nobody wants to know") };
    let lines = told(Level::WARN, || tell!(ServiceStopping { stop_reason: reason() }));
    assert_eq!(lines, []);
    tell!(ServiceStopping { stop_reason: reason() });
}

#[test]
fn the_definition_of_an_event_is_found_by_its_name() {
    for event in events::ALL {
        assert_eq!(definition(event.name), Some(event));
        assert_eq!(event.fields[..2], ["message", NAME_FIELD], "{}", event.name);
    }
    assert_eq!(definition("service.rady"), None);
    assert!(definition("exporter.retry").is_some_and(|event| event.sampled));
    assert!(definition("service.ready").is_some_and(|event| !event.sampled));
}
