//! From one collector to the next, and what both count.

use std::collections::BTreeMap;

use etalon_tests::{Etalon, Sink, eventually, logs, post, run};

use crate::forwarding_to;

const ITEMS: [&str; 3] = ["spans", "metric_points", "log_records"];

/// The exporters of a collector that forwards to another one, over gRPC or HTTP, or to both.
fn exporters(next: &Etalon, compression: &str) -> String {
    format!(
        "  otlp_grpc:
    endpoint: {}
    tls: {{insecure: true}}
    compression: {compression}
  otlp_http:
    endpoint: http://{}
    compression: {compression}",
        next.grpc(),
        next.http()
    )
}

fn eventually_counts(etalon: &Etalon, metric: &str, labels: &[(&str, &str)], count: f64) {
    eventually(&format!("{metric} {labels:?} is {count}"), || {
        (etalon.scrape().sum(metric, labels) == Some(count)).then_some(())
    });
}

#[test]
fn what_is_sent_arrives_at_the_next_collector_by_both_exporters() {
    for compression in ["none", "gzip", "zstd"] {
        let last = Etalon::start(&forwarding_to("  debug: {verbosity: detailed}", "debug"));
        let first = Etalon::start(&forwarding_to(&exporters(&last, compression), "otlp_grpc, otlp_http"));
        let sent = run(&["send", "--endpoint", &first.grpc().to_string()]);
        assert_eq!(sent.code(), 0, "{sent:?}");
        for items in ITEMS {
            let accepted = format!("otelcol_receiver_accepted_{items}");
            for transport in ["grpc", "http"] {
                eventually_counts(&last, &accepted, &[("transport", transport)], 1.0);
            }
            for exporter in ["otlp_grpc", "otlp_http"] {
                eventually_counts(
                    &first,
                    &format!("otelcol_exporter_sent_{items}"),
                    &[("exporter", exporter)],
                    1.0,
                );
            }
            let scrape = first.scrape();
            assert_eq!(scrape.sum(&accepted, &[("receiver", "otlp"), ("transport", "grpc")]), Some(1.0));
            assert_eq!(scrape.count(&format!("otelcol_receiver_refused_{items}")), 0);
            assert_eq!(scrape.count(&format!("otelcol_exporter_send_failed_{items}")), 0);
            assert_eq!(scrape.count(&format!("otelcol_exporter_enqueue_failed_{items}")), 0);
        }
        assert_eq!(first.stop().code(), 0);
        assert_eq!(last.stop().code(), 0);
    }
}

#[test]
fn each_item_arrives_once_at_each_destination() {
    let (one, two) = (Sink::start(), Sink::start());
    let exporters = format!(
        "  otlp_http/one: {{endpoint: '{}', compression: none}}\n  otlp_http/two: {{endpoint: '{}', compression: none}}",
        one.endpoint(),
        two.endpoint()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http/one, otlp_http/two"));
    for request in 0..50 {
        let answer =
            post(etalon.http(), "/v1/logs", "application/json", &logs(request * 20..request * 20 + 20));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let once: BTreeMap<u32, usize> = (0..1000).map(|number| (number, 1)).collect();
    for sink in [&one, &two] {
        sink.wait_until_accepted(1000);
        assert!(sink.paths().iter().all(|path| path == "/v1/logs"));
    }
    assert_eq!(etalon.stop().code(), 0);
    assert_eq!(one.items(), once);
    assert_eq!(two.items(), once);
}

#[test]
fn a_request_without_items_is_accepted() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        let protobuf = post(etalon.http(), path, "application/x-protobuf", b"");
        assert_eq!((protobuf.status, protobuf.header("content-type")), (200, Some("application/x-protobuf")));
        assert_eq!(protobuf.body, b"");
        let json = post(etalon.http(), path, "application/json", b"{}");
        assert_eq!((json.status, json.header("content-type")), (200, Some("application/json")));
    }
}

#[test]
fn a_body_that_is_not_otlp_is_refused_and_the_next_one_is_taken() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/x-protobuf", b"\xff\xff").status, 400);
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", b"{").status, 400);
    assert_eq!(post(etalon.http(), "/v1/logs", "text/plain", b"hello").status, 415);
    assert_eq!(post(etalon.http(), "/no/such/path", "application/json", b"{}").status, 404);
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..3)).status, 200);
    assert_eq!(etalon.scrape().count("otelcol_receiver_accepted_log_records"), 3);
    assert_eq!(etalon.stop().code(), 0);
}
