use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use etalon_telemetry::tell;
use serde_json::json;
use tracing::{Level, debug_span, error_span, event};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use super::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn style(encoding: Encoding, level: Level, out: &Captured) -> Style {
    Style {
        encoding,
        level,
        sampling: None,
        caller: false,
        fields: Map::new(),
        out: Outputs(vec![Box::new(out.clone())]),
        errors: Outputs(Vec::new()),
    }
}

impl Captured {
    /// The lines so far, without the times of those of the console.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_once('\t').map_or(line, |(_, rest)| rest).to_owned()).collect()
    }
}

/// What is logged while `body` runs, without the times.
fn logged(encoding: Encoding, level: Level, sampling: Option<Sampling>, body: impl FnOnce()) -> Vec<String> {
    let captured = Captured::default();
    let (lines, _) = Lines::new(
        Style { sampling, ..style(encoding, level, &captured) },
        Tap::default(),
        LastErrors::default(),
    );
    tracing::subscriber::with_default(Registry::default().with(lines), body);
    captured.lines()
}

#[test]
fn a_console_line_has_level_message_and_fields_with_those_of_the_span_first() {
    let lines = logged(Encoding::Console, Level::INFO, None, || {
        error_span!("component", "otelcol.component.id" = "otlp/2").in_scope(|| {
            event!(Level::WARN, items = 3, "refused");
        });
        event!(Level::INFO, "ready");
    });
    assert_eq!(lines, ["warn\trefused\t{\"items\":3,\"otelcol.component.id\":\"otlp/2\"}", "info\tready"]);
}

#[test]
fn a_json_line_is_one_object() {
    let lines = logged(Encoding::Json, Level::INFO, None, || {
        event!(Level::INFO, endpoint = "x:1", "Starting \"it\"");
    });
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["level"], "info");
    assert_eq!(line["msg"], "Starting \"it\"");
    assert_eq!(line["endpoint"], json!("x:1"));
    assert!(line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z') && ts.len() == 24));
}

#[test]
fn less_severe_lines_are_left_out() {
    assert!(logged(Encoding::Console, Level::WARN, None, || event!(Level::INFO, "ready")).is_empty());
}

#[test]
fn spans_of_lower_levels_cost_nothing_and_say_nothing() {
    let lines = logged(Encoding::Console, Level::INFO, None, || {
        let span = debug_span!("connection", id = 7);
        assert!(span.is_disabled());
        span.in_scope(|| event!(Level::INFO, "ready"));
    });
    assert_eq!(lines, ["info\tready"]);
}

#[test]
fn a_flood_is_thinned_out_per_message() {
    let sampling = Sampling { tick: Duration::from_hours(1), initial: 2, thereafter: 3 };
    let lines = logged(Encoding::Console, Level::INFO, Some(sampling), || {
        for number in 1..=9 {
            event!(Level::INFO, number, "flood");
        }
        event!(Level::INFO, "other");
    });
    assert_eq!(
        lines,
        [
            "info\tflood\t{\"number\":1}",
            "info\tflood\t{\"number\":2}",
            "info\tflood\t{\"number\":5}",
            "info\tflood\t{\"number\":8}",
            "info\tother"
        ]
    );
}

#[test]
fn an_event_that_is_not_to_be_sampled_is_never_left_out() {
    let none = Sampling { tick: Duration::from_hours(1), initial: 0, thereafter: 0 };
    let lines = logged(Encoding::Json, Level::INFO, Some(none), || {
        for _ in 0..30 {
            tell!(ServiceReady);
            tell!(ExporterRetry { error: &"full", interval: &"5s" });
        }
    });
    assert_eq!(lines.len(), 30);
    assert!(lines.iter().all(|line| line.contains("\"event.name\":\"service.ready\"")), "{lines:?}");
}

#[test]
fn times_are_iso_8601_in_utc() {
    let at =
        |seconds, millis| iso8601(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis));
    assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
    assert_eq!(at(951_782_399, 999), "2000-02-28T23:59:59.999Z");
    assert_eq!(at(951_782_400, 0), "2000-02-29T00:00:00.000Z");
    assert_eq!(at(4_107_542_399, 5), "2100-02-28T23:59:59.005Z");
    assert_eq!(at(4_107_542_400, 5), "2100-03-01T00:00:00.005Z");
}

#[test]
fn a_line_tells_its_caller_when_it_shall() {
    for (encoding, wanted) in [
        (Encoding::Console, "info\tetalon_service/tests.rs:"),
        (Encoding::Json, "\"caller\":\"etalon_service/tests.rs:"),
    ] {
        let captured = Captured::default();
        let (lines, _) = Lines::new(
            Style { caller: true, ..style(encoding, Level::INFO, &captured) },
            Tap::default(),
            LastErrors::default(),
        );
        tracing::subscriber::with_default(Registry::default().with(lines), || event!(Level::INFO, "ready"));
        assert!(captured.lines()[0].contains(wanted), "{:?}", captured.lines());
    }
}

