//! What the metric of the pipelines' health means.

use etalon_tests::{Etalon, Sink, Verdict, eventually, logs, post};

use crate::forwarding_to;
use crate::reload::Reloadable;

/// One consumer, and room for one request.
fn to(sink: &Sink) -> String {
    let exporter = format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms}}
    sending_queue: {{num_consumers: 1, queue_size: 1}}",
        sink.endpoint()
    );
    forwarding_to(&exporter, "otlp_http")
}

fn send(etalon: &Etalon, number: u32) -> u16 {
    post(etalon.http(), "/v1/logs", "application/json", &logs(number..number + 1)).status
}

/// The problems that a pipeline has.
fn problems(etalon: &Etalon, pipeline: &str) -> Vec<&'static str> {
    let scrape = etalon.scrape();
    let value = |problem: &&str| {
        let of = [("pipeline", pipeline), ("problem", *problem)];
        scrape.sum("etalon_pipeline_degraded", &of).unwrap_or_else(|| panic!("{of:?} is not there"))
    };
    let all = ["stalled", "stuck", "full", "losing", "refusing"];
    all.into_iter().filter(|problem| value(problem) > 0.0).collect()
}

#[test]
fn a_pipeline_whose_destination_is_down_is_degraded_and_says_why() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    // There is no health_check.
    let etalon = Etalon::start(&to(&sink));
    assert_eq!(problems(&etalon, "logs"), [""; 0], "nothing has happened yet");
    assert_eq!(send(&etalon, 0), 200);
    sink.wait_until_seen(1);
    assert_eq!(send(&etalon, 1), 503, "the queue is full");
    let found = eventually("the problems", || Some(problems(&etalon, "logs")).filter(|all| !all.is_empty()));
    assert_eq!(found, ["full", "refusing"], "it has not failed for long enough to have stalled");
    assert_eq!(problems(&etalon, "traces"), [""; 0]);

    sink.answer(Verdict::Status(400));
    sink.wait_until_seen(2);
    eventually("what is lost is told", || problems(&etalon, "logs").contains(&"losing").then_some(()));
}

#[test]
fn the_problems_of_a_pipeline_go_with_it_on_a_reload() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(400));
    let configuration = to(&sink);
    let collector = Reloadable::start(&configuration);
    let etalon = &collector.etalon;
    assert_eq!(send(etalon, 0), 200);
    eventually("what is lost is told", || (problems(etalon, "logs") == ["losing"]).then_some(()));
    let renamed = configuration.replace("    logs: {", "    logs/other: {");
    assert_ne!(renamed, configuration);
    collector.update(&renamed);
    let of = |pipeline| etalon.scrape().sum("etalon_pipeline_degraded", &[("pipeline", pipeline)]);
    assert_eq!(of("logs"), None);
    eventually("the exporter is the same", || (problems(etalon, "logs/other") == ["losing"]).then_some(()));
    assert_eq!(of("traces"), Some(0.0));
}
