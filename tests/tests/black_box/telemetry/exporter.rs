//! What the metrics of an exporter say about its destination.

use std::time::{SystemTime, UNIX_EPOCH};

use etalon_tests::{Etalon, GrpcPeer, GrpcReply, HttpPeer, HttpReply, Scrape, eventually, logs, post};

use super::balance::assert_balanced;
use crate::forwarding_to;

/// Sends without a queue and without retries: each request is one attempt.
fn attempting(kind: &str, endpoint: &str) -> Etalon {
    let exporter = format!(
        "  {kind}:
    endpoint: {endpoint}
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}"
    );
    Etalon::start(&forwarding_to(&exporter, kind))
}

fn send(etalon: &Etalon, times: u32) {
    for number in 0..times {
        post(etalon.http(), "/v1/logs", "application/json", &logs(number..number + 1));
    }
}

fn of(scrape: &Scrape, metric: &str, exporter: &str, label: (&str, &str)) -> Option<f64> {
    scrape.sum(metric, &[("exporter", exporter), ("data_type", "logs"), label])
}

#[test]
fn each_attempt_is_timed_by_its_outcome() {
    let peer = HttpPeer::start();
    let status = |status| HttpReply::status(status, &[], &[]);
    peer.script([status(200), status(200), status(503), status(400), HttpReply::Last(Vec::new())]);
    let etalon = attempting("otlp_http", &peer.endpoint());
    send(&etalon, 5);
    let scrape = etalon.scrape();
    for (outcome, times) in [("delivered", 2.0), ("refused", 1.0), ("permanent", 1.0), ("unknown", 1.0)] {
        let told = of(&scrape, "etalon_exporter_request_duration_count", "otlp_http", ("outcome", outcome));
        assert_eq!(told, Some(times), "{outcome}");
    }
    assert_eq!(scrape.count("etalon_exporter_request_duration_count"), 5, "of no other signal");
    assert!(scrape.sum("etalon_exporter_request_duration_sum", &[]).is_some_and(|sum| sum > 0.0));
    assert_balanced(&etalon);
}

#[test]
fn answers_are_counted_by_their_code() {
    const RESPONSES: &str = "etalon_exporter_responses";
    let peer = HttpPeer::start();
    let codes = [200, 200, 503, 400, 418];
    peer.script(
        codes.map(|code| HttpReply::status(code, &[], &[])).into_iter().chain([HttpReply::Last(Vec::new())]),
    );
    let etalon = attempting("otlp_http", &peer.endpoint());
    assert_eq!(etalon.scrape().sum(RESPONSES, &[]), None, "there was no answer yet");
    send(&etalon, 6);
    let scrape = etalon.scrape();
    for (code, times) in [("200", 2.0), ("503", 1.0), ("400", 1.0), ("other", 1.0)] {
        assert_eq!(of(&scrape, RESPONSES, "otlp_http", ("code", code)), Some(times), "{code}");
    }
    assert_eq!(scrape.count(RESPONSES), 5, "a broken connection is no answer");
    assert_balanced(&etalon);

    let peer = GrpcPeer::start();
    peer.script([
        GrpcReply::Ok(Vec::new()),
        GrpcReply::status(14),
        GrpcReply::status(3),
        GrpcReply::Reset(8),
    ]);
    let etalon = attempting("otlp_grpc", &format!("{}\n    tls: {{insecure: true}}", peer.endpoint()));
    send(&etalon, 4);
    let scrape = etalon.scrape();
    for code in ["OK", "UNAVAILABLE", "INVALID_ARGUMENT"] {
        assert_eq!(of(&scrape, RESPONSES, "otlp_grpc", ("code", code)), Some(1.0), "{code}");
    }
    assert_eq!(scrape.count(RESPONSES), 3, "a stream that is reset is no answer");
    assert_balanced(&etalon);
}

#[test]
fn the_circuit_is_open_while_the_destination_is_away() {
    let peer = HttpPeer::start();
    peer.script([HttpReply::status(503, &["Retry-After: 2"], &[])]);
    let exporter = format!("  otlp_http:\n    endpoint: {}", peer.endpoint());
    let etalon = Etalon::start(&forwarding_to(&exporter, "otlp_http"));
    let open =
        || of(&etalon.scrape(), "etalon_exporter_circuit_open", "otlp_http", ("exporter", "otlp_http"));
    assert_eq!(open(), Some(0.0));
    send(&etalon, 1);
    eventually("an open circuit", || open().filter(|open| *open > 0.0));
    send(&etalon, 1);
    eventually("a closed one", || open().filter(|open| *open == 0.0));
    peer.wait_for(3);
    assert_balanced(&etalon);
}

#[test]
fn the_last_success_is_told_from_the_first_one_on() {
    let now = || {
        #[expect(clippy::disallowed_methods, reason = "the metric tells wall time")]
        let now = SystemTime::now();
        now.duration_since(UNIX_EPOCH).unwrap().as_secs_f64().floor()
    };
    let peer = HttpPeer::start();
    peer.script([HttpReply::status(503, &[], &[])]);
    let etalon = attempting("otlp_http", &peer.endpoint());
    let told = || etalon.scrape().sum("etalon_exporter_last_success_timestamp", &[]);
    send(&etalon, 1);
    assert_eq!(told(), None, "that was none");
    let before = now();
    send(&etalon, 1);
    let told = eventually("a success", told);
    assert!(before <= told && told <= now(), "{before} {told}");
}
