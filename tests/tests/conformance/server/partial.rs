//! What a success says, and what a partial one does.

use etalon_tests::{Verdict, framed, grpc};

use super::*;

/// Bytes of a message that is longer than any of ours; the exporter reads answers of up to 64 KiB.
const LONG: usize = 60_000;
/// No answer of ours is as long, in bytes.
const LONGEST: usize = 8 * 1024;

/// A sink that has rejected some items, with a message.
fn rejecting(server: &Server, rejected: u64, message: &str) {
    let number = [vec![0x08], varint(rejected)].concat();
    let partial = [if rejected == 0 { Vec::new() } else { number }, field(2, message.as_bytes())].concat();
    server.sink.answer(Verdict::Answer(field(1, &partial)));
}

/// Whatever way ten log records come, the answer is a partial success that says this.
#[track_caller]
fn told(server: &Server, expected: impl Fn(u64, &str) -> bool) {
    let answer = grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, &logs_protobuf(0..10))]);
    assert_eq!((answer.code, answer.body[0]), (Some(0), 0), "{answer:?}");
    assert!(answer.body.len() < LONGEST, "{}", answer.body.len());
    let (rejected, message) = partial_success(&answer.body[5..]);
    assert!(expected(rejected, &message), "gRPC: {rejected} {message:?}");
    for way in ways() {
        let answer = server.send(way, LOGS, &way.logs(0..10));
        assert!(answer.body.len() < LONGEST, "{way:?}: {}", answer.body.len());
        let (rejected, message) = way.partial_success(&answer);
        assert!(expected(rejected, &message), "{way:?}: {rejected} {message:?}");
    }
}

#[test]
fn s05_the_answer_is_the_response_message_of_the_signal() {
    let server = Server::start();
    rejecting(&server, 3, "three");
    told(&server, |rejected, message| (rejected, message) == (3, "three"));
    // In JSON, the name of the count tells the signals apart.
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;
    let points =
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}"#;
    let records = String::from_utf8(logs(0..1)).unwrap();
    for way in ways_of(JSON) {
        for (path, request, count) in [
            (TRACES, spans, "rejectedSpans"),
            (METRICS, points, "rejectedDataPoints"),
            (LOGS, &records, "rejectedLogRecords"),
        ] {
            let answer = server.send(way, path, request.as_bytes());
            let expected = serde_json::json!({"partialSuccess": {count: "3", "errorMessage": "three"}});
            let told: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(told, expected, "{way:?} {path}");
        }
    }
}

#[test]
fn s06_the_size_of_an_answer_is_limited() {
    let server = Server::start();
    rejecting(&server, 3, &"x".repeat(LONG));
    told(&server, |_, message| message.len() < LONG / 2);
}

#[test]
fn s07_an_answer_that_is_too_large_loses_text_and_not_its_meaning() {
    let server = Server::start();
    rejecting(&server, 3, &"\u{e4}".repeat(LONG / 2));
    // Reading it checks that the message ends at a character.
    told(&server, |rejected, message| {
        rejected == 3 && message.len() > 1000 && message.chars().all(|character| character == '\u{e4}')
    });
}

#[test]
fn s08_an_answer_always_fits() {
    // There is no key for the limit, so there is no answer that does not fit: the longest is a few KiB.
    let server = Server::start();
    rejecting(&server, u64::from(u32::MAX), &"x".repeat(LONG));
    told(&server, |rejected, message| rejected > 0 && !message.is_empty());
}

#[test]
fn s10_on_full_success_partial_success_is_not_set() {
    let server = Server::start();
    // A destination that sets it without saying anything, as the Go collector does, is fully successful too.
    for verdict in [Verdict::Accept, Verdict::Answer(field(1, b""))] {
        server.sink.answer(verdict);
        let answer = grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, &logs_protobuf(0..10))]);
        assert_eq!((answer.code, &answer.body[..]), (Some(0), &[0; 5][..]), "{answer:?}");
        for way in ways() {
            let answer = server.send(way, LOGS, &way.logs(0..10));
            assert_eq!((answer.status, &answer.body[..]), (200, way.empty()), "{way:?}");
        }
    }
}

#[test]
fn s11_a_partial_success_says_how_many_items_were_rejected() {
    let server = Server::start();
    rejecting(&server, 3, "three are wrong");
    told(&server, |rejected, _| rejected == 3);
}

#[test]
fn s12_a_partial_success_says_why() {
    let server = Server::start();
    rejecting(&server, 3, "three are wrong");
    told(&server, |_, message| message.contains("three are wrong"));
}

#[test]
fn s13_a_warning_rejects_nothing_and_says_something() {
    let server = Server::start();
    rejecting(&server, 0, "do not use this field");
    told(&server, |rejected, message| (rejected, message) == (0, "do not use this field"));
}

#[test]
fn s27_success_is_200_with_the_response_message() {
    let server = Server::start();
    for way in ways() {
        let answer = server.send(way, LOGS, &way.logs(0..1));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(way.content_type)), "{way:?}");
        assert_eq!(answer.body, way.empty(), "{way:?}");
    }
}
