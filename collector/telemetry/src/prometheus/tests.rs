use etalon_telemetry_schema::{Escaping, Exposition};
use expect_test::{Expect, expect};

use super::{Format, PrometheusReader};
use crate::definition::{Definition, Instrument, Level, Stability, ValueType};
use crate::registry::Telemetry;
use crate::selection::{Selection, Selector};

const fn definition(
    name: &'static str,
    unit: &'static str,
    instrument: Instrument,
    buckets: &'static [f64],
) -> Definition {
    Definition {
        name,
        brief: "Says \"what\" it is.",
        unit,
        instrument,
        value_type: ValueType::Int,
        level: Level::Basic,
        stability: Stability::Beta,
        on_event: false,
        buckets,
    }
}

static SENT: Definition = definition("x_sent_things", "{thing}", Instrument::Counter, &[]);
static WAITED: Definition = definition("x_waited", "s", Instrument::Counter, &[]);
static DURATION: Definition = definition("x.request.duration", "s", Instrument::Histogram, &[0.1, 1.0]);
static IN_FLIGHT: Definition = definition("x_in_flight", "By", Instrument::UpDownCounter, &[]);
static DETAIL: Definition =
    Definition { level: Level::Detailed, ..definition("x_detail", "{thing}", Instrument::Counter, &[]) };

fn telemetry() -> Telemetry {
    let resource = [("service.name", "etalon"), ("service.instance.id", "id\\1"), ("a.b", "1"), ("a_b", "2")];
    let telemetry = Telemetry::new(&resource);
    telemetry.counter(&SENT, &[("exporter", "otlp/\"1\""), ("server.address", "b.test")]).add(2);
    telemetry.counter(&WAITED, &[]).add(7);
    telemetry.up_down_counter(&IN_FLIGHT, &[]).add(-5);
    telemetry.counter(&DETAIL, &[]).add(1);
    let duration = telemetry.histogram(&DURATION, &[("code", "0")]);
    for value in [0.1, 0.5, 3.0] {
        duration.record(value);
    }
    telemetry
}

fn reader(change: impl FnOnce(&mut Exposition)) -> PrometheusReader {
    let mut reader = PrometheusReader::default();
    change(&mut reader.exposition);
    reader
}

fn check(reader: PrometheusReader, accept: &str, expected: Expect) {
    let format = reader.negotiate(accept);
    let text = reader.text(&telemetry(), format);
    expected.assert_eq(&format!("{}\n\n{text}", format.content_type()));
}

