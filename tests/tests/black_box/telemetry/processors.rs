//! What the metrics of processors mean.

use std::thread;

use etalon_tests::{Etalon, Sink, Verdict, eventually, logs, post};

use crate::OTLP;

#[test]
fn what_goes_into_each_processor_and_what_leaves_it_is_counted() {
    let sink = Sink::start();
    let etalon = Etalon::start(&format!(
        "{OTLP}processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 256}}
  batch: {{send_batch_size: 4, timeout: 20s}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    sending_queue: {{enabled: false}}
service:
  pipelines:
    logs: {{receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_http]}}
    logs/direct: {{receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http]}}
",
        sink.endpoint()
    ));
    let count = |metric: &str, pipeline: &str, processor: &str| -> Option<f64> {
        etalon.scrape().sum(metric, &[("pipeline", pipeline), ("processor", processor)])
    };
    let items = |pipeline: &str, processor: &str| {
        ["incoming", "outgoing"]
            .map(|end| count(&format!("otelcol_processor_{end}_items"), pipeline, processor))
    };
    let held = || count("etalon_processor_batch_held_items", "logs", "batch");
    assert_eq!(items("logs", "batch"), [Some(0.0); 2]);
    assert_eq!((items("logs/direct", "batch"), held()), ([None; 2], Some(0.0)), "it does not stand there");

    let to = etalon.http();
    let first = thread::spawn(move || post(to, "/v1/logs", "application/json", &logs(0..2)).status);
    eventually("the request waits", || (held() == Some(2.0)).then_some(()));
    assert_eq!(items("logs", "memory_limiter"), [Some(2.0); 2]);
    assert_eq!(items("logs", "batch"), [Some(2.0), Some(0.0)]);
    eventually("it goes on", || (items("logs/direct", "memory_limiter") == [Some(2.0); 2]).then_some(()));

    sink.wait_until_seen(1);
    sink.answer(Verdict::Hold);
    let second = thread::spawn(move || post(to, "/v1/logs", "application/json", &logs(2..4)).status);
    eventually("the batch leaves", || (items("logs", "batch") == [Some(4.0); 2]).then_some(()));
    assert_eq!(held(), Some(4.0), "nobody knows its outcome");
    sink.answer(Verdict::Accept);
    assert_eq!([first.join().expect("an answer"), second.join().expect("an answer")], [200; 2]);
    eventually("it is known", || (held() == Some(0.0)).then_some(()));
}
