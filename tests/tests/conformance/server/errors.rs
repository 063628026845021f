//! What a failure says.

use etalon_tests::{GrpcAnswer, Verdict, framed, grpc, request, unbase64};

use super::*;

/// Hints of a gRPC failure that say when to try again.
const HINTS: [&str; 3] = ["grpc-status-details-bin", "google.rpc.retryinfo-bin", "grpc-retry-pushback-ms"];

/// Where something is wrong at the top of a request of protobuf.
const LOGS_REQUEST: &str = "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest";

/// A server whose queue is full: its next answers are refusals.
fn overloaded() -> Server {
    let server = Server::with("{queue_size: 1, num_consumers: 1}", "", "");
    server.sink.answer(Verdict::Hold);
    while server.post_protobuf(LOGS, &logs_protobuf(0..1)).status == 200 {}
    // The other collector has a queue of its own.
    while server.post(Version::Alpn, LOGS, &fields(PROTOBUF, ""), &logs_protobuf(0..1)).status == 200 {}
    server
}

fn call(server: &Server, request: &[u8]) -> GrpcAnswer {
    grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, request)])
}

#[test]
fn s14_retryable_is_unavailable_and_permanent_is_invalid_argument() {
    let server = Server::start();
    assert_eq!(call(&server, b"\xff").code, Some(3));
    // RESOURCE_EXHAUSTED is retryable when it has a hint, and only then.
    for (status, code, retryable) in [(503, 14, true), (429, 8, true), (400, 3, false)] {
        server.sink.answer(Verdict::Status(status));
        let answer = call(&server, &logs_protobuf(0..1));
        assert_eq!(answer.code, Some(code), "{status}: {answer:?}");
        assert_eq!(answer.header("grpc-status-details-bin").is_some(), retryable, "{status}: {answer:?}");
    }
}

#[test]
fn s15_overload_is_signalled_with_every_hint_that_clients_read() {
    let server = overloaded();
    let refused = call(&server, &logs_protobuf(0..1));
    assert_eq!(refused.code, Some(14));
    let details = RpcStatus::of_grpc(&refused).expect("details");
    let delay = details.retry_delay.expect("RetryInfo");
    assert_eq!((details.code, details.violations.len()), (14, 0));
    // The other two say the same, the last one in whole milliseconds.
    let retry_info = unbase64(refused.header("google.rpc.retryinfo-bin").expect("RetryInfo"));
    let any = [field(1, b"type.googleapis.com/google.rpc.RetryInfo"), field(2, &retry_info)].concat();
    assert_eq!(RpcStatus::of_protobuf(&field(3, &any)).retry_delay, Some(delay));
    let pushback: f64 = refused.header("grpc-retry-pushback-ms").unwrap().parse().unwrap();
    assert!((pushback - delay * 1000.0).abs() < 1.0, "{pushback} ms, {delay} s");
    for way in ways() {
        let refused = server.send(way, LOGS, &way.logs(0..1));
        let status = way.status_of(&refused);
        assert_eq!((refused.status, status.code), (503, 14), "{way:?}");
        let (delay, seconds) = (status.retry_delay.expect("RetryInfo"), retry_after(&refused));
        // Rounded up, so that nobody comes too early.
        assert!((delay..delay + 1.0).contains(&seconds), "{way:?}: {seconds} s, {delay} s");
    }
}

fn retry_after(answer: &Answer) -> f64 {
    let seconds: u32 = answer.header("retry-after").expect("Retry-After").parse().expect("whole seconds");
    f64::from(seconds)
}

#[test]
fn s16_the_delay_is_long_enough_to_recover_and_short_enough_to_wait() {
    let server = overloaded();
    for _ in 0..20 {
        let refused = call(&server, &logs_protobuf(0..1));
        let delay = RpcStatus::of_grpc(&refused).and_then(|status| status.retry_delay).expect("RetryInfo");
        assert!((1.0..=5.0).contains(&delay), "{delay} s");
    }
}

/// 411 is missing because a request that announces no body has none, as in Go.
#[test]
fn s28_what_is_wrong_with_a_request_is_told_in_its_format() {
    let server = Server::with("{enabled: false}", "", "max_request_body_size: 1000");
    for way in ways() {
        let large = (way.encode)(&vec![b' '; 1001]);
        let wrong = (way.encode)(b"\xff");
        let fields = way.fields();
        for (method, path, fields, body, expected) in [
            ("POST", LOGS, &fields, &wrong, (400, 3)),
            ("POST", "/v1/nothing", &fields, &wrong, (404, 12)),
            ("GET", LOGS, &fields, &Vec::new(), (405, 12)),
            ("POST", LOGS, &fields, &large, (413, 8)),
            ("POST", LOGS, &super::fields(way.content_type, "br"), &wrong, (415, 12)),
        ] {
            let answer = server.ask(way.version, method, path, fields, body);
            let status = way.status_of(&answer);
            assert_eq!((answer.status, status.code), expected, "{way:?} {status:?}");
        }
    }
    // A request that names no format is answered in the one that people read.
    for version in VERSIONS {
        for content_type in ["text/plain", ""] {
            let answer = server.post(version, LOGS, &fields(content_type, ""), b"x");
            assert_eq!(answer.header("content-type"), Some(JSON));
            assert_eq!((answer.status, RpcStatus::of_http(&answer).code), (415, 3), "{version:?}");
        }
    }
    let head =
        format!("POST {LOGS} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nConnection: close\r\n\r\n");
    let answer = request(server.plain.http(), &head, b"").unwrap();
    assert_eq!((answer.status, RpcStatus::of_http(&answer).code), (400, 3), "no length, and no JSON");
}