#[test]
fn the_default_reader_tells_the_names_of_the_go_collectors_default() {
    check(
        reader(|_| {}),
        "",
        expect![[r#"
        text/plain; version=0.0.4; charset=utf-8

        # HELP target_info Attributes of the resource that these metrics describe.
        # TYPE target_info gauge
        target_info{a_b="1;2",service_instance_id="id\\1",service_name="etalon"} 1
        # HELP x_request_duration Says "what" it is.
        # TYPE x_request_duration histogram
        x_request_duration_bucket{code="0",le="0.1"} 1
        x_request_duration_bucket{code="0",le="1"} 2
        x_request_duration_bucket{code="0",le="+Inf"} 3
        x_request_duration_sum{code="0"} 3.6
        x_request_duration_count{code="0"} 3
        # HELP x_in_flight Says "what" it is.
        # TYPE x_in_flight gauge
        x_in_flight -5
        # HELP x_sent_things Says "what" it is.
        # TYPE x_sent_things counter
        x_sent_things{exporter="otlp/\"1\"",server_address="b.test"} 2
        # HELP x_waited Says "what" it is.
        # TYPE x_waited counter
        x_waited 7
    "#]],
    );
}

#[test]
fn a_reader_with_all_suffixes_and_labels_tells_openmetrics() {
    let reader = reader(|exposition| {
        (exposition.unit_suffix, exposition.type_suffix) = (true, true);
        exposition.scope_labels = PrometheusReader::SCOPE_LABELS.map(str::to_owned).to_vec();
        exposition.resource_labels = vec!["service.name".to_owned(), "a.b".to_owned()];
    });
    check(
        reader,
        "application/openmetrics-text",
        expect![[r#"
        application/openmetrics-text; version=1.0.0; charset=utf-8

        # HELP target Attributes of the resource that these metrics describe.
        # TYPE target info
        target_info{a_b="1;2",service_instance_id="id\\1",service_name="etalon"} 1
        # HELP x_request_duration_seconds Says \"what\" it is.
        # TYPE x_request_duration_seconds histogram
        # UNIT x_request_duration_seconds seconds
        x_request_duration_seconds_bucket{code="0",otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon",le="0.1"} 1
        x_request_duration_seconds_bucket{code="0",otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon",le="1.0"} 2
        x_request_duration_seconds_bucket{code="0",otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon",le="+Inf"} 3
        x_request_duration_seconds_sum{code="0",otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon"} 3.6
        x_request_duration_seconds_count{code="0",otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon"} 3
        # HELP x_in_flight_bytes Says \"what\" it is.
        # TYPE x_in_flight_bytes gauge
        # UNIT x_in_flight_bytes bytes
        x_in_flight_bytes{otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon"} -5
        # HELP x_sent_things Says \"what\" it is.
        # TYPE x_sent_things counter
        x_sent_things_total{exporter="otlp/\"1\"",server_address="b.test",otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon"} 2
        # HELP x_waited_seconds Says \"what\" it is.
        # TYPE x_waited_seconds counter
        # UNIT x_waited_seconds seconds
        x_waited_seconds_total{otel_scope_name="etalon",otel_scope_version="0.1.0",a_b="1",service_name="etalon"} 7
        # EOF
    "#]],
    );
}

#[test]
fn openmetrics_without_suffixes_has_the_same_names_and_does_not_know_the_type_of_counters() {
    check(
        reader(|_| {}),
        "application/openmetrics-text",
        expect![[r#"
        application/openmetrics-text; version=1.0.0; charset=utf-8

        # HELP target Attributes of the resource that these metrics describe.
        # TYPE target info
        target_info{a_b="1;2",service_instance_id="id\\1",service_name="etalon"} 1
        # HELP x_request_duration Says \"what\" it is.
        # TYPE x_request_duration histogram
        x_request_duration_bucket{code="0",le="0.1"} 1
        x_request_duration_bucket{code="0",le="1.0"} 2
        x_request_duration_bucket{code="0",le="+Inf"} 3
        x_request_duration_sum{code="0"} 3.6
        x_request_duration_count{code="0"} 3
        # HELP x_in_flight Says \"what\" it is.
        # TYPE x_in_flight gauge
        x_in_flight -5
        # HELP x_sent_things Says \"what\" it is.
        # TYPE x_sent_things unknown
        x_sent_things{exporter="otlp/\"1\"",server_address="b.test"} 2
        # HELP x_waited Says \"what\" it is.
        # TYPE x_waited unknown
        x_waited 7
        # EOF
    "#]],
    );
}

#[test]
fn names_keep_their_dots_for_those_who_ask() {
    let reader = reader(|exposition| exposition.resource_labels = vec!["service.name".to_owned()]);
    check(
        reader,
        "text/plain;version=1.0.0;escaping=allow-utf-8",
        expect![[r#"
        text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8

        # HELP target_info Attributes of the resource that these metrics describe.
        # TYPE target_info gauge
        target_info{"a.b"="1",a_b="2","service.instance.id"="id\\1","service.name"="etalon"} 1
        # HELP "x.request.duration" Says "what" it is.
        # TYPE "x.request.duration" histogram
        {"x.request.duration_bucket",code="0","service.name"="etalon",le="0.1"} 1
        {"x.request.duration_bucket",code="0","service.name"="etalon",le="1"} 2
        {"x.request.duration_bucket",code="0","service.name"="etalon",le="+Inf"} 3
        {"x.request.duration_sum",code="0","service.name"="etalon"} 3.6
        {"x.request.duration_count",code="0","service.name"="etalon"} 3
        # HELP x_in_flight Says "what" it is.
        # TYPE x_in_flight gauge
        x_in_flight{"service.name"="etalon"} -5
        # HELP x_sent_things Says "what" it is.
        # TYPE x_sent_things counter
        x_sent_things{exporter="otlp/\"1\"","server.address"="b.test","service.name"="etalon"} 2
        # HELP x_waited Says "what" it is.
        # TYPE x_waited counter
        x_waited{"service.name"="etalon"} 7
    "#]],
    );
}

#[test]
fn each_suffix_and_label_comes_by_itself() {
    let changes: [(fn(&mut Exposition), &str); 4] = [
        (|exposition| exposition.unit_suffix = true, "x_waited_seconds 7"),
        (|exposition| exposition.type_suffix = true, "x_waited_total 7"),
        (
            |exposition| exposition.scope_labels = vec!["otel_scope_name".to_owned()],
            "x_waited{otel_scope_name=\"etalon\"} 7",
        ),
        (
            |exposition| exposition.resource_labels = vec!["service.name".to_owned()],
            "x_waited{service_name=\"etalon\"} 7",
        ),
    ];
    let telemetry = telemetry();
    for (change, expected) in changes {
        let text = reader(change).text(&telemetry, Format::TEXT);
        assert!(text.lines().any(|line| line == expected), "{expected}: {text}");
    }
}

#[test]
fn a_label_of_a_series_stands_before_one_of_all_series() {
    let telemetry = Telemetry::new(&[("exporter", "resource")]);
    telemetry.counter(&SENT, &[("exporter", "own")]).add(1);
    let reader = reader(|exposition| exposition.resource_labels = vec!["exporter".to_owned()]);
    let text = reader.text(&telemetry, Format::TEXT);
    assert!(text.contains("x_sent_things{exporter=\"own\"} 1\n"), "{text}");
}

#[test]
fn the_resource_is_told_as_target_info_in_labels_that_prometheus_takes() {
    let target_info = |resource: &[(&str, &str)]| {
        let text = PrometheusReader::default().text(&Telemetry::new(resource), Format::TEXT);
        text.lines().find(|line| line.starts_with("target_info")).map(str::to_owned).unwrap()
    };
    assert_eq!(target_info(&[("service.name", "etalon")]), "target_info{service_name=\"etalon\"} 1");
    assert_eq!(
        target_info(&[("", "?"), ("1st: größe", "a"), ("k8s/pod name", "b")]),
        "target_info{k8s_pod_name=\"b\",key_1st__gr__e=\"a\"} 1"
    );
    assert_eq!(target_info(&[("a.b", "1"), ("a_b", "2")]), "target_info{a_b=\"1;2\"} 1");
}

#[test]
fn the_level_and_dropped_metrics_decide_what_is_told() {
    let telemetry = telemetry();
    let has_detail = |selection: Selection| {
        let reader = PrometheusReader { selection, ..PrometheusReader::default() };
        reader.text(&telemetry, Format::TEXT).contains("x_detail")
    };
    let detailed = Selection { level: Level::Detailed, dropped: Vec::new() };
    assert!(!has_detail(Selection::default()));
    assert!(has_detail(detailed.clone()));
    let dropped = vec![Selector { name: Some("x_d*".to_owned()), ..Selector::default() }];
    assert!(!has_detail(Selection { dropped, ..detailed }));
}

#[test]
fn numbers_are_written_as_each_format_has_them() {
    let escaping = Escaping::Underscores;
    let exposition = Exposition { escaping, ..PrometheusReader::default().exposition };
    let number = |accept: &str, value: f64| {
        let format = Format::negotiate(accept, false);
        let text =
            super::Text { out: String::new(), format, exposition: exposition.clone(), common: Vec::new() };
        text.number(value)
    };
    let openmetrics = "application/openmetrics-text";
    assert_eq!([0.005, 1.0, f64::INFINITY].map(|value| number("", value)), ["0.005", "1", "+Inf"]);
    assert_eq!([0.005, 1.0, f64::NEG_INFINITY].map(|v| number(openmetrics, v)), ["0.005", "1.0", "-Inf"]);
}
