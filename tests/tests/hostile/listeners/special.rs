//! Rows that need more than one exchange: slow clients, many clients, and clients that go away.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use etalon_tests::{WAIT, eventually, logs, post};

use super::http1::exchange;
use super::{SLACK_KIB, Target};

pub(super) const ROWS: &[&str] = &["N1", "N2", "N3", "N4", "N12", "N16", "N17", "G6"];

/// Small enough for a test; the defaults are 10 and 60 seconds.
const IMPATIENT: &str =
    "read_header_timeout: 300ms, read_timeout: 300ms, write_timeout: 1s, idle_timeout: 1s";

fn to_the_end(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(WAIT)).expect("a timeout");
    let mut received = Vec::new();
    // A reset is an end too.
    stream.read_to_end(&mut received).ok();
    String::from_utf8_lossy(&received).into_owned()
}

#[test]
fn n1_connections_that_say_nothing_cost_little_and_end() {
    let target = Target::with("", IMPATIENT);
    target.survives("N1", "idle connections", 300 * 16, || {
        let idle: Vec<_> = (0..300).map(|_| TcpStream::connect(target.0.http()).unwrap()).collect();
        for stream in idle {
            assert_eq!(to_the_end(stream), "");
        }
    });
}

#[test]
fn n2_a_header_that_does_not_end_is_given_up() {
    let target = Target::with("", IMPATIENT);
    target.survives("N2", "a slow header", 16, || {
        let mut stream = TcpStream::connect(target.0.http()).unwrap();
        stream.write_all(b"POST /v1/logs HTTP/1.1\r\nHost").unwrap();
        // The one row of HTTP/1 that is not answered: the client has not asked for anything yet.
        assert_eq!(to_the_end(stream), "");
    });
}

#[test]
fn n3_a_body_that_does_not_end_is_given_up() {
    let target = Target::with("", IMPATIENT);
    target.survives("N3", "a slow body", 1024, || {
        let mut stream = TcpStream::connect(target.0.http()).unwrap();
        let head = "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        let received = to_the_end(stream);
        assert!(received.starts_with("HTTP/1.1 408 "), "{received}");
    });
}

#[test]
fn n4_a_client_that_does_not_read_is_disconnected() {
    let target = Target::with("", IMPATIENT);
    target.survives("N4", "a client that does not read", 1024, || {
        let mut stream = TcpStream::connect(target.0.http()).unwrap();
        stream.set_write_timeout(Some(WAIT)).unwrap();
        let requests = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
        // The answers fill the buffers on the way, then the server stops reading, then it gives up.
        let error = loop {
            if let Err(error) = stream.write_all(&requests) {
                break error;
            }
        };
        assert!(
            matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe),
            "{error}"
        );
    });
}

#[test]
fn n12_requests_in_a_row_are_answered_in_order() {
    let target = Target::start();
    target.survives("N12", "1000 requests at once", 256, || {
        let requests: Vec<_> =
            (0..1000).map(|number| format!("GET /{number}. HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
        let received = exchange(target.0.http(), requests.concat().as_bytes());
        let mut rest = received.as_str();
        for number in 0..1000 {
            let path = format!("nothing is served at /{number}.");
            let at = rest.find(&path).unwrap_or_else(|| panic!("no answer to {number} behind the others"));
            rest = &rest[at + path.len()..];
        }
    });
}

#[test]
fn n16_a_request_that_is_cut_anywhere_is_taken_whole_or_not_at_all() {
    let target = Target::start();
    let body = logs(0..1);
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let whole = [head.as_bytes(), &body].concat();
    let accepted = || target.0.scrape().count("otelcol_receiver_accepted_log_records");
    // Each connection has a buffer of 64 KiB.
    let bound = whole.len() as u64 * 64;
    target.survives("N16", "cut off", bound, || {
        for end in 0..whole.len() {
            let mut stream = TcpStream::connect(target.0.http()).unwrap();
            stream.write_all(&whole[..end]).unwrap();
        }
        // A request that arrives later is behind all of them.
        assert_eq!(post(target.0.http(), "/v1/logs", "application/json", &body).status, 200);
        assert_eq!(accepted(), 1);
    });
}

#[test]
fn n17_without_descriptors_the_server_waits_and_then_serves() {
    let target = Target::start();
    let limit = format!("--nofile={0}:{0}", 64);
    let status = Command::new("prlimit").args(["--pid", &target.0.pid().to_string(), &limit]).status();
    assert!(status.expect("prlimit of util-linux can be run").success());
    target.survives("N17", "no descriptors left", 200 * 64, || {
        let many: Vec<_> = (0..200).map(|_| TcpStream::connect(target.0.http()).unwrap()).collect();
        target.0.wait_for("the shortage is told", |line| {
            line["msg"].as_str().is_some_and(|message| message.contains("Cannot accept connections"))
        });
        drop(many);
    });
}

#[test]
fn g6_calls_that_are_given_up_leave_nothing_behind() {
    let target = Target::start();
    let before = target.0.memory_kib();
    target.survives("G6", "2000 calls given up half-way", 8 * 1024, || {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(target.0.grpc()).unwrap();
            let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
            for number in 0..100u32 {
                let stream_id = (2 * number + 1).to_be_bytes();
                let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
                let literal = |name: &str, value: &str| [vec![0], text(name), text(value)].concat();
                let block = [
                    literal(":method", "POST"),
                    literal(":scheme", "http"),
                    literal(":path", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
                    literal("content-type", "application/grpc"),
                ]
                .concat();
                let frame = |kind: u8, flags: u8, content: &[u8]| {
                    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
                    [&len[1..], &[kind, flags], &stream_id, content].concat()
                };
                sent.extend(frame(1, 4, &block));
                // 1000 bytes are announced, and half of them come.
                sent.extend(frame(0, 0, &[&[0, 0, 0, 3, 0xe8][..], &[0; 500]].concat()));
            }
            stream.write_all(&sent).unwrap();
        }
    });
    eventually("the memory is back", || (target.0.memory_kib() <= before + 2 * SLACK_KIB).then_some(()));
}
