//! The `batch` processor: what leaves together, and what each sender is told.

use std::thread;

use etalon_tests::{Etalon, Sink, Verdict, eventually, logs, post};

use crate::OTLP;

fn batching(processor: &str, sink: &Sink) -> Etalon {
    Etalon::start(&format!(
        "{OTLP}processors: {{batch: {processor}}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}
service:
  pipelines: {{logs: {{receivers: [otlp], processors: [batch], exporters: [otlp_http]}}}}
  telemetry: {{metrics: {{level: detailed}}}}
",
        sink.endpoint()
    ))
}

/// Sends two requests of two records at once, and returns the two answers' statuses.
fn send_two(etalon: &Etalon, first: u32) -> [u16; 2] {
    let to = etalon.http();
    let send = move |number: u32| {
        thread::spawn(move || post(to, "/v1/logs", "application/json", &logs(number..number + 2)).status)
    };
    [send(first), send(first + 2)].map(|sender| sender.join().expect("an answer"))
}

#[test]
fn requests_are_joined_and_each_sender_has_the_answer_of_its_batch() {
    let sink = Sink::start();
    // The second of two requests fills the batch, long before time is up.
    let etalon = batching("{send_batch_size: 4, timeout: 20s}", &sink);
    assert_eq!(send_two(&etalon, 0), [200, 200]);
    assert_eq!(sink.bodies().len(), 1, "one request with both");
    assert_eq!(sink.items().len(), 4);
    sink.answer(Verdict::Status(503));
    assert_eq!(send_two(&etalon, 4), [503, 503]);
    sink.answer(Verdict::Status(400));
    assert!(send_two(&etalon, 4).iter().all(|status| [400, 500].contains(status)));

    let scrape = etalon.scrape();
    assert_eq!(scrape.count("otelcol_processor_batch_batch_size_trigger_send"), 3);
    assert_eq!(scrape.count("otelcol_processor_batch_timeout_trigger_send"), 0);
    assert_eq!(scrape.count("etalon_processor_batch_items"), 12);
    assert_eq!(scrape.count("otelcol_receiver_accepted_log_records"), 4);
    assert_eq!(scrape.count("otelcol_receiver_refused_log_records"), 8);

    let late = batching("{send_batch_size: 1000, timeout: 50ms}", &sink);
    sink.answer(Verdict::Accept);
    assert_eq!(post(late.http(), "/v1/logs", "application/json", &logs(8..9)).status, 200);
    assert_eq!(late.scrape().count("otelcol_processor_batch_timeout_trigger_send"), 1);
}

#[test]
fn the_sizes_of_batches_and_what_waits_for_them_are_told() {
    const SIZE: &str = "otelcol_processor_batch_batch_send_size";
    let sink = Sink::start();
    let etalon = batching("{send_batch_size: 4, timeout: 20s}", &sink);
    let of = |part: &str| etalon.scrape().sum(&format!("{SIZE}{part}"), &[("processor", "batch")]);
    let combinations = || etalon.scrape().sum("otelcol_processor_batch_metadata_cardinality", &[]);
    assert_eq!([of("_count"), of("_bytes_count"), combinations()], [Some(0.0); 3]);

    let to = etalon.http();
    let first = thread::spawn(move || post(to, "/v1/logs", "application/json", &logs(0..2)).status);
    eventually("the request waits", || (combinations() == Some(1.0)).then_some(()));
    assert_eq!(of("_count"), Some(0.0), "nothing has left");
    assert_eq!(post(to, "/v1/logs", "application/json", &logs(2..4)).status, 200);
    assert_eq!(first.join().expect("an answer"), 200);
    assert_eq!(combinations(), Some(0.0));
    assert_eq!([of("_count"), of("_sum")], [Some(1.0), Some(4.0)]);
    assert_eq!(of("_bytes_sum"), Some(sink.bodies()[0].len() as f64));

    sink.answer(Verdict::Status(503));
    assert_eq!(send_two(&etalon, 4), [503, 503]);
    assert_eq!([of("_count"), of("_sum"), of("_bytes_count")], [Some(2.0), Some(8.0), Some(2.0)]);
    let up_to = |bound| etalon.scrape().sum(&format!("{SIZE}_bucket"), &[("le", bound)]);
    assert_eq!([up_to("10"), up_to("100000"), up_to("+Inf")], [Some(2.0); 3]);
}