#[test]
fn s28_the_verdict_of_a_destination_is_told_in_the_format_of_the_request() {
    let server = Server::start();
    for (told, expected) in [
        (400, (400, 3)),
        (401, (401, 16)),
        (403, (403, 7)),
        (404, (404, 12)),
        (413, (413, 8)),
        (429, (429, 8)),
        (500, (500, 2)),
        (502, (503, 14)),
        (503, (503, 14)),
    ] {
        server.sink.answer(Verdict::Status(told));
        for way in ways() {
            let answer = server.send(way, LOGS, &way.logs(0..1));
            let status = way.status_of(&answer);
            assert_eq!((answer.status, status.code), expected, "{told} {way:?} {status:?}");
            let retryable = matches!(told, 429 | 503);
            assert_eq!(answer.header("retry-after").is_some(), retryable, "{told} {way:?}");
            assert_eq!(status.retry_delay.is_some(), retryable, "{told} {way:?}");
        }
    }
}

#[test]
fn s28_who_is_not_let_in_is_told_so_in_the_format_of_the_request() {
    let server = Server::with("{enabled: false}", "", "auth: {authenticator: bearertokenauth}");
    for way in ways() {
        for path in [LOGS, "/v1/nothing"] {
            let answer = server.send(way, path, &way.logs(0..1));
            assert_eq!((answer.status, way.status_of(&answer).code), (401, 16), "{way:?} {path}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{way:?} {path}");
        }
        let fields = [&way.fields()[..], &[("authorization", "Bearer sesame")]].concat();
        let answer = server.post(way.version, LOGS, &fields, &(way.encode)(&way.logs(0..1)));
        assert_eq!(answer.status, 200, "{way:?}");
    }
}

#[test]
fn s28_a_body_that_does_not_arrive_in_time_is_told_in_the_format_of_the_request() {
    let server = Server::with("{enabled: false}", "", "read_timeout: 20ms");
    for way in ways() {
        let (fields, body) = (way.fields(), (way.encode)(&way.logs(0..1)));
        let sent = Sent { method: "POST", path: LOGS, fields: &fields, body: &body, ends: false };
        let answer = server.talk(way.version, &[sent]).pop().unwrap();
        assert_eq!((answer.status, way.status_of(&answer).code), (408, 4), "{way:?}");
    }
}

/// A head that cannot be read names no format: the answer is in the one that people read.
#[test]
fn s28_a_head_that_cannot_be_read_is_answered_nevertheless() {
    let server = Server::start();
    let long = "x".repeat(16 * 1024);
    let large = [("content-type", PROTOBUF), ("x-long", &long)];
    for (head, expected) in [
        (format!("POST {LOGS} HTTP/1.1\r\nContent Type: x\r\n\r\n"), (400, 3)),
        ("hello\r\n\r\n".to_owned(), (400, 3)),
        (format!("POST {LOGS} HTTP/1.1\r\nX-Long: {long}\r\n\r\n"), (431, 8)),
    ] {
        for to in [server.plain.http(), server.grpc()] {
            let answer = request(to, &head, b"").unwrap();
            let status = RpcStatus::of_http(&answer);
            assert_eq!((answer.status, status.code), expected, "{head:.50} {status:?}");
            assert_eq!(answer.header("connection"), Some("close"));
        }
    }
    let answer = server.post(Version::One, LOGS, &large, b"");
    assert_eq!((answer.status, RpcStatus::of_http(&answer).code), (431, 8));
    // Over HTTP/2, the limit is one of the settings that the client has been told: one that does not heed it
    // gets the status alone, from the library, which says no more.
    for version in [Version::Two, Version::Alpn] {
        let answer = server.post(version, LOGS, &large, b"");
        assert_eq!((answer.status, answer.body.len()), (431, 0), "{version:?}");
    }
}

