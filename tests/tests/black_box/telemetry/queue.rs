//! What the metrics of the sending queue mean.

#![expect(clippy::float_cmp, reason = "values are read as they were written")]

use etalon_tests::{Etalon, Sink, Verdict, eventually, field, post};

use super::balance::assert_balanced;
use crate::forwarding_to;

const QUEUE: [(&str, &str); 2] = [("exporter", "otlp_http"), ("data_type", "logs")];

/// A collector that sends one request at a time, with this sizer of its queue.
fn queued(sink: &Sink, sizer: &str) -> Etalon {
    queued_with(sink, &format!("sizer: {sizer}"))
}

/// The same, with these keys of its queue.
fn queued_with(sink: &Sink, keys: &str) -> Etalon {
    let exporter = format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    timeout: 0s
    retry_on_failure: {{initial_interval: 10ms, max_interval: 10ms}}
    sending_queue: {{{keys}, queue_size: 100000, num_consumers: 1}}",
        sink.endpoint()
    );
    let all_metrics = "  telemetry: {metrics: {level: detailed}}\n";
    Etalon::start(&format!("{}{all_metrics}", forwarding_to(&exporter, "otlp_http")))
}

fn told(etalon: &Etalon, metric: &str) -> f64 {
    let scrape = etalon.scrape();
    let told = scrape.sum(metric, &QUEUE).unwrap_or_else(|| panic!("{metric} is not there"));
    assert_eq!(scrape.sum(metric, &[]), Some(told), "{metric}: of no other signal");
    told
}

/// `ExportLogsServiceRequest` with two records.
fn request() -> Vec<u8> {
    let record = field(2, &field(5, &field(1, b"body")));
    field(1, &field(2, &[record.clone(), record].concat()))
}

fn send(etalon: &Etalon) {
    assert_eq!(post(etalon.http(), "/v1/logs", "application/x-protobuf", &request()).status, 200);
}

#[test]
fn the_queue_tells_its_size_in_each_unit_whatever_its_sizer() {
    for (sizer, own) in [("requests", "requests"), ("items", "items"), ("bytes", "bytes")] {
        let sink = Sink::start();
        sink.answer(Verdict::Hold);
        let etalon = queued(&sink, sizer);
        (0..3).for_each(|_| send(&etalon));
        sink.wait_until_seen(1);
        let bytes = 3.0 * request().len() as f64;
        for (unit, expected) in [("requests", 3.0), ("items", 6.0), ("bytes", bytes)] {
            assert_eq!(told(&etalon, &format!("etalon_exporter_queue_{unit}")), expected, "{sizer}");
            if unit == own {
                assert_eq!(told(&etalon, "otelcol_exporter_queue_size"), expected);
            }
        }
        assert_balanced(&etalon);
        sink.answer(Verdict::Accept);
        for unit in ["requests", "items", "bytes"] {
            let metric = format!("etalon_exporter_queue_{unit}");
            eventually(&metric, || (told(&etalon, &metric) == 0.0).then_some(()));
        }
    }
}

#[test]
fn the_age_of_the_oldest_request_grows_until_it_has_left() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = queued(&sink, "requests");
    let age = || told(&etalon, "etalon_exporter_queue_oldest_age");
    assert_eq!(age(), 0.0);
    send(&etalon);
    // It is in flight, and not waiting.
    sink.wait_until_seen(1);
    let first = age();
    assert!(first > 0.0);
    send(&etalon);
    assert!(age() > first, "a younger one does not count");
    sink.answer(Verdict::Accept);
    eventually("the queue is empty", || (age() == 0.0).then_some(()));
}

#[test]
fn each_request_is_timed_until_it_is_taken_out_of_the_queue() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = queued(&sink, "requests");
    (0..3).for_each(|_| send(&etalon));
    sink.wait_until_seen(1);
    assert_eq!(told(&etalon, "etalon_exporter_queue_wait_duration_count"), 1.0, "two of them still wait");
    sink.answer(Verdict::Accept);
    eventually("all have left", || {
        (told(&etalon, "etalon_exporter_queue_wait_duration_count") == 3.0).then_some(())
    });
    assert!(told(&etalon, "etalon_exporter_queue_wait_duration_sum") > 0.0);
}

#[test]
fn the_size_of_each_batch_that_leaves_the_queue_is_told_where_it_batches() {
    const SIZE: &str = "otelcol_exporter_queue_batch_send_size";
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let etalon = queued_with(&sink, "sizer: items, batch: {min_size: 4, flush_timeout: 20s}");
    let of = |part: &str| told(&etalon, &format!("{SIZE}{part}"));
    send(&etalon);
    assert_eq!([of("_count"), of("_bytes_count")], [0.0; 2], "it waits in the queue for more");
    send(&etalon);
    sink.wait_until_seen(2);
    sink.answer(Verdict::Accept);
    eventually("it arrives", || (told(&etalon, "etalon_exporter_queue_items") == 0.0).then_some(()));
    assert_eq!([of("_count"), of("_sum")], [1.0, 4.0], "one batch, however often it was sent");
    assert_eq!([of("_bytes_count"), of("_bytes_sum")], [1.0, 2.0 * request().len() as f64]);

    let one_by_one = queued(&sink, "items");
    let sizes = one_by_one.scrape().sum(&format!("{SIZE}_count"), &[]);
    assert_eq!(sizes, None, "no batches are made");
}
