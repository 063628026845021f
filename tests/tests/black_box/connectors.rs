//! Pipelines that the connector `forward` joins: what goes through, and what comes back.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use etalon_tests::{Etalon, Sink, Verdict, eventually, field, logs, post, request, run};

use crate::forwarding_to;

/// Two receivers, each with a pipeline of its own; behind these two connectors in series; and then an
/// exporter to `sink`, with `more` of its keys.
fn joined(sink: &Sink, more: &str) -> String {
    format!(
        "
receivers:
  otlp/one: {{protocols: {{http: {{endpoint: '127.0.0.1:0', include_metadata: true}}}}}}
  otlp/two: {{protocols: {{http: {{endpoint: '127.0.0.1:0', include_metadata: true}}}}}}
connectors: {{forward: , forward/next: }}
extensions:
  headers_setter: {{headers: [{{action: upsert, key: x-scope-orgid, from_context: x-tenant}}]}}
exporters:
  otlp_http:
    endpoint: {}
    compression: none
    auth: {{authenticator: headers_setter}}
{more}
service:
  extensions: [headers_setter]
  pipelines:
    logs/one: {{receivers: [otlp/one], exporters: [forward]}}
    logs/two: {{receivers: [otlp/two], exporters: [forward]}}
    logs/between: {{receivers: [forward], exporters: [forward/next]}}
    logs: {{receivers: [forward/next], exporters: [otlp_http]}}
",
        sink.endpoint()
    )
}

/// The exporter answers with what the destination says, at once.
const DIRECT: &str = "    sending_queue: {enabled: false}\n    retry_on_failure: {enabled: false}";

/// Where the receiver of this name takes HTTP.
fn receiver(etalon: &Etalon, name: &str) -> SocketAddr {
    let line = etalon
        .wait_for(name, |line| line["msg"] == "Starting HTTP server" && line["otelcol.component.id"] == name);
    line["endpoint"].as_str().and_then(|endpoint| endpoint.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

fn receivers(etalon: &Etalon) -> [SocketAddr; 2] {
    ["otlp/one", "otlp/two"].map(|name| receiver(etalon, name))
}

#[test]
fn what_two_receivers_take_in_arrives_once_through_two_connectors() {
    let sink = Sink::start();
    let etalon = Etalon::start(&joined(&sink, ""));
    let [one, two] = receivers(&etalon);
    for request in 0..30 {
        let to = if request % 3 == 0 { one } else { two };
        let answer = post(to, "/v1/logs", "application/json", &logs(request * 5..request * 5 + 5));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    sink.wait_until_accepted(150);
    eventually("all are counted as sent", || {
        (etalon.scrape().count("otelcol_exporter_sent_log_records") == 150).then_some(())
    });
    let accepted = "otelcol_receiver_accepted_log_records";
    let scrape = etalon.scrape();
    assert_eq!(scrape.sum(accepted, &[("receiver", "otlp/one")]), Some(50.0));
    assert_eq!(scrape.sum(accepted, &[("receiver", "otlp/two")]), Some(100.0));
    assert_eq!(etalon.stop().code(), 0);
    assert_eq!(sink.items(), (0..150).map(|number| (number, 1)).collect::<BTreeMap<_, _>>());
}

#[test]
fn a_request_goes_through_byte_by_byte_and_with_the_metadata_of_its_sender() {
    let sink = Sink::start();
    let etalon = Etalon::start(&joined(&sink, DIRECT));
    // A record, and a field that no version of OTLP has, which decoding and encoding might lose.
    let record = field(2, &field(5, &field(1, b"item:00000007")));
    let body = field(1, &field(2, &[record, field(15, b"of a later version")].concat()));
    let to = receiver(&etalon, "otlp/two");
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/x-protobuf\r\nX-Tenant: acme\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(request(to, &head, &body).unwrap().status, 200);
    assert_eq!(sink.bodies(), [body]);
    assert_eq!(sink.headers("x-scope-orgid"), [Some("acme".to_owned())]);
}

#[test]
fn a_refusal_by_the_last_exporter_reaches_the_sender_with_its_status() {
    let sink = Sink::start();
    let etalon = Etalon::start(&joined(&sink, DIRECT));
    let [one, two] = receivers(&etalon);
    for (number, status) in (0_u32..).zip([200, 503, 400, 401, 403, 413, 200]) {
        sink.answer(if status == 200 { Verdict::Accept } else { Verdict::Status(status) });
        for to in [one, two] {
            let answer = post(to, "/v1/logs", "application/json", &logs(number..number + 1));
            assert_eq!(answer.status, status, "{}", answer.text());
            assert_eq!(answer.header("retry-after").is_some(), status == 503, "{answer:?}");
        }
    }
    let scrape = etalon.scrape();
    assert_eq!(scrape.count("otelcol_receiver_accepted_log_records"), 4);
    assert_eq!(sink.items(), BTreeMap::from([(0, 2), (6, 2)]));
}

#[test]
fn what_is_under_way_and_what_waits_behind_connectors_is_delivered_before_the_exit() {
    for more in [DIRECT, "    sending_queue: {num_consumers: 1}"] {
        let sink = Sink::start();
        sink.answer(Verdict::Hold);
        let etalon = Etalon::start(&joined(&sink, more));
        let senders: Vec<_> = receivers(&etalon)
            .into_iter()
            .zip([0, 100])
            .map(|(to, first)| {
                std::thread::spawn(move || {
                    post(to, "/v1/logs", "application/json", &logs(first..first + 9)).status
                })
            })
            .collect();
        if more == DIRECT {
            sink.wait_until_seen(2);
        } else {
            eventually("both are accepted", || {
                (etalon.scrape().count("otelcol_receiver_accepted_log_records") == 18).then_some(())
            });
        }
        etalon.terminate();
        etalon.wait_for_line("Starting shutdown...");
        sink.answer(Verdict::Accept);
        for sender in senders {
            assert_eq!(sender.join().unwrap(), 200);
        }
        let ended = etalon.wait();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert_eq!(sink.items().len(), 18);
    }
}

#[test]
fn validate_finds_what_is_wrong_with_connectors() {
    let with = |pipelines: &str| {
        let base = forwarding_to("  nop:", "nop").replace("service:", "connectors: {forward: }\nservice:");
        format!("yaml:{base}{pipelines}")
    };
    let cases = [
        (
            "    logs/two: {receivers: [otlp], exporters: [forward]}",
            "failed to build pipelines: connector \"forward\" used as exporter in [logs/two] pipeline but not used in any supported receiver pipeline",
        ),
        (
            "    logs/two: {receivers: [forward], exporters: [nop]}",
            "failed to build pipelines: connector \"forward\" used as receiver in [logs/two] pipeline but not used in any supported exporter pipeline",
        ),
        (
            "    logs/two: {receivers: [forward], exporters: [nop, forward]}",
            "failed to build pipelines: cycle detected: connector \"forward\" (logs to logs) -> connector \"forward\" (logs to logs)",
        ),
        (
            "    logs/two: {receivers: [forward], exporters: [forward/2]}",
            "references exporter \"forward/2\" which is not configured",
        ),
    ];
    for (pipelines, wanted) in cases {
        let failed = run(&["validate", "--config", &with(pipelines)]);
        assert_eq!(failed.code(), 1, "{pipelines}");
        assert!(failed.stderr.contains(wanted), "{wanted:?} is not in\n{}", failed.stderr);
    }
    let unused = run(&["validate", "--config", &with("")]);
    assert_eq!((unused.code(), unused.stderr.as_str()), (0, ""));
}
