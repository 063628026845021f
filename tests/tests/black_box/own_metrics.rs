//! The collector's own metrics, as somebody who scrapes it, or whom it pushes them to, sees them.

use etalon_tests::protobuf::fields;
use etalon_tests::{Etalon, GrpcPeer, HttpPeer, HttpReply, eventually, free_port, get, run};

use crate::forwarding_to;

const NAME: &str = "etalon_config_reloads";

fn configuration() -> String {
    forwarding_to("  otlp_http:\n    endpoint: http://127.0.0.1:1\n", "otlp_http")
}

/// A reader that pushes each `interval` milliseconds, with more keys of `otlp`.
fn pushing(interval: u32, otlp: &str) -> String {
    format!("[{{periodic: {{interval: {interval}, exporter: {{otlp: {{{otlp}}}}}}}}}]")
}

/// The temporality of a sum in a request: 1 is delta, 2 cumulative.
fn temporality(request: &[u8], name: &str) -> u64 {
    let inside = |message, number| {
        let parts = fields(message).into_iter().filter(move |(field, _)| *field == number);
        parts.map(|(_, value)| value.bytes())
    };
    let scopes = inside(request, 1).flat_map(|of_resource| inside(of_resource, 2));
    let mut metrics = scopes.flat_map(|of_scope| inside(of_scope, 2));
    let metric = metrics.find(|metric| inside(metric, 1).any(|known| known == name.as_bytes()));
    let sum = inside(metric.expect("the metric is pushed"), 7).next().expect("it is a sum");
    fields(sum).into_iter().find(|(field, _)| *field == 2).expect("it has a temporality").1.number()
}

#[test]
fn counters_of_every_configured_component_are_there_at_zero_from_the_start() {
    let scrape = Etalon::start(&configuration()).scrape();
    for items in ["spans", "metric_points", "log_records"] {
        for transport in ["grpc", "http"] {
            for counter in ["accepted", "refused"] {
                let name = format!("otelcol_receiver_{counter}_{items}");
                let labels = [("receiver", "otlp"), ("transport", transport)];
                assert_eq!(scrape.sum(&name, &labels), Some(0.0), "{name} {labels:?}");
            }
        }
        for counter in ["sent", "send_failed", "enqueue_failed"] {
            let name = format!("otelcol_exporter_{counter}_{items}");
            assert_eq!(scrape.sum(&name, &[("exporter", "otlp_http")]), Some(0.0), "{name}");
        }
    }
    for result in ["applied", "refused"] {
        assert_eq!(scrape.sum(NAME, &[("result", result)]), Some(0.0), "{result}");
    }
}

#[test]
fn each_of_several_readers_has_its_own_names() {
    let ports = [free_port(), free_port()];
    let reader = |port, more| {
        format!("{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}{more}}}}}}}}}")
    };
    let readers = format!("[{}, {}]", reader(ports[0], ""), reader(ports[1], ", without_type_suffix: false"));
    let _etalon = Etalon::start_with_readers(&readers, &configuration());
    let scrape = |port: u16| get(([127, 0, 0, 1], port).into(), "/metrics").text();
    assert!(scrape(ports[0]).contains("\netalon_config_reloads{"));
    assert!(scrape(ports[1]).contains("\netalon_config_reloads_total{"));
}

#[test]
fn metrics_are_pushed_over_http_with_headers_compression_and_temporality() {
    let peer = HttpPeer::start();
    let keys = format!(
        "protocol: http/protobuf, endpoint: {}, compression: gzip, headers: [{{name: x-key, value: v}}], temporality_preference: delta",
        peer.endpoint()
    );
    let _etalon = Etalon::start_with_readers(&pushing(50, &keys), &configuration());
    peer.wait_for(2);
    let arrived = peer.arrived().remove(1);
    assert_eq!(arrived.target, "/v1/metrics");
    assert_eq!((arrived.header("x-key"), arrived.header("content-encoding")), (Some("v"), Some("gzip")));
    assert_eq!(temporality(&arrived.plain(), NAME), 1);
}

#[test]
fn metrics_are_pushed_over_grpc_and_a_last_time_at_the_end() {
    let peer = GrpcPeer::start();
    let keys = format!("protocol: grpc, endpoint: '{}', insecure: true", peer.endpoint());
    let etalon = Etalon::start_with_readers(&pushing(3_600_000, &keys), &configuration());
    assert_eq!(peer.arrived().len(), 0);
    etalon.stop();
    let called = peer.arrived().remove(0);
    assert_eq!(called.path, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
    assert_eq!(temporality(&called.body[5..], NAME), 2);
}

#[test]
fn metrics_are_written_to_standard_output_as_json() {
    let readers = "[{periodic: {interval: 3600000, exporter: {console: {}}}}]";
    let ended = Etalon::start_with_readers(readers, &configuration()).stop();
    let line: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one line of JSON");
    assert_eq!(line["resourceMetrics"][0]["scopeMetrics"][0]["scope"]["name"], "etalon");
    assert!(ended.stdout.contains(NAME), "{}", ended.stdout);
}

#[test]
fn a_push_and_an_attempt_of_it_end_when_their_time_is_over() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::Silence);
    let otlp = format!("protocol: http/protobuf, endpoint: {}", peer.endpoint());
    // The times that are not under test are longer than the test waits.
    for (of_push, of_attempt) in [(50, 600_000), (600_000, 50)] {
        let readers = format!(
            "[{{periodic: {{interval: 50, timeout: {of_push}, exporter: {{otlp: {{{otlp}, timeout: {of_attempt}}}}}}}}}]"
        );
        let etalon = Etalon::start_with_readers(&readers, &configuration());
        peer.take();
        if of_push == 50 {
            etalon.wait_for_line("Own metrics could not be pushed");
        }
        eventually("another attempt", || (peer.arrived().len() > 1).then_some(()));
    }
}

#[test]
fn a_push_to_the_collector_itself_is_warned_of() {
    let port = free_port();
    let keys = format!("protocol: grpc, endpoint: 'http://localhost:{port}'");
    let configuration = configuration().replacen("127.0.0.1:0", &format!("127.0.0.1:{port}"), 1);
    let etalon = Etalon::start_with_readers(&pushing(3_600_000, &keys), &configuration);
    let line = etalon.wait_for("of feedback", |line| {
        line["msg"].as_str().is_some_and(|message| message.contains("one of the collector's own receivers"))
    });
    assert_eq!((&line["level"], &line["receiver"]), (&"warn".into(), &"otlp".into()), "{line}");
}

#[test]
fn the_contract_is_served_beside_the_metrics_and_is_that_of_the_program() {
    let etalon = Etalon::start(&configuration());
    let answer = get(etalon.metrics(), "/contract");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.text(), run(&["contract", "show", "--format", "json"]).stdout);
}
