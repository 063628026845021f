//! What is taken: transports, paths, content types, compressions, and requests without items.

use etalon_tests::{Verdict, framed, grpc, run, tokens};

use super::*;

#[test]
fn s01_none_and_gzip_and_zstd_are_taken_on_every_transport() {
    let server = Server::start();
    let mut number = 0;
    for way in ways() {
        let answer = server.send(way, LOGS, &way.logs(number..number + 3));
        assert_eq!(answer.status, 200, "{way:?}: {answer:?}");
        number += 3;
    }
    for (encoding, encode) in ENCODINGS {
        let named = [("grpc-encoding", encoding)];
        let fields = if encoding.is_empty() { &[][..] } else { &named };
        let message = framed(u8::from(!encoding.is_empty()), &encode(&logs_protobuf(number..number + 3)));
        let answer = grpc(server.grpc(), GRPC_LOGS, fields, &[&message]);
        assert_eq!(answer.code, Some(0), "{encoding:?}: {answer:?}");
        number += 3;
    }
    // A gzip body may have several members: RFC 1952, section 2.2.
    let members =
        [gzip(&logs_protobuf(number..number + 2)), gzip(&logs_protobuf(number + 2..number + 3))].concat();
    assert_eq!(server.post(Version::One, LOGS, &fields(PROTOBUF, "gzip"), &members).status, 200);
    let arrived = server.sink.items();
    assert_eq!(arrived.len(), usize::try_from(number).unwrap() + 3);
    assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
}

#[test]
fn s09_a_request_without_telemetry_succeeds() {
    let server = Server::start();
    for way in ways() {
        let json = ["{}", r#"{"resourceSpans": []}"#, r#"{"resourceSpans": null}"#];
        for body in if way.is_json() { &json[..] } else { &[""] } {
            let answer = server.send(way, TRACES, body.as_bytes());
            assert_eq!((answer.status, &answer.body[..]), (200, way.empty()), "{way:?} {body:?}");
        }
    }
    assert_eq!(grpc(server.grpc(), GRPC_TRACES, &[], &[&framed(0, b"")]).code, Some(0));
    assert_eq!(server.sink.paths().len(), 0, "nothing is forwarded");
}

#[test]
fn s17_the_default_ports_are_4317_and_4318() {
    let printed = run(&[
        "print-config",
        "--config",
        "yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, exporters: {debug: }, \
         service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}}",
    ]);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    for endpoint in ["localhost:4317", "localhost:4318"] {
        assert!(printed.stdout.contains(endpoint), "{endpoint} is not in\n{}", printed.stdout);
    }
}

#[test]
fn s18_the_answer_has_the_content_type_of_the_request() {
    let server = Server::start();
    for way in ways() {
        let in_capitals = way.content_type.to_uppercase();
        let with_parameter = format!("{}; charset=utf-8", way.content_type);
        for sent in [way.content_type, &in_capitals, &with_parameter] {
            for (body, status) in [(&way.logs(0..1)[..], 200), (b"\xff", 400)] {
                let body = (way.encode)(body);
                let answer = server.post(way.version, LOGS, &fields(sent, way.encoding), &body);
                assert_eq!(answer.status, status, "{way:?} {sent}");
                assert_eq!(answer.header("content-type"), Some(way.content_type), "{way:?} {sent} {status}");
            }
        }
    }
    for version in VERSIONS {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = server.ask(version, method, LOGS, &[], b"");
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{version:?} {method}");
        }
    }
}

#[test]
fn s24_each_signal_has_its_path_and_nothing_else_has_it() {
    let server = Server::start();
    for way in ways() {
        for path in [TRACES, METRICS, LOGS] {
            assert_eq!(server.send(way, path, way.empty()).status, 200, "{way:?} {path}");
        }
        for path in ["/v1/traces/", "/v1/trace", "//v1/traces", "/V1/traces", "/v1/logs/x", "/"] {
            assert_eq!(server.send(way, path, way.empty()).status, 404, "{way:?} {path}");
        }
    }
    let moved = Server::with("{enabled: false}", "", "logs_url_path: /my/logs");
    for way in ways() {
        assert_eq!(moved.send(way, "/my/logs", way.empty()).status, 200, "{way:?}");
        assert_eq!(moved.send(way, LOGS, way.empty()).status, 404, "{way:?}");
    }
}

