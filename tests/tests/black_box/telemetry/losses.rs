//! Items whose sender was told that all is well, and that are lost: each is counted once, with its reason.

use std::fs;

use etalon_tests::{Etalon, HttpPeer, HttpReply, Sink, Verdict, eventually, logs, post};

use super::balance::assert_balanced;
use super::partial_success;
use crate::forwarding_to;

const DROPPED: &str = "etalon_exporter_dropped_items";

fn exporter(endpoint: &str, more: &str) -> String {
    forwarding_to(
        &format!("  otlp_http:\n    endpoint: {endpoint}\n    compression: none\n{more}"),
        "otlp_http",
    )
}

fn send(etalon: &Etalon, body: &[u8]) -> u16 {
    post(etalon.http(), "/v1/logs", "application/json", body).status
}

/// Waits until so many items are lost for this reason; there must be none of any other, and each is a failure too.
fn assert_lost(etalon: &Etalon, reason: &str, items: u32) {
    let labels = [("exporter", "otlp_http"), ("data_type", "logs"), ("drop_reason", reason)];
    eventually(reason, || (etalon.scrape().sum(DROPPED, &labels) == Some(f64::from(items))).then_some(()));
    let scrape = etalon.scrape();
    assert_eq!(scrape.count(DROPPED), u64::from(items), "no other than {reason}");
    assert_eq!(scrape.count("otelcol_exporter_send_failed_log_records"), u64::from(items));
    assert_balanced(etalon);
}

#[test]
fn what_the_destination_refuses_for_good_is_lost_as_rejected() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(400));
    let etalon = Etalon::start(&exporter(&sink.endpoint(), ""));
    assert_eq!(send(&etalon, &logs(0..5)), 200);
    assert_lost(&etalon, "rejected", 5);
}

#[test]
fn what_the_destination_rejects_in_part_is_lost_as_partial_success() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(200, &[], &partial_success(2)));
    let etalon = Etalon::start(&exporter(&peer.endpoint(), ""));
    assert_eq!(send(&etalon, &logs(0..5)), 200);
    assert_lost(&etalon, "partial_success", 2);
    assert_eq!(etalon.scrape().count("otelcol_exporter_sent_log_records"), 3);
}

#[test]
fn what_the_destination_refuses_for_too_long_is_lost_as_retries_exhausted() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let retry = "    retry_on_failure: {initial_interval: 10ms, max_interval: 10ms, max_elapsed_time: 30ms}";
    let etalon = Etalon::start(&exporter(&sink.endpoint(), retry));
    assert_eq!(send(&etalon, &logs(0..4)), 200);
    assert_lost(&etalon, "retries_exhausted", 4);
}

#[test]
fn an_item_that_the_destination_finds_too_large_is_lost_as_such() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::Limit(20_000));
    let etalon = Etalon::start(&exporter(&peer.endpoint(), ""));
    let record = |length: usize| format!(r#"{{"body": {{"stringValue": "{}"}}}}"#, "x".repeat(length));
    let records = [record(10), record(60_000), record(10)].join(",");
    let body = format!(r#"{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{records}]}}]}}]}}"#);
    assert_eq!(send(&etalon, body.as_bytes()), 200);
    assert_lost(&etalon, "too_large", 1);
    assert_eq!(etalon.scrape().count("otelcol_exporter_sent_log_records"), 2);
}

/// The exporter is stopped by a reload, after which there is still somebody to ask.
#[test]
fn what_is_left_when_the_collector_stops_is_lost_as_shutdown() {
    let (sink, next) = (Sink::start(), Sink::start());
    sink.answer(Verdict::Status(503));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collector.yaml");
    fs::write(&file, exporter(&sink.endpoint(), "    sending_queue: {num_consumers: 1}")).unwrap();
    let etalon = Etalon::start_with(&["--config", &file.to_string_lossy()], folder);
    for number in 0..3 {
        assert_eq!(send(&etalon, &logs(number..number + 1)), 200);
    }
    sink.wait_until_seen(1);
    fs::write(&file, exporter(&next.endpoint(), "")).unwrap();
    etalon.signal("HUP");
    assert_lost(&etalon, "shutdown", 3);
}

#[test]
fn what_the_sender_is_told_of_is_not_lost() {
    let sink = Sink::start();
    for more in ["    sending_queue: {enabled: false}", "    sending_queue: {wait_for_result: true}"] {
        let etalon = Etalon::start(&exporter(&sink.endpoint(), more));
        sink.answer(Verdict::Status(400));
        assert_eq!(send(&etalon, &logs(0..3)), 400, "{more}");
        sink.answer(Verdict::Answer(partial_success(1)));
        assert_eq!(send(&etalon, &logs(0..3)), 200, "{more}");
        let scrape = etalon.scrape();
        assert_eq!(scrape.count("otelcol_exporter_send_failed_log_records"), 4, "{more}");
        assert_eq!(scrape.count(DROPPED), 0, "{more}");
        assert_balanced(&etalon);
    }
}
