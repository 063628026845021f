//! What a success says, and what a partial one does.

use etalon_tests::{Verdict, framed, grpc, logs};

use super::*;

/// Bytes of a message that is longer than any of ours; the exporter reads answers of up to 64 KiB.
const LONG: usize = 60_000;

/// A sink that has rejected some items, with a message.
fn rejecting(server: &Server, rejected: u64, message: &str) {
    let number = [vec![0x08], varint(rejected)].concat();
    let partial = [if rejected == 0 { Vec::new() } else { number }, field(2, message.as_bytes())].concat();
    server.sink.answer(Verdict::Answer(field(1, &partial)));
}

/// The answers to the same log records over gRPC and over each version of HTTP, as protobuf.
fn answers(server: &Server) -> Vec<Vec<u8>> {
    let mut answers = vec![{
        let answer = grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, &logs_protobuf(0..10))]);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert_eq!(answer.body[0], 0, "not compressed");
        answer.body[5..].to_vec()
    }];
    for version in VERSIONS {
        let answer = server.post(version, LOGS, &fields(PROTOBUF, ""), &logs_protobuf(0..10));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(PROTOBUF)), "{version:?}");
        answers.push(answer.body);
    }
    answers
}

#[test]
fn s05_the_answer_is_the_response_message_of_the_signal() {
    let server = Server::start();
    rejecting(&server, 3, "three");
    for answer in answers(&server) {
        assert_eq!(partial_success(&answer), (3, "three".to_owned()));
    }
    // In JSON, the name of the count tells the signals apart.
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;
    let points =
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}"#;
    let records = String::from_utf8(logs(0..1)).unwrap();
    for (path, request, count) in [
        (TRACES, spans, "rejectedSpans"),
        ("/v1/metrics", points, "rejectedDataPoints"),
        (LOGS, &records, "rejectedLogRecords"),
    ] {
        let answer = server.post_json(path, request);
        let expected = serde_json::json!({"partialSuccess": {count: "3", "errorMessage": "three"}});
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(told, expected, "{path}");
    }
}

#[test]
fn s06_the_size_of_an_answer_is_limited() {
    let server = Server::start();
    rejecting(&server, 3, &"x".repeat(LONG));
    for answer in answers(&server) {
        assert!(answer.len() < LONG / 2, "{}", answer.len());
    }
}

#[test]
fn s07_an_answer_that_is_too_large_loses_text_and_not_its_meaning() {
    let server = Server::start();
    rejecting(&server, 3, &"\u{e4}".repeat(LONG / 2));
    for answer in answers(&server) {
        // Reading it checks that the message ends at a character.
        let (rejected, message) = partial_success(&answer);
        assert_eq!(rejected, 3);
        assert!(message.len() > 1000 && message.chars().all(|character| character == '\u{e4}'));
    }
}

#[test]
fn s08_an_answer_always_fits() {
    // There is no key for the limit, so there is no answer that does not fit: the longest is a few KiB.
    let server = Server::start();
    rejecting(&server, u64::from(u32::MAX), &"x".repeat(LONG));
    for answer in answers(&server) {
        assert!(answer.len() < 8 * 1024, "{}", answer.len());
    }
}

#[test]
fn s10_on_full_success_partial_success_is_not_set() {
    let server = Server::start();
    for answer in answers(&server) {
        assert_eq!(answer, b"");
    }
    for version in VERSIONS {
        assert_eq!(server.post(version, LOGS, &fields(JSON, ""), &logs(0..1)).text(), "{}");
    }
    // A destination that sets it without saying anything, as the Go collector does, is fully successful too.
    server.sink.answer(Verdict::Answer(field(1, b"")));
    for answer in answers(&server) {
        assert_eq!(answer, b"");
    }
}

#[test]
fn s11_a_partial_success_says_how_many_items_were_rejected() {
    let server = Server::start();
    rejecting(&server, 3, "three are wrong");
    for answer in answers(&server) {
        assert_eq!(partial_success(&answer).0, 3);
    }
}

#[test]
fn s12_a_partial_success_says_why() {
    let server = Server::start();
    rejecting(&server, 3, "three are wrong");
    for answer in answers(&server) {
        assert!(partial_success(&answer).1.contains("three are wrong"));
    }
}

#[test]
fn s13_a_warning_rejects_nothing_and_says_something() {
    let server = Server::start();
    rejecting(&server, 0, "do not use this field");
    for answer in answers(&server) {
        assert_eq!(partial_success(&answer), (0, "do not use this field".to_owned()));
    }
}

#[test]
fn s27_success_is_200_with_the_response_message() {
    let server = Server::start();
    for version in VERSIONS {
        for (content_type, request, message) in
            [(PROTOBUF, logs_protobuf(0..1), ""), (JSON, logs(0..1), "{}")]
        {
            let answer = server.post(version, LOGS, &fields(content_type, ""), &request);
            assert_eq!((answer.status, answer.text().as_str()), (200, message), "{version:?} {content_type}");
        }
    }
}