#[test]
fn s25_answers_are_compressed_for_nobody_who_has_not_asked() {
    let server = Server::start();
    for way in ways() {
        for accepted in [&[][..], &[("accept-encoding", "gzip")]] {
            let fields = [&way.fields()[..], accepted].concat();
            let answer = server.post(way.version, LOGS, &fields, &(way.encode)(way.empty()));
            // OTLP lets a server compress; ours does not: answers are a few bytes.
            assert_eq!((answer.header("content-encoding"), &answer.body[..]), (None, way.empty()), "{way:?}");
        }
    }
}

#[test]
fn s31_both_formats_share_a_connection() {
    let server = Server::start();
    for (round, version) in (0..).step_by(100).zip(VERSIONS) {
        let here: Vec<Way> = ways().filter(|way| way.version == version).collect();
        let bodies: Vec<_> =
            (round..).zip(&here).map(|(at, way)| (way.encode)(&way.logs(at..at + 1))).collect();
        let fields: Vec<_> = here.iter().map(|way| way.fields()).collect();
        let sent = |(fields, body)| Sent { method: "POST", path: LOGS, fields, body, ends: true };
        let requests: Vec<_> =
            fields.iter().map(Vec::as_slice).zip(bodies.iter().map(Vec::as_slice)).map(sent).collect();
        for (way, answer) in here.iter().zip(server.talk(version, &requests)) {
            let told = (answer.status, answer.header("content-type"), &answer.body[..]);
            assert_eq!(told, (200, Some(way.content_type), way.empty()), "{way:?}");
        }
    }
    assert_eq!(server.sink.items().len(), ways().count());
}

#[test]
fn s32_requests_of_older_versions_are_taken() {
    let server = Server::start();
    // Before 0.15, scopes were "instrumentation library" spans and logs, at field 1000; 0.7 had an enum `deprecated_code`
    // in the status of a span. Receivers of today ignore both, and this one passes them on.
    let span = field(2, &[field(1, &[7; 16]), field(2, &[7; 8]), field(15, &[0x08, 0x02])].concat());
    let old = field(1, &[field(2, &span), field(1000, &field(2, &span))].concat());
    for way in ways_of(PROTOBUF) {
        assert_eq!(server.send(way, TRACES, &old).status, 200, "{way:?}");
        assert_eq!(server.sink.bodies().pop().as_ref(), Some(&old), "{way:?}");
    }
}

#[test]
fn s33_envelopes_without_items_are_no_error_and_no_items() {
    let server = Server::start();
    let empty = [field(1, b""), field(1, &field(2, b"")), field(1, &field(1, b""))].concat();
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[]}]},{}]}"#;
    for way in ways() {
        let body = if way.is_json() { &json[..] } else { &empty };
        assert_eq!(server.send(way, TRACES, body).status, 200, "{way:?}");
    }
    for etalon in [&server.plain, &server.tls] {
        let scrape = etalon.scrape();
        assert_eq!(scrape.count("otelcol_receiver_accepted_spans"), 0);
        assert_eq!(scrape.count("otelcol_receiver_refused_spans"), 0);
    }
}

#[test]
fn s34_a_destination_that_hangs_leaves_the_server_answering() {
    let server = Server::with("{queue_size: 1, num_consumers: 1}", "", "");
    server.sink.answer(Verdict::Hold);
    let mut number = 0;
    let mut accepted = 0;
    // Two of each way, so that both collectors are full at the end.
    for way in ways().chain(ways()) {
        let status = server.send(way, LOGS, &way.logs(number..number + 1)).status;
        assert!([200, 503].contains(&status), "{way:?}: {status}");
        accepted += usize::from(status == 200);
        number += 1;
    }
    for way in ways() {
        assert_eq!(
            server.send(way, LOGS, &way.logs(number..number + 1)).status,
            503,
            "{way:?}: the queue is full"
        );
        assert_eq!(server.send(way, LOGS, way.empty()).status, 200, "{way:?}: the server still answers");
    }
    server.sink.answer(Verdict::Accept);
    server.sink.wait_until_accepted(accepted);
    assert!(tokens(&server.sink.bodies().concat()).values().all(|times| *times == 1));
}
