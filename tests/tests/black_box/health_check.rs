//! The `health_check` extension: what probes and load balancers are told.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use etalon_tests::{Answer, Etalon, Sink, Verdict, eventually, free_port, get, logs, post, run, try_get};
use serde_json::Value;

use crate::reload::Reloadable;
use crate::{OTLP, forwarding_to};

/// Adds the extension, with these keys, to a configuration.
pub(crate) fn with_health_check(configuration: &str, keys: &str) -> String {
    configuration.replace(
        "service:\n",
        &format!(
            "extensions:\n  health_check: {{endpoint: '127.0.0.1:0'{keys}}}\nservice:\n  extensions: [health_check]\n"
        ),
    )
}

/// Where it listens.
pub(crate) fn health(etalon: &Etalon) -> SocketAddr {
    let line = etalon.wait_for_line("Serving health checks");
    line["endpoint"].as_str().expect("an address").parse().expect("an address")
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("not JSON: {answer:?}"))
}

fn to(sink: &Sink, more: &str) -> String {
    let exporter = format!(
        "  otlp_http:\n    endpoint: {}\n    compression: none\n    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms}}\n{more}",
        sink.endpoint()
    );
    forwarding_to(&exporter, "otlp_http")
}

fn send(etalon: &Etalon, numbers: std::ops::Range<u32>) -> u16 {
    post(etalon.http(), "/v1/logs", "application/json", &logs(numbers)).status
}

#[test]
fn a_collector_is_ready_from_when_all_has_started_until_it_is_told_to_stop() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon = Etalon::start(&with_health_check(&to(&sink, "    sending_queue: {num_consumers: 1}"), ""));
    let at = health(&etalon);
    let up = get(at, "/");
    assert_eq!((up.status, json(&up)["status"].as_str()), (200, Some("Server available")), "{}", up.text());
    let told = json(&up);
    assert!(told["upSince"].as_str().is_some_and(|since| since.ends_with('Z')), "{told}");
    assert!(told["uptime"].as_str().is_some_and(|uptime| uptime.ends_with('s')), "{told}");
    for path in ["/livez", "/readyz", "/status"] {
        assert_eq!(get(at, path).status, 200, "{path}");
    }
    let absent = get(at, "/metrics");
    assert_eq!((absent.status, &json(&absent)["paths"][1]), (404, &"/livez".into()));
    assert_eq!(send(&etalon, 0..5), 200);
    sink.wait_until_seen(1);
    etalon.terminate();
    etalon.wait_for_line("Starting shutdown...");
    let down = get(at, "/");
    assert_eq!(
        (down.status, json(&down)),
        (
            503,
            serde_json::json!({"status": "Server not available", "upSince": "0001-01-01T00:00:00Z", "uptime": ""})
        )
    );
    // The line is told before the last phase begins.
    eventually("the last phase", || {
        let ready = get(at, "/readyz");
        assert_eq!(ready.status, 503);
        (json(&ready) == serde_json::json!({"status": "stopping"})).then_some(())
    });
    assert_eq!(get(at, "/livez").status, 200, "it is alive until the end");
    sink.answer(Verdict::Accept);
    assert_eq!(etalon.wait().code(), 0);
}

