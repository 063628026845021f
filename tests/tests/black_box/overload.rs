//! More than the destination takes: what is held, what is refused, and that all of it is counted.

use etalon_tests::{Etalon, Sink, Verdict, eventually, free_port, logs, post};

use crate::forwarding_to;

const REQUESTS: u32 = 12;
const ITEMS: u32 = 10;

/// Posts [`REQUESTS`] requests of [`ITEMS`] records and returns how many of them were accepted; all
/// others must be refused so that the sender tries again.
fn post_all(etalon: &Etalon) -> u32 {
    let answers = (0..REQUESTS).map(|request| {
        post(etalon.http(), "/v1/logs", "application/json", &logs(request * ITEMS..(request + 1) * ITEMS))
    });
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status == 200);
    for answer in &refused {
        assert!([429, 503].contains(&answer.status), "{answer:?}");
    }
    u32::try_from(accepted.len()).expect("no more than were sent")
}

#[test]
fn a_full_queue_refuses_what_it_cannot_hold_and_every_item_is_accounted_for() {
    let exporters = format!(
        "  otlp_grpc:
    endpoint: 127.0.0.1:{}
    tls: {{insecure: true}}
    sending_queue: {{queue_size: 4, num_consumers: 1}}
    retry_on_failure: {{initial_interval: 50ms, max_interval: 50ms, max_elapsed_time: 0s}}",
        free_port()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_grpc"));
    let accepted = post_all(&etalon);
    // The queue counts what its consumer works on, or it does not: four or five requests fit.
    assert!((4..=5).contains(&accepted), "{accepted} requests were accepted");

    let scrape = etalon.scrape();
    let refused = u64::from((REQUESTS - accepted) * ITEMS);
    assert_eq!(scrape.count("otelcol_receiver_accepted_log_records"), u64::from(accepted * ITEMS));
    assert_eq!(scrape.count("otelcol_receiver_refused_log_records"), refused);
    assert_eq!(scrape.count("otelcol_exporter_enqueue_failed_log_records"), refused);
    assert_eq!(scrape.count("otelcol_exporter_sent_log_records"), 0);
    assert_eq!(scrape.count("otelcol_exporter_send_failed_log_records"), 0);
    let queue = [("exporter", "otlp_grpc"), ("data_type", "logs")];
    assert_eq!(scrape.sum("otelcol_exporter_queue_capacity", &queue), Some(4.0));
    let held = scrape.sum("otelcol_exporter_queue_size", &queue).expect("a queue has a size");
    assert!((3.0..=4.0).contains(&held), "{held} requests are held");
}

#[test]
fn what_was_accepted_while_the_destination_was_away_arrives_when_it_is_back() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let exporters = format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{queue_size: 4, num_consumers: 1}}
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms}}",
        sink.endpoint()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    let accepted = u64::from(post_all(&etalon) * ITEMS);
    assert!(accepted > 0);
    sink.answer(Verdict::Accept);
    eventually("all that was accepted is sent", || {
        (etalon.scrape().count("otelcol_exporter_sent_log_records") == accepted).then_some(())
    });
    let items = sink.items();
    assert_eq!(items.len() as u64, accepted);
    assert!(items.values().all(|times| *times == 1), "{items:?}");
    let scrape = etalon.scrape();
    assert_eq!(scrape.count("otelcol_receiver_accepted_log_records"), accepted);
    assert_eq!(scrape.count("otelcol_exporter_send_failed_log_records"), 0);
    let queue = [("exporter", "otlp_http"), ("data_type", "logs")];
    eventually("the queue is empty", || {
        (etalon.scrape().sum("otelcol_exporter_queue_size", &queue) == Some(0.0)).then_some(())
    });
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn what_the_destination_will_never_take_is_given_up_and_counted() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(400));
    let exporters = format!("  otlp_http: {{endpoint: '{}', compression: none}}", sink.endpoint());
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..5)).status, 200);
    eventually("the failure is counted", || {
        (etalon.scrape().count("otelcol_exporter_send_failed_log_records") == 5).then_some(())
    });
    let scrape = etalon.scrape();
    assert_eq!(scrape.count("otelcol_receiver_accepted_log_records"), 5);
    assert_eq!(scrape.count("otelcol_exporter_sent_log_records"), 0);
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn without_a_queue_the_senders_answer_is_the_destinations() {
    let sink = Sink::start();
    let exporters = format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}",
        sink.endpoint()
    );
    let etalon = Etalon::start(&forwarding_to(&exporters, "otlp_http"));
    let answer = |numbers| post(etalon.http(), "/v1/logs", "application/json", &logs(numbers)).status;
    assert_eq!(answer(0..2), 200);
    assert_eq!(sink.items().len(), 2);
    sink.answer(Verdict::Status(503));
    assert_eq!(answer(2..4), 503);
    sink.answer(Verdict::Status(400));
    assert!([400, 500].contains(&answer(4..6)), "not to be tried again");
    let scrape = etalon.scrape();
    assert_eq!(scrape.count("otelcol_receiver_accepted_log_records"), 2);
    assert_eq!(scrape.count("otelcol_receiver_refused_log_records"), 4);
    assert_eq!(scrape.count("otelcol_exporter_sent_log_records"), 2);
    assert_eq!(scrape.count("otelcol_exporter_send_failed_log_records"), 4);
}
