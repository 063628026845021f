use std::time::SystemTime;

use bytes::Bytes;
use etalon_component::{
    BuildInfo, ComponentStatus, GateOutline, Outline, PipelineOutline, Place, Role, State, Status, Trouble,
};
use etalon_net::server::Site as _;
use etalon_pdata::LOGS;
use etalon_telemetry::readings::{
    ExporterReading, Processor, ProcessorReading, QueueReading, Readings, ReceiverReading, Who,
};
use http::Response;
use tokio::time::Instant;

use crate::extension::is_local;
use crate::samples::{INTERVAL, Samples};
use crate::site::{Pages, templates};

/// An id has no angle brackets, but it may have this.
const HOSTILE: &str = "otlp/x\"onload'&lt;(alert)";

fn place(role: Role, id: &str, signal: Option<&str>) -> Place {
    Place { role, id: id.parse().unwrap(), signal: signal.map(str::to_owned), pipeline: None }
}

/// The pages of a collector with one pipeline of logs, from a receiver of this id to an exporter of the other.
fn pages(receiver: &str, exporter: &str, samples: Samples) -> Pages {
    let status = Status::default();
    let component = |role, id: &str, signal| {
        let component = ComponentStatus::new(place(role, id, signal));
        component.enter(State::Running);
        component
    };
    status.set_outline(Outline {
        pipelines: vec![PipelineOutline {
            id: "logs/audit".parse().unwrap(),
            signal: LOGS,
            receivers: vec![receiver.parse().unwrap()],
            processors: vec!["batch".parse().unwrap()],
            exporters: vec![exporter.parse().unwrap()],
        }],
        components: vec![
            component(Role::Receiver, receiver, None),
            ComponentStatus::new(Place {
                pipeline: Some("logs/audit".parse().unwrap()),
                ..place(Role::Processor, "batch", None)
            }),
            component(Role::Exporter, exporter, Some("logs")),
            component(Role::Extension, "zpages", None),
        ],
        configuration: format!("exporters:\n    {exporter}:\n        headers: <b>&amp;</b>\n"),
        ..Outline::default()
    });
    status.set_gates(vec![GateOutline {
        id: "some.gate",
        enabled: true,
        stage: "Beta".to_owned(),
        from_version: "v0.1.0",
        description: "switches <this>",
    }]);
    let build = BuildInfo { command: "etalon", description: "Etalon <&>", version: "1.2.3" };
    Pages { templates: templates().unwrap(), build, status, samples, is_local: true }
}

/// Two samples: what has happened in between is told as so many in a second.
fn samples(receiver: &str, exporter: &str) -> Samples {
    let samples = Samples::default();
    let who = |id: &str| Who { id: id.to_owned(), signal: "logs".to_owned() };
    let batch = Processor { pipeline: "logs/audit".to_owned(), id: "batch".to_owned() };
    let now = Instant::now();
    for (at, number) in [(now, 10), (now + INTERVAL, 20)] {
        let receiver_reading = ReceiverReading {
            accepted_items: 100 * number,
            refused_items: number,
            refused_requests: [("queue_full".to_owned(), 2 * number)].into(),
        };
        let exporter_reading = ExporterReading {
            sent_items: 50 * number,
            failed_attempts: number,
            queue: Some(QueueReading {
                size: 9,
                capacity: 10,
                requests: 9,
                items: 1234,
                bytes: 5,
                oldest_age: 61.0,
            }),
            ..ExporterReading::default()
        };
        let processor_reading = ProcessorReading {
            incoming_items: 100 * number,
            outgoing_items: 90 * number,
            held_items: Some(1200 + number),
        };
        let readings = Readings {
            receivers: [(who(receiver), receiver_reading)].into(),
            exporters: [(who(exporter), exporter_reading)].into(),
            processors: [(batch.clone(), processor_reading)].into(),
            memory_bytes: 64 * 1024 * 1024,
            cpu_seconds: if number == 10 { 1.0 } else { 2.0 },
            ..Readings::default()
        };
        samples.add(at, readings);
    }
    samples
}

/// The status and the text, in which slashes need not have been escaped.
fn ask(pages: &Pages, path: &str) -> (u16, String) {
    let response = ask_as(pages, path, "localhost:55679");
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), text.replace("&#x2f;", "/"))
}

fn ask_as(pages: &Pages, path: &str, host: &str) -> Response<Bytes> {
    let (head, ()) = http::Request::get(path).header("host", host).body(()).unwrap().into_parts();
    pages.page(&head)
}

