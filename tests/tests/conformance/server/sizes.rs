//! Limits of requests.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use etalon_tests::{framed, grpc};

use super::*;

const MIB: usize = 1024 * 1024;

fn limited() -> Server {
    Server::with("{enabled: false}", "max_recv_msg_size_mib: 1", &format!("max_request_body_size: {MIB}"))
}

#[test]
fn s02_grpc_requests_are_limited_before_and_after_decompression() {
    let server = limited();
    for (len, code) in [(MIB - 1, 0), (MIB, 0), (MIB + 1, 8)] {
        let plain = grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, &padded(len))]);
        assert_eq!(plain.code, Some(code), "{len}: {plain:?}");
        for (encoding, encode) in &ENCODINGS[1..] {
            let message = framed(1, &encode(&padded(len)));
            let packed = grpc(server.grpc(), GRPC_LOGS, &[("grpc-encoding", encoding)], &[&message]);
            assert_eq!(packed.code, Some(code), "{encoding} {len}: {packed:?}");
        }
    }
}

#[test]
fn s03_the_limit_is_64_mib_unless_configured() {
    let server = Server::start();
    let large = padded(60 * MIB);
    assert_eq!(grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, &large)]).code, Some(0));
    for version in VERSIONS {
        assert_eq!(server.post(version, LOGS, &fields(PROTOBUF, ""), &large).status, 200, "{version:?}");
    }
    // What is compressed counts with its size after that.
    for way in ways().filter(|way| !way.encoding.is_empty()) {
        for (len, status) in [(64 * MIB, 200), (64 * MIB + 1, 413)] {
            assert_eq!(server.send(way, LOGS, &way.padded(len)).status, status, "{way:?} {len}");
        }
    }
    let larger = framed(0, &padded(64 * MIB + 1));
    assert_eq!(grpc(server.grpc(), GRPC_LOGS, &[], &[&larger]).code, Some(8));
    let limited = limited();
    assert_eq!(grpc(limited.grpc(), GRPC_LOGS, &[], &[&framed(0, &padded(MIB + 1))]).code, Some(8));
}

#[test]
fn s04_over_the_limit_is_resource_exhausted_without_a_hint_to_try_again() {
    let server = limited();
    let answer = grpc(server.grpc(), GRPC_LOGS, &[], &[&framed(0, &padded(MIB + 1))]);
    assert_eq!(answer.code, Some(8));
    for hint in ["grpc-status-details-bin", "google.rpc.retryinfo-bin", "grpc-retry-pushback-ms"] {
        assert_eq!(answer.header(hint), None, "{hint}");
    }
}

#[test]
fn s26_http_bodies_are_limited_before_and_after_decompression() {
    let server = limited();
    for way in ways() {
        for (len, status) in [(MIB, 200), (MIB + 1, 413)] {
            assert_eq!(server.send(way, LOGS, &way.padded(len)).status, status, "{way:?} {len}");
        }
    }
    let zeros = vec![0; 64 * MIB];
    for (encoding, encode) in &ENCODINGS[1..] {
        let bomb = encode(&zeros);
        assert!(bomb.len() < MIB);
        for way in ways().filter(|way| way.encoding == *encoding) {
            assert_eq!(server.post(way.version, LOGS, &way.fields(), &bomb).status, 413, "{way:?}");
        }
    }
    // A length that is announced is refused before anything arrives, and one that is not when it is too much.
    let announced = format!("Content-Length: {}\r\n\r\n", MIB + 1);
    let chunked =
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", MIB + 1, "x".repeat(MIB + 1));
    for end in [announced, chunked] {
        let mut stream = TcpStream::connect(server.plain.http()).unwrap();
        let head = format!("POST {LOGS} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n");
        stream.write_all(&[head, end].concat().into_bytes()).unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).unwrap();
        assert!(received.starts_with("HTTP/1.1 413 "), "{received}");
    }
}
