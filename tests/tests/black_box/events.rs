//! The events of the collector's log: which ones, in which order, and that each is as it is declared.

use std::fs;

use etalon_tests::{Etalon, Finished, Sink, Verdict, eventually, free_port, logs, post, run};
use serde_json::Value;

use crate::{OTLP, forwarding_to};

const EXPORTERS: &str =
    "exporters: {nop: }\nservice: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}\n";

/// The lines of a process that has ended.
fn lines(finished: &Finished) -> Vec<Value> {
    finished.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The events of the life of the collector, of its components and its configuration, each with what tells it from others.
fn life(lines: &[Value]) -> Vec<String> {
    let text = |line: &Value, key: &str| line[key].as_str().map(str::to_owned);
    let told = lines.iter().filter_map(|line| {
        let name = text(line, "event.name")?;
        let is_of_life = ["service.", "component.", "config."].iter().any(|prefix| name.starts_with(prefix));
        let keys = ["otelcol.component.kind", "otelcol.component.id", "phase", "signal", "stop.reason"];
        let mut words = vec![name];
        words.extend(keys.iter().filter_map(|key| text(line, key)));
        is_of_life.then(|| words.join(" "))
    });
    told.collect()
}

/// What was written is what the contract declares: each line an event, with its severity and its fields.
fn assert_declared(finished: &Finished) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.jsonl");
    fs::write(&log, &finished.stderr).expect("a temporary file can be written");
    let check = run(&["contract", "check", "--as", "log", &log.to_string_lossy()]);
    assert_eq!(check.code(), 0, "{}{}\n{}", check.stdout, check.stderr, finished.stderr);
}

#[test]
fn a_life_from_start_to_stop_has_exactly_its_events_in_order() {
    let etalon = Etalon::start(&format!("{OTLP}{EXPORTERS}"));
    let stopped = etalon.stop();
    assert_eq!(stopped.code(), 0);
    assert_eq!(
        life(&lines(&stopped)),
        [
            "service.starting",
            "component.started exporter nop",
            "component.started receiver otlp",
            "service.ready",
            "service.signal_received terminated",
            "service.stopping terminated",
            "component.stopped receiver otlp",
            "component.stopped exporter nop",
            "service.stopped",
        ]
    );
    let last = &lines(&stopped).pop().expect("a line");
    assert_eq!((&last["event.name"], &last["failures"]), (&"service.stopped".into(), &0.into()), "{last}");
    assert_declared(&stopped);
}

#[test]
fn a_reload_is_told_from_its_beginning_to_its_end_whether_it_succeeds_or_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("collector.yaml");
    fs::write(&file, format!("{OTLP}{EXPORTERS}")).expect("a temporary file can be written");
    let etalon = Etalon::start_with(&["--config", &file.to_string_lossy()], folder);
    let reload = |configuration: String, ends_with: &str| {
        fs::write(&file, configuration).expect("a temporary file can be written");
        etalon.signal("HUP");
        etalon.wait_for(ends_with, |line| line["event.name"] == ends_with);
    };
    reload(format!("{OTLP}{}", EXPORTERS.replace("nop", "no")), "config.reload.failed");
    reload(format!("{OTLP}{}", EXPORTERS.replace("nop", "nop/2")), "config.reload.succeeded");
    etalon.wait_for("the end of what was replaced", |line| {
        line["event.name"] == "component.stopped" && line["otelcol.component.id"] == "nop"
    });
    let stopped = etalon.stop();
    let told = life(&lines(&stopped));
    let started = told.iter().position(|event| event == "service.ready").expect("it was ready") + 1;
    let stopping = told.iter().position(|event| event.starts_with("service.stopping")).expect("it stopped");
    let mut told = told[started..stopping].to_vec();
    // What is replaced stops beside the rest: before or after the end of the reload.
    let replaced =
        told.iter().position(|event| event == "component.stopped exporter nop").expect("it stopped");
    told.remove(replaced);
    assert_eq!(
        told,
        [
            "service.signal_received hangup",
            "config.reload.started",
            "config.problem",
            "config.reload.failed",
            "service.signal_received hangup",
            "config.reload.started",
            "component.started exporter nop/2",
            "config.reload.succeeded",
            "service.signal_received terminated",
        ]
    );
    assert!(
        told[..replaced].iter().any(|event| event == "component.started exporter nop/2"),
        "it has a successor"
    );
    assert_declared(&stopped);
}

#[test]
fn a_start_that_fails_is_told_and_so_is_the_end_of_its_shutdown() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
    let address = taken.local_addr().expect("a bound listener has an address");
    let configuration = format!("{OTLP}{EXPORTERS}").replacen("127.0.0.1:0", &address.to_string(), 1);
    let json = "service.telemetry.logs.encoding=json";
    let quiet = "service.telemetry.metrics.level=none";
    let ended = run(&["--config", &format!("yaml:{configuration}"), "--set", json, "--set", quiet]);
    assert_eq!(ended.code(), 1);
    assert_eq!(
        life(&lines(&ended)),
        [
            "service.starting",
            "component.started exporter nop",
            "component.failed receiver otlp start",
            "service.stopping start_failed",
            "component.stopped exporter nop",
            "service.stopped",
        ],
        "{ended:?}"
    );
    assert_declared(&ended);
}

#[test]
fn what_goes_wrong_is_told_as_declared() {
    let exporters = format!(
        "exporters: {{otlp_http: {{endpoint: 'http://127.0.0.1:{}', retry_on_failure: {{initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 20ms}}}}}}
service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [otlp_http]}}}}}}\n",
        free_port()
    );
    let etalon = Etalon::start(&format!("{OTLP}{exporters}"));
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..3)).status, 200);
    etalon
        .wait_for("the loss", |line| line["event.name"] == "exporter.dropped" && line["dropped_items"] == 3);
    let stopped = etalon.stop();
    let retries = lines(&stopped).iter().filter(|line| line["event.name"] == "exporter.retry").count();
    assert!(retries > 0, "{}", stopped.stderr);
    assert_declared(&stopped);
}

#[test]
fn a_time_of_losses_is_told_once_when_it_begins_and_once_when_it_ends() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(400));
    let exporter = format!("  otlp_http: {{endpoint: '{}'}}", sink.endpoint());
    let etalon = Etalon::start(&forwarding_to(&exporter, "otlp_http"));
    let sizes = 1..=20;
    for size in sizes.clone() {
        assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..size)).status, 200);
    }
    let lost = sizes.map(u64::from).sum::<u64>();
    eventually("the losses", || {
        (etalon.scrape().count("etalon_exporter_dropped_items") == lost).then_some(())
    });
    let stopped = etalon.stop();
    let told: Vec<Value> = lines(&stopped)
        .into_iter()
        .filter(|line| line["event.name"].as_str().is_some_and(|name| name.starts_with("data.drop.")))
        .collect();
    let names: Vec<&Value> = told.iter().map(|line| &line["event.name"]).collect();
    assert_eq!(names, ["data.drop.started", "data.drop.ended"], "{}", stopped.stderr);
    for line in &told {
        assert_eq!(
            (&line["data_type"], &line["drop_reason"]),
            (&"logs".into(), &"rejected".into()),
            "{line}"
        );
        assert_eq!(line["otelcol.component.id"], "otlp_http", "{line}");
    }
    assert_eq!(told[1]["items"], lost, "{}", told[1]);
    assert_declared(&stopped);
}
