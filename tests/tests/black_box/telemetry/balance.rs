//! What comes in is accounted for, whatever goes wrong: the invariants of the contract hold.

use std::net::SocketAddr;

use etalon_telemetry_schema::check::Scrape;
use etalon_telemetry_schema::invariant::Invariant;
use etalon_tests::{Etalon, HttpPeer, HttpReply, Sink, Verdict, eventually, free_port, get, logs, post};

use super::{SIGNALS, contract, partial_success, post_json};
use crate::forwarding_to;

/// Waits until each invariant of the contract holds, which it does once nothing is under way any more.
pub(super) fn assert_balanced(etalon: &Etalon) {
    let contract = contract();
    let exposition = contract.exposition("prometheus").expect("the default one");
    assert!(!contract.invariants.is_empty());
    let mut broken = Vec::new();
    eventually("each invariant holds", || {
        let text = get(etalon.metrics(), "/metrics").text();
        let scrape = Scrape::parse(text.as_bytes()).expect("a scrape");
        broken.clear();
        for (id, text) in &contract.invariants {
            let invariant = Invariant::parse(text).expect("an invariant");
            let found = invariant.broken(&contract, exposition, &scrape);
            broken.extend(found.iter().map(|found| format!("{id}: {found}")));
        }
        broken.is_empty().then_some(())
    });
    // It finds that out itself.
    eventually("no item is missing", || {
        // An exporter that neither queues nor tries again has no books.
        let imbalance = etalon.scrape().sum("etalon_exporter_imbalance_items", &[]);
        (imbalance.unwrap_or_default() == 0.0).then_some(())
    });
}

/// Sends three requests of each signal, and one that cannot be read.
fn send(etalon: &Etalon) {
    for (path, body, _) in SIGNALS {
        for _ in 0..3 {
            post_json(etalon, path, body);
        }
        assert_eq!(post(etalon.http(), path, "application/json", b"{").status, 400);
    }
}

fn exporter(endpoint: &str, more: &str) -> String {
    format!(
        "  otlp_http:
    endpoint: {endpoint}
    compression: none
{more}"
    )
}

fn nowhere() -> String {
    format!("http://{}", SocketAddr::from(([127, 0, 0, 1], free_port())))
}

#[test]
fn what_is_given_to_an_exporter_is_sent_or_failed_or_refused_or_in_the_queue() {
    let sink = Sink::start();
    let (full, none) = (
        "    sending_queue: {queue_size: 1, num_consumers: 1}\n    retry_on_failure: {initial_interval: 20ms, max_interval: 20ms, max_elapsed_time: 0s}",
        "    sending_queue: {enabled: false}",
    );
    let waits = "    sending_queue: {wait_for_result: true}";
    let impatient = format!("{none}\n    timeout: 100ms\n    retry_on_failure: {{enabled: false}}");
    let away = nowhere();
    for (what, endpoint, verdict, more) in [
        ("all is well", sink.endpoint(), Verdict::Accept, ""),
        ("the destination refuses for good", sink.endpoint(), Verdict::Status(400), ""),
        ("and the sender is told", sink.endpoint(), Verdict::Status(400), none),
        ("also through the queue", sink.endpoint(), Verdict::Status(400), waits),
        ("the queue is full", away.clone(), Verdict::Accept, full),
        ("nobody answers, and there is no queue", sink.endpoint(), Verdict::Hold, &impatient),
    ] {
        println!("{what}");
        sink.answer(verdict);
        let exporter = exporter(&endpoint, more);
        let etalon = Etalon::start(&forwarding_to(&exporter, "otlp_http"));
        send(&etalon);
        assert_balanced(&etalon);
        let scrape = etalon.scrape();
        let items: u64 = scrape.count("etalon_exporter_incoming_items");
        assert_eq!(items, 3 * 3 * super::ITEMS, "all was given to the exporter");
        assert_eq!(scrape.count("etalon_receiver_request_duration_count"), 3 * 4);
    }
}

#[test]
fn the_books_of_an_exporter_balance_whatever_becomes_of_the_data() {
    let sink = Sink::start();
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(200, &[], &partial_success(1)));
    let exporters = format!(
        "{}
  otlp_http/in_part: {{endpoint: '{}', compression: none}}
  otlp_http/joined:
    endpoint: {}
    sending_queue: {{batch: {{min_size: 4, max_size: 4}}}}
  otlp_http/away: {{endpoint: '{}', sending_queue: {{queue_size: 2}}}}",
        exporter(&sink.endpoint(), ""),
        peer.endpoint(),
        sink.endpoint(),
        nowhere(),
    );
    let all = "otlp_http, otlp_http/in_part, otlp_http/joined, otlp_http/away";
    let etalon = Etalon::start(&forwarding_to(&exporters, all));
    send(&etalon);
    eventually("the last batches leave", || {
        let joined = [("exporter", "otlp_http/joined")];
        (etalon.scrape().sum("etalon_exporter_queue_items", &joined) == Some(0.0)).then_some(())
    });
    assert_balanced(&etalon);
    let scrape = etalon.scrape();
    let of = |metric: &str, exporter: &str| scrape.sum(metric, &[("exporter", exporter)]);
    assert_eq!(of("etalon_exporter_imbalance_items", "otlp_http/joined"), Some(0.0));
    assert!(of("etalon_exporter_queue_items", "otlp_http/away").is_some_and(|items| items > 0.0));
    assert!(of("etalon_exporter_rejected_items", "otlp_http/in_part").is_some_and(|items| items > 0.0));
}

#[test]
fn what_a_destination_takes_in_part_is_accounted_for_in_full() {
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(200, &[], &partial_success(1)));
    let etalon = Etalon::start(&forwarding_to(&exporter(&peer.endpoint(), ""), "otlp_http"));
    send(&etalon);
    eventually("all is sent", || {
        (etalon.scrape().count("etalon_exporter_rejected_items") == 9).then_some(())
    });
    assert_balanced(&etalon);
    assert_eq!(etalon.scrape().count("etalon_exporter_dropped_items"), 9);
}

#[test]
fn two_destinations_are_accounted_for_each() {
    let (sink, refusing) = (Sink::start(), Sink::start());
    refusing.answer(Verdict::Status(400));
    let exporters = format!(
        "{}\n  otlp_http/other: {{endpoint: '{}', compression: none}}\n  debug:",
        exporter(&sink.endpoint(), ""),
        refusing.endpoint()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http, otlp_http/other, debug"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..7)).status, 200);
    let lost = [("exporter", "otlp_http/other"), ("drop_reason", "rejected")];
    eventually("what is refused is lost", || {
        (etalon.scrape().sum("etalon_exporter_dropped_items", &lost) == Some(7.0)).then_some(())
    });
    assert_balanced(&etalon);
    assert_eq!(etalon.scrape().count("etalon_exporter_incoming_items"), 3 * 7);
}
