//! What is taken: transports, paths, content types, compressions, and requests without items.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use etalon_tests::{Verdict, framed, grpc, logs, run, tokens};

use super::*;

#[test]
fn s01_none_and_gzip_and_zstd_are_taken_on_every_transport() {
    let server = Server::start();
    let mut number = 0;
    for version in VERSIONS {
        for (content_type, request) in [(PROTOBUF, logs_protobuf as fn(_) -> _), (JSON, logs)] {
            for (encoding, encode) in ENCODINGS {
                let body = encode(&request(number..number + 3));
                let answer = server.post(version, LOGS, &fields(content_type, encoding), &body);
                assert_eq!(answer.status, 200, "{version:?} {content_type} {encoding:?}: {answer:?}");
                number += 3;
            }
        }
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
    for version in VERSIONS {
        for (content_type, body) in [
            (PROTOBUF, ""),
            (JSON, "{}"),
            (JSON, r#"{"resourceSpans": []}"#),
            (JSON, r#"{"resourceSpans": null}"#),
        ] {
            let answer = server.post(version, TRACES, &fields(content_type, ""), body.as_bytes());
            assert_eq!(answer.status, 200, "{version:?} {content_type} {body:?}: {answer:?}");
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
    for version in VERSIONS {
        for (sent, answered) in [
            (PROTOBUF, PROTOBUF),
            (JSON, JSON),
            ("application/json; charset=utf-8", JSON),
            ("Application/X-Protobuf", PROTOBUF),
        ] {
            let body = if answered == JSON { logs(0..1) } else { logs_protobuf(0..1) };
            for (body, status) in [(&body[..], 200), (b"\xff", 400)] {
                let answer = server.post(version, LOGS, &fields(sent, ""), body);
                assert_eq!(answer.status, status, "{version:?} {sent}");
                assert_eq!(answer.header("content-type"), Some(answered), "{version:?} {sent} {status}");
            }
        }
        for method in ["GET", "PUT", "DELETE"] {
            let answer = server.ask(version, method, LOGS, &[], b"");
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{version:?} {method}");
        }
    }
}

#[test]
fn s24_each_signal_has_its_path_and_nothing_else_has_it() {
    let server = Server::start();
    for version in VERSIONS {
        for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
            assert_eq!(
                server.post(version, path, &fields(JSON, ""), b"{}").status,
                200,
                "{version:?} {path}"
            );
        }
        for path in ["/v1/traces/", "/v1/trace", "//v1/traces", "/V1/traces", "/v1/logs/x", "/"] {
            assert_eq!(
                server.post(version, path, &fields(JSON, ""), b"{}").status,
                404,
                "{version:?} {path}"
            );
        }
    }
    let moved = Server::with("{enabled: false}", "", "logs_url_path: /my/logs");
    assert_eq!(moved.post_json("/my/logs", "{}").status, 200);
    assert_eq!(moved.post_json(LOGS, "{}").status, 404);
}

#[test]
fn s25_answers_are_compressed_for_nobody_who_has_not_asked() {
    let server = Server::start();
    for version in VERSIONS {
        for accepted in [&[][..], &[("accept-encoding", "gzip")]] {
            let answer = server.post(version, LOGS, &[&fields(JSON, "")[..], accepted].concat(), b"{}");
            // OTLP lets a server compress; ours does not: answers are a few bytes.
            assert_eq!((answer.header("content-encoding"), answer.text().as_str()), (None, "{}"));
        }
    }
}

#[test]
fn s31_both_formats_share_a_connection() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.plain.http()).unwrap();
    for round in 0..3 {
        for (content_type, body) in
            [(PROTOBUF, logs_protobuf(round..round + 1)), (JSON, logs(10 + round..11 + round))]
        {
            let head = format!(
                "POST {LOGS} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
            let mut received = Vec::new();
            let end = if content_type == JSON { "\r\n\r\n{}" } else { "\r\n\r\n" };
            while !received.ends_with(end.as_bytes()) {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                received.extend(byte);
            }
            let received = String::from_utf8(received).unwrap().to_lowercase();
            assert!(received.starts_with("http/1.1 200") && received.contains(content_type), "{received}");
        }
    }
    assert_eq!(server.sink.items().len(), 6);
}

#[test]
fn s32_requests_of_older_versions_are_taken() {
    let server = Server::start();
    // Before 0.15, scopes were "instrumentation library" spans and logs, at field 1000; 0.7 had an enum `deprecated_code`
    // in the status of a span. Receivers of today ignore both, and this one passes them on.
    let span = field(2, &[field(1, &[7; 16]), field(2, &[7; 8]), field(15, &[0x08, 0x02])].concat());
    let old = field(1, &[field(2, &span), field(1000, &field(2, &span))].concat());
    assert_eq!(server.post_protobuf(TRACES, &old).status, 200);
    assert_eq!(server.sink.bodies(), [old]);
}

#[test]
fn s33_envelopes_without_items_are_no_error_and_no_items() {
    let server = Server::start();
    let empty = [field(1, b""), field(1, &field(2, b"")), field(1, &field(1, b""))].concat();
    assert_eq!(server.post_protobuf(TRACES, &empty).status, 200);
    assert_eq!(
        server.post_json(TRACES, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[]}]},{}]}"#).status,
        200
    );
    let scrape = server.plain.scrape();
    assert_eq!(scrape.count("otelcol_receiver_accepted_spans"), 0);
    assert_eq!(scrape.count("otelcol_receiver_refused_spans"), 0);
}

#[test]
fn s34_a_destination_that_hangs_leaves_the_server_answering() {
    let server = Server::with("{queue_size: 1, num_consumers: 1}", "", "");
    server.sink.answer(Verdict::Hold);
    let statuses: Vec<_> =
        (0..20).map(|number| server.post_protobuf(LOGS, &logs_protobuf(number..number + 1)).status).collect();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&503), "the queue is full: {statuses:?}");
    assert_eq!(server.post_json(LOGS, "{}").status, 200, "the server still answers");
    server.sink.answer(Verdict::Accept);
    server.sink.wait_until_accepted(statuses.iter().filter(|status| **status == 200).count());
    assert!(tokens(&server.sink.bodies().concat()).values().all(|times| *times == 1));
}