#[test]
fn s29_malformed_data_is_a_bad_request_that_says_where() {
    let server = Server::start();
    for way in ways() {
        let cases: Vec<(_, Vec<u8>, _, _)> = if way.is_json() {
            let span = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"},{"traceId":"abc"}]}]}]}"#;
            vec![
                (TRACES, span.to_vec(), "resourceSpans[0].scopeSpans[0].spans[1].traceId", "at byte 67"),
                (LOGS, b"{\"resourceLogs\":[".to_vec(), "resourceLogs[0]", "at byte 17"),
                (LOGS, b"\xff".to_vec(), "", "at byte 0"),
            ]
        } else {
            let spans = [field(2, &field(5, b"x")), field(2, &field(1, b"abc"))].concat();
            let whole = logs_protobuf(0..1);
            let cut_off = whole[..whole.len() - 1].to_vec();
            vec![
                (
                    TRACES,
                    field(1, &field(2, &spans)),
                    "resource_spans[0].scope_spans[0].spans[1].trace_id",
                    "at byte 11",
                ),
                (LOGS, cut_off, "resource_logs[0]", "at byte 1"),
                (LOGS, b"\xff\xff".to_vec(), LOGS_REQUEST, "at byte 0"),
            ]
        };
        for (path, body, name, said) in cases {
            let answer = server.send(way, path, &body);
            let status = way.status_of(&answer);
            assert_eq!((answer.status, status.code), (400, 3), "{way:?} {status:?}");
            let [(found, description)] = &status.violations[..] else { panic!("one violation: {status:?}") };
            assert_eq!(found, name, "{way:?} {status:?}");
            assert!(description.contains(said), "{way:?} {status:?}");
        }
        if !way.encoding.is_empty() {
            let answer = server.post(way.version, LOGS, &way.fields(), b"neither of them");
            let status = way.status_of(&answer);
            assert_eq!((answer.status, status.code), (400, 3), "{way:?} {status:?}");
            assert_eq!(status.violations[0].0, "content-encoding");
        }
    }
    // Text that is not UTF-8 would cost the sender its whole batch, here or at the next strict hop: it is repaired.
    let text = field(1, &field(2, &field(2, &field(5, &field(1, b"a\xffb")))));
    assert_eq!(server.post_protobuf(LOGS, &text).status, 200);
    assert!(server.sink.bodies().concat().windows(3).any(|window| window == b"a?b"));
}

#[test]
fn s29_malformed_data_says_where_over_grpc_too() {
    let server = Server::start();
    let whole = logs_protobuf(0..1);
    let cut_off = framed(0, &whole[..whole.len() - 1]);
    let shorter = framed(0, &whole)[..whole.len()].to_vec();
    for (encoding, message, name, said) in [
        ("identity", cut_off, "resource_logs[0]", "at byte 1"),
        ("identity", framed(0, b"\xff\xff"), LOGS_REQUEST, "at byte 0"),
        ("identity", framed(7, b""), "", "flag"),
        ("identity", shorter, "", "cut off"),
        ("gzip", framed(1, b"no"), "grpc-encoding", "gzip"),
        ("zstd", framed(1, b"no"), "grpc-encoding", "zstd"),
    ] {
        let answer = grpc(server.grpc(), GRPC_LOGS, &[("grpc-encoding", encoding)], &[&message]);
        let status = RpcStatus::of_grpc(&answer).unwrap_or_else(|| panic!("{said}: {answer:?}"));
        assert_eq!((answer.code, status.code), (Some(3), 3), "{status:?}");
        let [(found, description)] = &status.violations[..] else { panic!("one violation: {status:?}") };
        assert_eq!(found, name, "{status:?}");
        assert!(description.contains(said), "{status:?}");
        for hint in &HINTS[1..] {
            assert_eq!(answer.header(hint), None, "{hint}: it is permanent");
        }
    }
}

#[test]
fn s29_the_place_of_malformed_data_has_a_bounded_size() {
    let server = Server::start();
    let deep = (0..49).fold(field(1, b"\x00"), |value, _| field(6, &field(1, &field(2, &value))));
    let wrong = [deep, field(1, b"")].concat();
    let request = field(1, &field(2, &field(2, &field(5, &wrong))));
    let answer = call(&server, &request);
    let status = RpcStatus::of_grpc(&answer).unwrap_or_else(|| panic!("{answer:?}"));
    let (name, description) = &status.violations[0];
    assert!(name.len() > 500 && name.len() <= 1024 && description.len() <= 1024, "{status:?}");
    // Clients commonly accept 16 KiB of header fields.
    let size: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    assert!(size < 16 * 1024, "{size}");
}

#[test]
fn s30_overload_says_how_many_seconds_to_wait() {
    let server = overloaded();
    for way in ways() {
        let refused = server.send(way, LOGS, &way.logs(0..1));
        let seconds = retry_after(&refused);
        assert!((1.0..=5.0).contains(&seconds), "{way:?}: {seconds} s");
    }
}
