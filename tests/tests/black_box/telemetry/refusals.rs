//! Why requests are refused, and that each is counted, also one that cannot be read.

use std::io::Write as _;
use std::net::TcpStream;

use etalon_tests::{Etalon, Sink, Verdict, eventually, field, framed, free_port, grpc, logs, post};

use super::balance::assert_balanced;
use crate::forwarding_to;

const REFUSED: &str = "etalon_receiver_refused_requests";

fn by(etalon: &Etalon, transport: &str, reason: &str) -> Option<f64> {
    let labels =
        [("receiver", "otlp"), ("transport", transport), ("data_type", "logs"), ("refusal_reason", reason)];
    etalon.scrape().sum(REFUSED, &labels)
}

/// So many requests for logs over HTTP were refused for this reason, and no others for any other.
fn assert_refused(etalon: &Etalon, reason: &str, times: u32) {
    assert_eq!(by(etalon, "http", reason), Some(f64::from(times)), "{reason}");
    assert_eq!(etalon.scrape().count(REFUSED), u64::from(times), "no other than {reason}");
    assert_balanced(etalon);
}

fn send(etalon: &Etalon, content_type: &str, body: &[u8]) -> u16 {
    post(etalon.http(), "/v1/logs", content_type, body).status
}

/// A collector that sends at once, and to whose senders the destination's answer is told.
fn passing_on(sink: &Sink, more: &str) -> Etalon {
    let exporter = format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}
{more}",
        sink.endpoint()
    );
    Etalon::start(&forwarding_to(&exporter, "otlp_http"))
}

fn to_nowhere() -> Etalon {
    Etalon::start(&forwarding_to("  nop:", "nop"))
}

/// A collector that takes logs over HTTP with these further keys.
fn receiving(extensions: &str, keys: &str) -> Etalon {
    Etalon::start(&format!(
        "
extensions: {{{extensions}: {{token: secret}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0', {keys}}}}}}}}}
exporters: {{nop: }}
service: {{extensions: [{extensions}], pipelines: {{logs: {{receivers: [otlp], exporters: [nop]}}}}}}
"
    ))
}

#[test]
fn a_request_that_cannot_be_read_is_counted_as_malformed() {
    let etalon = to_nowhere();
    assert_eq!(send(&etalon, "application/json", b"{"), 400);
    assert_eq!(send(&etalon, "application/x-protobuf", &[0xff; 3]), 400);
    assert_refused(&etalon, "malformed", 2);
    assert_eq!(etalon.scrape().count("otelcol_receiver_refused_log_records"), 0, "its items are unknown");

    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let answer = grpc(etalon.grpc(), path, &[], &[&framed(0, &[0xff; 3])]);
    assert_eq!(answer.code, Some(3), "{answer:?}");
    assert_eq!(by(&etalon, "grpc", "malformed"), Some(1.0));
}

#[test]
fn a_request_that_is_too_large_is_counted_as_such() {
    let etalon = receiving("bearertokenauth", "max_request_body_size: 1000");
    assert_eq!(send(&etalon, "application/json", &vec![b' '; 1001]), 413);
    assert_refused(&etalon, "too_large", 1);
}

#[test]
fn a_request_without_credentials_is_counted_as_unauthenticated() {
    let etalon = receiving("bearertokenauth", "auth: {authenticator: bearertokenauth}");
    assert_eq!(send(&etalon, "application/json", &logs(0..1)), 401);
    assert_refused(&etalon, "unauthenticated", 1);
}

#[test]
fn a_request_of_another_media_type_is_counted_as_unsupported() {
    let etalon = to_nowhere();
    assert_eq!(send(&etalon, "text/plain", b"hello"), 415);
    assert_refused(&etalon, "unsupported", 1);
}

#[test]
fn what_a_full_queue_refuses_is_counted_as_queue_full() {
    let exporters = format!(
        "  otlp_http:
    endpoint: http://127.0.0.1:{}
    sending_queue: {{queue_size: 1, num_consumers: 1}}
    retry_on_failure: {{initial_interval: 50ms, max_interval: 50ms, max_elapsed_time: 0s}}",
        free_port()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    let answers = [0, 1, 2].map(|number| send(&etalon, "application/json", &logs(number..number + 1)));
    assert_eq!(answers, [200, 503, 503]);
    assert_refused(&etalon, "queue_full", 2);
}

#[test]
fn what_the_destination_refuses_for_now_is_counted_as_unavailable() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let etalon = passing_on(&sink, "");
    assert_eq!(send(&etalon, "application/json", &logs(0..1)), 503);
    assert_refused(&etalon, "unavailable", 1);
}

#[test]
fn what_the_destination_refuses_for_good_is_counted_as_rejected() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(400));
    let etalon = passing_on(&sink, "");
    assert_eq!(send(&etalon, "application/json", &logs(0..1)), 400);
    assert_refused(&etalon, "rejected", 1);
}

#[test]
fn a_destination_that_does_not_answer_in_time_is_counted_as_timeout() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = passing_on(&sink, "    timeout: 100ms");
    assert_eq!(send(&etalon, "application/json", &logs(0..1)), 503);
    assert_refused(&etalon, "timeout", 1);
}

#[test]
fn a_request_whose_sender_goes_away_is_counted_as_abandoned() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = passing_on(&sink, "    timeout: 0s");
    let body = logs(0..1);
    let mut stream = TcpStream::connect(etalon.http()).unwrap();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    sink.wait_until_seen(1);
    drop(stream);
    eventually("the sender is missed", || (by(&etalon, "http", "abandoned") == Some(1.0)).then_some(()));
    assert_refused(&etalon, "abandoned", 1);
    assert_eq!(etalon.scrape().count("otelcol_receiver_refused_log_records"), 1);
}

#[test]
fn requests_are_counted_and_timed_whether_or_not_they_are_taken() {
    let etalon = to_nowhere();
    let record = field(1, &field(2, &field(2, &field(5, &field(1, b"x")))));
    for body in [record.as_slice(), b"", &[0xff; 3]] {
        send(&etalon, "application/x-protobuf", body);
    }
    let labels = [("receiver", "otlp"), ("transport", "http"), ("data_type", "logs")];
    let scrape = etalon.scrape();
    assert_eq!(scrape.sum("etalon_receiver_accepted_requests", &labels), Some(2.0));
    assert_eq!(scrape.sum("etalon_receiver_request_duration_count", &labels), Some(3.0));
    assert_eq!(scrape.count("etalon_receiver_request_duration_count"), 3, "of no other signal or transport");
    assert!(scrape.sum("etalon_receiver_request_duration_sum", &labels).is_some_and(|sum| sum > 0.0));
    assert_balanced(&etalon);
}
