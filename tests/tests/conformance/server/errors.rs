//! What a failure says.

use etalon_tests::{GrpcAnswer, Verdict, framed, grpc, logs};

use super::*;

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
fn s15_overload_is_signalled() {
    let server = overloaded();
    let refused = call(&server, &logs_protobuf(0..1));
    assert_eq!(refused.code, Some(14));
    for hint in ["grpc-status-details-bin", "google.rpc.retryinfo-bin", "grpc-retry-pushback-ms"] {
        assert!(refused.header(hint).is_some(), "{hint}");
    }
    for version in VERSIONS {
        let refused = server.post(version, LOGS, &fields(PROTOBUF, ""), &logs_protobuf(0..1));
        assert_eq!(refused.status, 503, "{version:?}");
        assert!(refused.header("retry-after").is_some(), "{version:?}");
    }
}

#[test]
fn s16_the_delay_is_long_enough_to_recover_and_short_enough_to_wait() {
    let server = overloaded();
    for _ in 0..20 {
        let refused = call(&server, &logs_protobuf(0..1));
        let millis: u64 = refused.header("grpc-retry-pushback-ms").unwrap().parse().unwrap();
        assert!((1000..=5000).contains(&millis), "{millis} ms");
    }
}

#[test]
fn s28_every_failure_has_a_status_in_the_format_of_the_request() {
    let server = Server::with("{enabled: false}", "", "max_request_body_size: 1000");
    let large = vec![b' '; 1001];
    for version in VERSIONS {
        for content_type in [PROTOBUF, JSON] {
            let plain = fields(content_type, "");
            for (method, path, fields, body, expected) in [
                ("POST", LOGS, &plain, &b"\xff"[..], (400, 3)),
                ("POST", "/v1/nothing", &plain, b"", (404, 12)),
                ("GET", LOGS, &plain, b"", (405, 12)),
                ("POST", LOGS, &plain, &large, (413, 8)),
                ("POST", LOGS, &fields(content_type, "br"), b"x", (415, 12)),
            ] {
                let answer = server.ask(version, method, path, fields, body);
                assert_eq!(answer.header("content-type"), Some(content_type), "{version:?} {expected:?}");
                let (code, message) = status_of(&answer);
                assert_eq!((answer.status, code), expected, "{version:?} {content_type} {message}");
                assert!(!message.is_empty());
            }
        }
        // A request that names no format is answered in the one that people read.
        for content_type in ["text/plain", ""] {
            let answer = server.post(version, LOGS, &fields(content_type, ""), b"x");
            assert_eq!((answer.status, status_of(&answer).0), (415, 3), "{version:?} {content_type}");
            assert_eq!(answer.header("content-type"), Some(JSON));
        }
    }
    server.sink.answer(Verdict::Status(503));
    let answer = server.post(Version::One, LOGS, &fields(JSON, ""), &logs(0..1));
    assert_eq!((answer.status, status_of(&answer).0), (503, 14));
}

#[test]
fn s29_malformed_data_is_a_bad_request() {
    let server = Server::start();
    let whole = logs_protobuf(0..1);
    for version in VERSIONS {
        for (content_type, encoding, body) in [
            (PROTOBUF, "", &whole[..whole.len() - 1]),
            (PROTOBUF, "", b"\xff\xff"),
            (JSON, "", b"{\"resourceLogs\":["),
            (JSON, "", b"\xff"),
            (PROTOBUF, "gzip", b"not gzip"),
            (JSON, "zstd", b"not zstd"),
        ] {
            let answer = server.post(version, LOGS, &fields(content_type, encoding), body);
            assert_eq!(
                (answer.status, status_of(&answer).0),
                (400, 3),
                "{version:?} {content_type} {encoding} {body:?}"
            );
        }
    }
    // Text that is not UTF-8 would cost the sender its whole batch, here or at the next strict hop: it is repaired.
    let text = field(1, &field(2, &field(2, &field(5, &field(1, b"a\xffb")))));
    assert_eq!(server.post_protobuf(LOGS, &text).status, 200);
    assert!(server.sink.bodies().concat().windows(3).any(|window| window == b"a?b"));
}

#[test]
fn s30_overload_says_how_many_seconds_to_wait() {
    let server = overloaded();
    for version in VERSIONS {
        for _ in 0..10 {
            let refused = server.post(version, LOGS, &fields(JSON, ""), &logs(0..1));
            let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=5).contains(&seconds), "{seconds} s");
        }
    }
}