#[test]
fn a_pipeline_whose_destination_takes_nothing_is_degraded_until_it_does() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let keys = ", progress: {stalled_after: 2s, recent: 2s}";
    let etalon = Etalon::start(&with_health_check(&to(&sink, ""), keys));
    let at = health(&etalon);
    assert_eq!(send(&etalon, 0..5), 200);
    let degraded = eventually("a pipeline that has stalled", || {
        Some(get(at, "/status")).filter(|answer| answer.status == 503)
    });
    let told = json(&degraded);
    assert_eq!(told["status"], "degraded");
    assert_eq!(told["pipelines"]["traces"]["status"], "ok", "{told}");
    let problem = &told["pipelines"]["logs"]["problems"][0];
    assert_eq!(
        (&problem["problem"], &problem["kind"], &problem["id"]),
        (&"stalled".into(), &"exporter".into(), &"otlp_http".into())
    );
    assert!(problem["text"].as_str().is_some_and(|text| text.contains("1 requests wait")), "{told}");
    assert_eq!(
        (get(at, "/status?pipeline=traces").status, get(at, "/status?pipeline=logs").status),
        (200, 503)
    );
    assert_eq!(get(at, "/status?pipeline=other").status, 404);
    assert_eq!((get(at, "/").status, get(at, "/readyz").status), (200, 200), "the collector itself is well");
    let verbose = json(&get(at, "/status?verbose"));
    let exporter = verbose["components"]
        .as_array()
        .unwrap()
        .iter()
        .find(|component| component["kind"] == "exporter" && component["signal"] == "logs");
    let exporter = exporter.unwrap_or_else(|| panic!("no exporter in {verbose}"));
    assert_eq!(exporter["state"], "running");
    let error = exporter["lastErrors"][0]["text"].as_str().unwrap_or_default();
    assert!(error.starts_with("Exporting failed. Will retry"), "{exporter}");
    let line = etalon.wait_for_line("A pipeline does not get on");
    assert_eq!((&line["otelcol.pipeline.id"], &line["level"]), (&"logs".into(), &"warn".into()));
    sink.answer(Verdict::Accept);
    eventually("its recovery", || (get(at, "/status").status == 200).then_some(()));
    assert_eq!(etalon.wait_for_line("A pipeline gets on again")["otelcol.pipeline.id"], "logs");
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn a_queue_that_is_full_and_a_receiver_that_refuses_for_it_are_told() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let queue = "    sending_queue: {queue_size: 1, num_consumers: 1}";
    let etalon = Etalon::start(&with_health_check(&to(&sink, queue), ""));
    let at = health(&etalon);
    eventually("a refusal", || (send(&etalon, 0..1) == 503).then_some(()));
    let problems = eventually("both problems", || {
        let told = json(&get(at, "/status"));
        let problems = told["pipelines"]["logs"]["problems"].as_array()?;
        let mut kinds: Vec<_> = problems.iter().filter_map(|problem| problem["problem"].as_str()).collect();
        kinds.sort_unstable();
        (kinds == ["full", "refusing"]).then(|| told.clone())
    });
    let text = problems.to_string();
    assert!(text.contains("it holds 1 of 1") && text.contains("queue_full"), "{text}");
    sink.answer(Verdict::Accept);
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn the_path_the_texts_and_the_failures_that_count_can_be_chosen() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let keys = ", path: /health, response_body: {healthy: good, unhealthy: bad}, \
        check_collector_pipeline: {enabled: true, interval: 1m, exporter_failure_threshold: 3}";
    let etalon = Etalon::start(&with_health_check(&to(&sink, ""), keys));
    let at = health(&etalon);
    let good = get(at, "/health");
    assert_eq!((good.status, good.text().as_str()), (200, "good"));
    assert_eq!(get(at, "/").status, 404);
    assert_eq!(send(&etalon, 0..1), 200);
    let bad = eventually("more than three failures", || {
        Some(get(at, "/health")).filter(|answer| answer.status == 503)
    });
    assert_eq!(bad.text(), "bad");
    sink.wait_until_seen(4);
    assert_eq!(get(at, "/readyz").status, 200, "it takes data all the same");
    sink.answer(Verdict::Accept);
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn a_reload_keeps_the_socket_whether_the_extension_changes_or_not() {
    // Of another address, for what binds any port at the usual one must not get this.
    let at: SocketAddr = ([127, 0, 0, 2], free_port()).into();
    let with = |exporter: &str, path: &str| {
        let base = forwarding_to(&format!("  {exporter}:"), exporter);
        with_health_check(&base, &format!(", path: {path}")).replace("127.0.0.1:0'", &format!("{at}'"))
    };
    let collector = Reloadable::start(&with("nop", "/a"));
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let probe = || {
        let mut wrong = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            match try_get(at, "/readyz") {
                Ok(answer) if answer.status == 200 => {}
                // A server on its way out may close a connection before it has seen a request on it.
                Err(error) if error.kind() != ErrorKind::ConnectionRefused => {}
                other => wrong.push(format!("{other:?}")),
            }
            asked.fetch_add(1, Ordering::Relaxed);
        }
        wrong
    };
    thread::scope(|scope| {
        let probes: Vec<_> = (0..2).map(|_| scope.spawn(probe)).collect();
        let some = |what: &str| {
            let before = asked.load(Ordering::Relaxed);
            eventually(what, || (asked.load(Ordering::Relaxed) > before + 20).then_some(()));
        };
        some("probes before");
        collector.update(&with("nop/2", "/a"));
        assert_eq!(get(at, "/a").status, 200, "it is the same extension");
        some("probes in between");
        collector.update(&with("nop/2", "/b"));
        assert_eq!((get(at, "/b").status, get(at, "/a").status), (200, 404), "it is another one");
        collector.refuse(&with("nop/2", "b"));
        collector.refuse("receivers: [");
        assert_eq!(get(at, "/b").status, 200, "what is wrong changes nothing");
        some("probes after");
        stop.store(true, Ordering::Relaxed);
        for probe in probes {
            assert_eq!(probe.join().expect("a probe does not panic"), Vec::<String>::new());
        }
    });
    let readings = json(&get(at, "/status?verbose"));
    assert!(readings.to_string().contains("\"id\":\"nop/2\""), "the status is of what runs: {readings}");
    assert_eq!(collector.etalon.stop().code(), 0);
}

#[test]
fn keys_that_cannot_be_honoured_are_refused() {
    let base = format!(
        "{OTLP}exporters: {{nop: }}\nextensions: {{health_check: {{KEYS}}}}\nservice:\n  extensions: [health_check]\n  pipelines: {{logs: {{receivers: [otlp], exporters: [nop]}}}}\n"
    );
    for (keys, told) in [
        ("use_v2: true", "extensions::health_check::use_v2: this key is not supported yet by this version"),
        ("http: {status: {enabled: true}}", "extensions::health_check::http: this key is not supported yet"),
        (
            "grpc: {endpoint: 'localhost:13132'}",
            "extensions::health_check::grpc: this key is not supported yet",
        ),
        ("component_health: {include_permanent_errors: true}", "health_check::component_health: this key"),
        ("path: healthz", "extensions::health_check::path: must begin with a slash"),
        ("path: /livez", "extensions::health_check::path: something else is told at /livez"),
        ("endpoint: ''", "extensions::health_check"),
        ("check_collector_pipeline: {interval: 0s}", "interval: must be more than 0 and 1h at most"),
        ("progress: {recent: 1s}", "progress::recent: must be 2s at least"),
    ] {
        let ended = run(&["validate", "--config", &format!("yaml:{}", base.replace("KEYS", keys))]);
        assert!(ended.code() == 1 && ended.stderr.contains(told), "{keys}: {}", ended.stderr);
    }
}
