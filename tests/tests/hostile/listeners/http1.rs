//! Malformed and oversized requests of HTTP/1: what comes back, and whether the connection ends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use etalon_tests::WAIT;

use super::{Target, each};

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Closed,
    /// It serves another request.
    Kept,
}
use Fate::{Closed, Kept};

struct Row {
    id: &'static str,
    case: &'static str,
    send: fn() -> Vec<u8>,
    /// Statuses of the first answer, any of which will do; 0 is no answer at all.
    statuses: &'static [u16],
    fate: Fate,
}

const ROWS: &[Row] = &[
    Row {
        id: "N5",
        case: "a body of 1 TiB is announced",
        send: || posted("Content-Length: 1099511627776\r\n", ""),
        statuses: &[413],
        fate: Closed,
    },
    Row {
        id: "N6",
        case: "more than the body",
        send: || posted("Content-Length: 2\r\n", "{}garbage\r\n\r\n"),
        statuses: &[200],
        fate: Closed,
    },
    Row {
        id: "N7",
        case: "a length and chunks: chunks count, as RFC 9112 has it",
        send: || posted("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        statuses: &[200, 400],
        fate: Closed,
    },
    Row {
        id: "N7",
        case: "two lengths",
        send: || posted("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N7",
        case: "chunks that are not the last coding",
        send: || posted("Transfer-Encoding: chunked, identity\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N7",
        case: "a length that is no number",
        send: || posted("Content-Length: +2\r\n", "{}"),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N8",
        case: "a chunk of 2^64 bytes",
        send: || posted("Transfer-Encoding: chunked\r\n", "10000000000000000\r\n{}"),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N8",
        case: "a chunk of -1 byte",
        send: || posted("Transfer-Encoding: chunked\r\n", "-1\r\n{}"),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N8",
        case: "a chunk extension of 1 MiB",
        send: || {
            posted(
                "Transfer-Encoding: chunked\r\n",
                &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1 << 20)),
            )
        },
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N8",
        case: "trailers of 1 MiB",
        send: || {
            posted(
                "Transfer-Encoding: chunked\r\n",
                &format!("2\r\n{{}}\r\n0\r\n{}\r\n", "A: b\r\n".repeat(1 << 18)),
            )
        },
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N9",
        case: "a header line of 64 KiB",
        send: || posted(&format!("X: {}\r\n", "x".repeat(1 << 16)), ""),
        statuses: &[0, 431],
        fate: Closed,
    },
    Row {
        id: "N9",
        case: "10,000 header fields",
        send: || posted(&"A: b\r\n".repeat(10_000), ""),
        statuses: &[0, 431],
        fate: Closed,
    },
    Row {
        id: "N9",
        case: "a target of 64 KiB",
        send: || format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1 << 16)).into_bytes(),
        statuses: &[0, 414, 431],
        fate: Closed,
    },
    Row {
        id: "N10",
        case: "a NUL in a header field",
        send: || posted("X: a\0b\r\n", ""),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N10",
        case: "a folded header field",
        send: || posted("X: a\r\n b\r\n", ""),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N10",
        case: "a space in the name of a header field",
        send: || posted("X Y: a\r\n", ""),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N10",
        case: "a header of the PROXY protocol",
        send: || b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n".to_vec(),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N11",
        case: "bytes that are nothing",
        send: || (0..=255).cycle().take(10_000).collect(),
        statuses: &[0, 400],
        fate: Closed,
    },
    Row {
        id: "N11",
        case: "a TLS handshake",
        send: || b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        statuses: &[0],
        fate: Closed,
    },
    Row {
        id: "N13",
        case: "an upgrade to HTTP/2",
        send: || {
            posted(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n",
                "{}",
            )
        },
        statuses: &[200],
        fate: Kept,
    },
    Row {
        id: "N13",
        case: "CONNECT",
        send: || b"CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n".to_vec(),
        statuses: &[0, 400, 404, 405],
        fate: Kept,
    },
    Row {
        id: "N13",
        case: "TRACE",
        send: || b"TRACE /v1/logs HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        statuses: &[405],
        fate: Kept,
    },
    Row {
        id: "N13",
        case: "OPTIONS *",
        send: || b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        statuses: &[404],
        fate: Kept,
    },
    Row {
        id: "N13",
        case: "a target with a host",
        send: || b"GET http://evil/v1/logs HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        statuses: &[405],
        fate: Kept,
    },
];

/// A POST of JSON, with these fields and whatever follows them.
fn posted(fields: &str, rest: &str) -> Vec<u8> {
    format!("POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{fields}\r\n{rest}")
        .into_bytes()
}

pub(super) fn rows() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.id).collect()
}

/// Sends bytes, then a last request, and reads to the end.
pub(super) fn exchange(to: SocketAddr, sent: &[u8]) -> String {
    const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(to).expect("a connection");
    stream.set_read_timeout(Some(WAIT)).expect("a timeout");
    // The server may have closed the connection already.
    if stream.write_all(sent).is_ok() {
        stream.write_all(LAST).ok();
    }
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(&received)),
    }
    String::from_utf8_lossy(&received).into_owned()
}

#[test]
fn requests_of_http_1_that_are_malformed_or_too_large() {
    let target = Target::start();
    each(ROWS, |row| {
        target.survives(row.id, row.case, 64, || {
            let received = exchange(target.0.http(), &(row.send)());
            let status = received.split(' ').nth(1).map_or(0, |status| status.parse().unwrap_or(0));
            assert!(row.statuses.contains(&status), "{} {}: {received}", row.id, row.case);
            // The path of the last request is in the answer to it.
            let fate = if received.contains("nothing is served at /last") { Kept } else { Closed };
            assert!(fate == row.fate || status == 0, "{} {}: {fate:?}\n{received}", row.id, row.case);
        });
    });
    let storm = target.0.lines().iter().filter(|line| line["level"] == "warn").count();
    assert!(storm <= 10, "{storm} warnings");
}
