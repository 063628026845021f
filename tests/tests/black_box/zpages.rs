//! The `zpages` extension: what people are shown of a collector.

use std::net::SocketAddr;

use etalon_tests::{Answer, Etalon, Sink, Verdict, eventually, get, logs, post, request};
use serde_json::Value;

use crate::forwarding_to;

fn with_zpages(configuration: &str) -> String {
    configuration.replace(
        "service:\n",
        "extensions:\n  zpages: {endpoint: 'localhost:0'}\nservice:\n  extensions: [zpages]\n",
    )
}

fn zpages(etalon: &Etalon) -> SocketAddr {
    let line = etalon.wait_for_line("Serving zpages");
    line["endpoint"].as_str().expect("an address").parse().expect("an address")
}

fn page(at: SocketAddr, path: &str) -> String {
    let answer: Answer = get(at, path);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    // Slashes need not have been escaped.
    answer.text().replace("&#x2f;", "/")
}

#[test]
fn the_pages_of_the_go_collector_are_where_they_were() {
    let etalon = Etalon::start(&with_zpages(&forwarding_to("  nop: {}\n  nop/2:", "nop, nop/2")));
    let at = zpages(&etalon);
    let first = get(at, "/");
    assert_eq!((first.status, first.header("location")), (302, Some("debug/")));
    let service = page(at, "/debug/servicez");
    for told in ["0.1.0", "Telemetry contract", "Supported until", "Memory", "ready, since"] {
        assert!(service.contains(told), "{told} is not in {service}");
    }
    let pipelines = page(at, "/debug/pipelinez");
    for told in [">traces</a>", ">metrics</a>", ">logs</a>", ">nop/2</a>"] {
        assert!(pipelines.contains(told), "{told} is not in {pipelines}");
    }
    let one = page(at, "/debug/pipelinez?pipelinenamez=logs");
    assert!(one.contains(">logs</a>") && !one.contains(">traces</a>"), "{one}");
    let component = "/debug/pipelinez?pipelinenamez=logs&componentnamez=nop%2F2&componentkindz=exporter";
    let component = page(at, component);
    assert!(component.contains("exporter nop/2</h2>") && component.contains("running, since"), "{component}");
    let extensions = page(at, "/debug/extensionz");
    assert!(extensions.contains(">zpages</a>"), "{extensions}");
    assert!(page(at, "/debug/extensionz?zextensionname=zpages").contains("extension zpages</h2>"));
    assert!(page(at, "/debug/featurez").contains("confmap.enableMergeAppendOption"));
    for (path, told) in [
        ("/debug/extensionz?zextensionname=other", "There is no other here."),
        ("/debug/pipelinez?pipelinenamez=other", "There is no other here."),
        ("/debug/tracez", "No spans are kept here."),
        ("/debug/expvarz", "There is no such page."),
        ("/metrics", "the pages are at /debug/"),
    ] {
        let answer = get(at, path);
        assert!(
            answer.status == 404 && answer.text().replace("&#x2f;", "/").contains(told),
            "{path}: {answer:?}"
        );
    }
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn the_overview_follows_what_happens() {
    let sink = Sink::start();
    let exporter = format!(
        "  otlp_http:\n    endpoint: {}\n    compression: none\n    headers: {{api-key: sesame}}\n    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms}}",
        sink.endpoint()
    );
    let limited = forwarding_to(&exporter, "otlp_http")
        .replace(
            "exporters:\n",
            "processors: {memory_limiter: {check_interval: 1s, limit_mib: 256}}\nexporters:\n",
        )
        .replace("exporters: [", "processors: [memory_limiter], exporters: [");
    let etalon = Etalon::start(&with_zpages(&limited));
    let at = zpages(&etalon);
    let values = || -> Value { serde_json::from_slice(&get(at, "/debug/live.json").body).expect("JSON") };
    let send = |numbers| post(etalon.http(), "/v1/logs", "application/json", &logs(numbers)).status;
    assert_eq!(send(0..7), 200);
    eventually("the items that were sent", || {
        (values()["values"]["exporter/otlp_http/logs/total"]["text"] == "7").then_some(())
    });
    let passed = &values()["values"]["processor/memory_limiter/logs/logs/total"]["text"];
    assert_eq!(passed, "7 → 7");
    let shown = page(at, "/debug/");
    assert!(shown.contains("data-live=\"receiver/otlp/logs/total\" data-tone=\"plain\">7<"), "{shown}");
    sink.answer(Verdict::Status(503));
    assert_eq!(send(7..8), 200);
    let error = eventually("that the exporter fails", || {
        let told = values();
        let trouble = &told["values"]["exporter/otlp_http/logs/trouble"];
        let error = told["values"]["exporter/otlp_http/logs/error"]["text"].as_str()?.to_owned();
        (trouble["text"] == "every attempt fails" && trouble["tone"] == "bad").then_some(error)
    });
    assert!(error.contains("Will retry the request"), "{error}");
    let configuration = page(at, "/debug/configz");
    assert!(
        configuration.contains("api-key: &#x27;[REDACTED]&#x27;") || configuration.contains("[REDACTED]")
    );
    assert!(!configuration.contains("sesame"));
    assert!(
        configuration.contains("endpoint: localhost:0"),
        "defaults are filled in, and what is written is there"
    );
    sink.answer(Verdict::Accept);
    assert_eq!(etalon.stop().code(), 0);
}

#[test]
fn a_name_that_is_not_of_this_machine_is_not_served() {
    let etalon = Etalon::start(&with_zpages(&forwarding_to("  nop:", "nop")));
    let at = zpages(&etalon);
    let head = "GET /debug/configz HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n";
    assert_eq!(request(at, head, &[]).expect("an answer").status, 421);
    assert_eq!(etalon.stop().code(), 0);
}