#[test]
fn the_overview_shows_rates_queues_and_what_is_wrong() {
    let (code, page) = ask(&pages("otlp", "out", samples("otlp", "out")), "/debug/");
    assert_eq!(code, 200);
    for told in [
        "data-live=\"receiver/otlp/logs/rate\" data-tone=\"plain\">500/s<",
        "data-live=\"processor/batch/logs/logs/audit/rate\" data-tone=\"plain\">500/s → 450/s<",
        "data-live=\"processor/batch/logs/logs/audit/total\" data-tone=\"plain\">2,000 → 1,800<",
        "data-live=\"processor/batch/logs/logs/audit/trouble\" data-tone=\"plain\">holds 1,220<",
        "data-live=\"processor/batch/logs/logs/audit/queue\" data-tone=\"plain\">holds 1,220<",
        "data-live=\"exporter/out/logs/rate\" data-tone=\"plain\">250/s<",
        "data-tone=\"bad\">refuses 10/s<",
        "data-tone=\"bad\">40 queue_full<",
        "data-tone=\"bad\">every attempt fails<",
        "data-tone=\"warn\">9 of 10, oldest 1 min 1 s<",
        "data-live=\"queued\" data-tone=\"plain\">1,234<",
        "data-live=\"cpu\" data-tone=\"plain\">50 %<",
        "data-live=\"memory\" data-tone=\"plain\">64.0 MiB<",
        "aria-label=\"otlp, then batch, then out\"",
    ] {
        assert!(page.contains(told), "{told} is not in\n{page}");
    }
}

#[test]
fn the_script_is_told_the_same_values_as_the_page() {
    let pages = pages("otlp", "out", samples("otlp", "out"));
    let (_, page) = ask(&pages, "/debug/");
    let (_, text) = ask(&pages, "/debug/live.json");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let values = told["values"].as_object().unwrap();
    for key in page.split("data-live=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(values.contains_key(key), "{key} is not in {text}");
    }
    assert_eq!(values["exporter/out/logs/queue"]["part"], 0.9);
    assert!(page.contains(&format!("data-configured=\"{}\"", told["configured"].as_str().unwrap())));
}

#[test]
fn what_comes_from_outside_is_text_and_nothing_else() {
    let pages = pages(HOSTILE, HOSTILE, samples(HOSTILE, HOSTILE));
    let trouble = Trouble {
        time: SystemTime::UNIX_EPOCH,
        text: "\"><img src=x onerror=alert(2)></title></svg>".to_owned(),
        severe: true,
    };
    pages.status.errors().note(place(Role::Exporter, HOSTILE, Some("logs")), trouble);
    let link = "/debug/pipelinez?pipelinenamez=logs%2Faudit&componentkindz=exporter&componentnamez=\
        otlp%2Fx%22onload%27%26lt%3B%28alert%29";
    for path in [
        "/debug/",
        "/debug/pipelinez",
        link,
        "/debug/pipelinez?pipelinenamez=%3Cscript%3Ealert(3)",
        "/debug/extensionz?zextensionname=%3Cscript%3Ealert(4)",
        "/debug/configz",
        "/debug/servicez",
        "/debug/%3Cscript%3E",
    ] {
        let (_, page) = ask(&pages, path);
        let scripts = page.matches("<script").count();
        let own = page.matches("<script src=\"zpages.js\" defer></script>").count();
        assert_eq!(scripts, own, "{path}\n{page}");
        for forbidden in ["<img", "<b>", "onerror=alert(2)>", "\"onload", "'onload", "&lt;(alert)"] {
            assert!(!page.contains(forbidden), "{forbidden} is in {path}\n{page}");
        }
    }
    let (code, page) = ask(&pages, link);
    assert_eq!(code, 200);
    assert!(page.contains("&lt;img src=x onerror=alert(2)&gt;"), "{page}");
}

#[test]
fn every_page_forbids_what_it_does_not_need() {
    let pages = pages("otlp", "out", Samples::default());
    let paths =
        ["/", "/debug/", "/debug/live.json", "/debug/zpages.css", "/debug/zpages.js", "/debug/x", "/x"];
    for path in paths {
        let response = ask_as(&pages, path, "127.0.0.1");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
    }
    let (_, page) = ask(&pages, "/debug/");
    assert!(!page.contains("style=") && !page.contains("http://") && !page.contains("https://"), "{page}");
}

#[test]
fn a_page_of_somebody_else_cannot_read_these_by_a_name_of_its_own() {
    let mut pages = pages("otlp", "out", Samples::default());
    for (host, code) in [
        ("localhost:55679", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:55679", 200),
        ("[::1]:55679", 200),
        ("evil.example", 421),
        ("localhost.evil.example:55679", 421),
        ("", 421),
    ] {
        assert_eq!(ask_as(&pages, "/debug/configz", host).status(), code, "{host:?}");
    }
    pages.is_local = false;
    assert_eq!(ask_as(&pages, "/debug/configz", "collector.example").status(), 200);
}

#[test]
fn only_endpoints_of_the_loopback_are_local() {
    let told = ["localhost:1", "127.0.0.1:1", "[::1]:1", "0.0.0.0:1", ":1", "example.com:1"].map(is_local);
    assert_eq!(told, [true, true, true, false, false, false]);
}

#[test]
fn a_component_without_samples_is_shown_without_numbers() {
    let (code, page) = ask(&pages("otlp", "nop", Samples::default()), "/debug/");
    assert_eq!(code, 200);
    assert!(page.contains("has no numbers"), "{page}");
}