#[test]
fn what_could_mislead_a_reader_or_a_terminal_is_written_out() {
    let hostile = "a\u{1b}[31mb\rc\u{202e}d\u{9b}e\u{7f}";
    let lines =
        logged(Encoding::Console, Level::INFO, None, || event!(Level::INFO, name = hostile, "{hostile}"));
    assert_eq!(
        lines,
        [concat!(
            "info\ta\\u001b[31mb\\u000dc\\u202ed\\u009be\\u007f",
            "\t{\"name\":\"a\\u001b[31mb\\rc\\u202ed\\u009be\\u007f\"}"
        )]
    );
    let lines =
        logged(Encoding::Json, Level::INFO, None, || event!(Level::INFO, name = hostile, "{hostile}"));
    assert!(lines[0].is_ascii(), "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((line["msg"].as_str(), line["name"].as_str()), (Some(hostile), Some(hostile)));
}

#[test]
fn a_message_of_several_lines_stays_so_and_a_field_is_one_line() {
    let lines = logged(Encoding::Console, Level::INFO, None, || event!(Level::INFO, name = "c\nd", "a\nb"));
    assert_eq!(lines, ["info\ta", "{\"name\":\"c\\nd\"}"], "the first column of each line is cut off");
}

#[test]
fn what_is_written_can_be_changed_while_it_works() {
    let (first, second) = (Captured::default(), Captured::default());
    let (lines, switch) =
        Lines::new(style(Encoding::Console, Level::WARN, &first), Tap::default(), LastErrors::default());
    tracing::subscriber::with_default(Registry::default().with(lines), || {
        let log = || {
            event!(Level::INFO, "told");
            event!(Level::WARN, "warned");
        };
        log();
        switch.set(style(Encoding::Console, Level::INFO, &second));
        log();
    });
    assert_eq!(first.lines(), ["warn\twarned"]);
    assert_eq!(second.lines(), ["info\ttold", "warn\twarned"]);
}

/// Takes nothing.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_that_cannot_be_written_is_told_where_errors_go() {
    let (out, errors) = (Captured::default(), Captured::default());
    let style = Style {
        out: Outputs(vec![Box::new(Full), Box::new(out.clone())]),
        errors: Outputs(vec![Box::new(errors.clone())]),
        ..style(Encoding::Console, Level::INFO, &out)
    };
    let (lines, _) = Lines::new(style, Tap::default(), LastErrors::default());
    tracing::subscriber::with_default(Registry::default().with(lines), || event!(Level::INFO, "ready"));
    assert_eq!(out.lines(), ["info\tready"], "the other output still gets it");
    assert_eq!(errors.lines(), ["write error: no storage space"]);
}

#[test]
fn what_the_libraries_of_the_network_tell_is_for_developers() {
    let tell = || {
        event!(target: "h2::proto", Level::WARN, "a stream was reset");
        event!(target: "h2o", Level::WARN, "another library");
    };
    assert_eq!(logged(Encoding::Console, Level::INFO, None, tell), ["warn\tanother library"]);
    let all = logged(Encoding::Console, Level::DEBUG, None, tell);
    assert_eq!(all, ["debug\ta stream was reset", "warn\tanother library"]);
}

#[test]
fn the_last_error_of_a_component_is_noted_whatever_else_is_told_of_it() {
    let (captured, errors) = (Captured::default(), LastErrors::default());
    let (lines, _) =
        Lines::new(style(Encoding::Json, Level::INFO, &captured), Tap::default(), errors.clone());
    let place = |role, id: &str, signal: Option<&str>, pipeline: Option<&str>| Place {
        role,
        id: id.parse().unwrap(),
        signal: signal.map(str::to_owned),
        pipeline: pipeline.map(|id| id.parse().unwrap()),
    };
    tracing::subscriber::with_default(Registry::default().with(lines), || {
        let exporter = error_span!(
            "component",
            "otelcol.component.id" = "otlp_http/a",
            "otelcol.component.kind" = "exporter",
            "otelcol.signal" = "logs"
        );
        exporter.in_scope(|| {
            tell!(ExporterRetry { error: &"connection refused", interval: &"5s" });
            tell!(ExporterProxyUsed { what: &"requests", proxy: &"http://p", endpoint: &"http://e" });
        });
        let processor = error_span!(
            "component",
            "otelcol.component.id" = "batch",
            "otelcol.component.kind" = "processor",
            "otelcol.signal" = "logs",
            "otelcol.pipeline.id" = "logs/2"
        );
        processor.in_scope(|| tell!(ExporterPartialSuccessOdd { rejected: (-1_i64).into() }));
        // What no contract declares is for developers.
        exporter.in_scope(|| event!(Level::ERROR, "undeclared"));
    });
    let of_exporter = errors.of(&place(Role::Exporter, "otlp_http/a", Some("logs"), None)).remove(0);
    assert_eq!(
        (of_exporter.text.as_str(), of_exporter.severe),
        ("Exporting failed. Will retry the request after interval. connection refused", false)
    );
    let of_processor = errors.of(&place(Role::Processor, "batch", None, Some("logs/2"))).remove(0);
    assert!(of_processor.severe && of_processor.text.contains("negative number"), "{of_processor:?}");
}
