//! HTTP/2 at the level of frames.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use etalon_tests::WAIT;

use super::{Target, each};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;
/// Codes of errors, whichever a server prefers.
const ANY: &[u32] = &[1, 2, 3, 5, 6, 7, 8, 9, 11];

/// What must come of the frames.
#[derive(Clone, Copy, Debug)]
enum Expect {
    /// The connection ends, with one of these codes.
    Goaway(&'static [u32]),
    /// A stream is reset, or the connection ends, with one of these codes.
    Reset(&'static [u32]),
    /// Neither: at most an answer that refuses.
    Nothing,
}
use Expect::{Goaway, Nothing, Reset};

struct Row {
    id: &'static str,
    case: &'static str,
    /// What follows the preface and the settings.
    send: fn() -> Vec<u8>,
    expect: Expect,
    bound_kib: u64,
}

const ROWS: &[Row] = &[
    Row {
        id: "X1",
        case: "rapid reset",
        send: || {
            streams(5_000)
                .flat_map(|id| [request(id, 0), frame(RST_STREAM, 0, id, &8u32.to_be_bytes())].concat())
                .collect()
        },
        expect: Goaway(&[ENHANCE_YOUR_CALM]),
        bound_kib: 1024,
    },
    Row {
        id: "X2",
        case: "streams that the server is made to reset",
        send: || {
            streams(3_000)
                .flat_map(|id| [request(id, 0), frame(WINDOW_UPDATE, 0, id, &[0; 4])].concat())
                .collect()
        },
        expect: Goaway(&[PROTOCOL_ERROR, ENHANCE_YOUR_CALM]),
        bound_kib: 1024,
    },
    Row {
        id: "X3",
        case: "a header without end",
        send: || {
            let block = literal("x", &"y".repeat(16_000));
            [frame(HEADERS, 0, 1, &block), frame(CONTINUATION, 0, 1, &block).repeat(200)].concat()
        },
        expect: Goaway(ANY),
        bound_kib: 256,
    },
    Row {
        id: "X4",
        case: "a header of 4 KiB, 10,000 times",
        send: || {
            // Literal with incremental indexing, then references to it.
            let big = [&[0x40][..], &string("x"), &string(&"y".repeat(3_900))].concat();
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[base(), big, vec![0xbe; 10_000]].concat())
        },
        expect: Reset(ANY),
        bound_kib: 256,
    },
    Row {
        id: "X5",
        case: "a flood of settings",
        send: || frame(SETTINGS, 0, 0, b"").repeat(20_000),
        expect: Goaway(&[ENHANCE_YOUR_CALM]),
        bound_kib: 1024,
    },
    Row {
        id: "X5",
        case: "a flood of pings",
        send: || frame(PING, 0, 0, &[0; 8]).repeat(20_000),
        expect: Goaway(&[ENHANCE_YOUR_CALM]),
        bound_kib: 1024,
    },
    Row {
        id: "X5",
        case: "a flood of priorities",
        send: || frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]).repeat(20_000),
        expect: Goaway(&[ENHANCE_YOUR_CALM]),
        bound_kib: 1024,
    },
    Row {
        id: "X5",
        case: "a flood of windows",
        send: || frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes()).repeat(20_000),
        expect: Goaway(&[ENHANCE_YOUR_CALM]),
        bound_kib: 1024,
    },
    Row {
        id: "X5",
        case: "a flood of empty data",
        send: || [request(1, 0), frame(DATA, 0, 1, b"").repeat(20_000)].concat(),
        expect: Goaway(ANY),
        bound_kib: 1024,
    },
    Row {
        id: "X6",
        case: "no window for 500 answers",
        send: || {
            let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
            [no_window, streams(500).flat_map(|id| request(id, END_STREAM)).collect()].concat()
        },
        expect: Nothing,
        bound_kib: 2048,
    },
    Row {
        id: "X8",
        case: "a reference to nothing",
        send: || frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0x7f]),
        expect: Goaway(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X8",
        case: "a table that is larger than allowed",
        send: || frame(HEADERS, END_HEADERS, 1, &[0x3f, 0xff, 0xff, 0xff, 0x7f]),
        expect: Goaway(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X8",
        case: "text that is not Huffman's",
        send: || frame(HEADERS, END_HEADERS, 1, &[0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, b'x']),
        expect: Goaway(&[COMPRESSION_ERROR, PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X9",
        case: "stream numbers that fall",
        send: || [request(5, 0), request(3, 0)].concat(),
        expect: Goaway(&[PROTOCOL_ERROR, 5]),
        bound_kib: 64,
    },
    Row {
        id: "X9",
        case: "data on stream 0",
        send: || frame(DATA, 0, 0, b"x"),
        expect: Goaway(&[PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X9",
        case: "more padding than frame",
        send: || [request(1, 0), frame(DATA, PADDED, 1, &[200, 0])].concat(),
        expect: Goaway(&[PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X10",
        case: "no path",
        send: || {
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[literal(":method", "GET"), literal(":scheme", "http")].concat(),
            )
        },
        expect: Reset(&[PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X10",
        case: "two paths",
        send: || frame(HEADERS, END_HEADERS | END_STREAM, 1, &[base(), literal(":path", "/")].concat()),
        expect: Reset(&[PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X10",
        case: "a name in upper case",
        send: || frame(HEADERS, END_HEADERS | END_STREAM, 1, &[base(), literal("X", "y")].concat()),
        expect: Reset(&[PROTOCOL_ERROR]),
        bound_kib: 64,
    },
    Row {
        id: "X10",
        case: "a header of HTTP/1",
        send: || {
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[base(), literal("connection", "close")].concat())
        },
        expect: Reset(&[PROTOCOL_ERROR]),
        bound_kib: 64,
    },
];

pub(super) fn rows() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.id).chain(["X7"]).collect()
}

fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).expect("a frame of a test").to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// HPACK: a text that is not packed.
fn string(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    if text.len() < 127 {
        bytes.push(u8::try_from(text.len()).expect("seven bits"));
    } else {
        bytes.push(127);
        let mut rest = text.len() - 127;
        while rest > 127 {
            bytes.push(0x80 | u8::try_from(rest & 127).expect("seven bits"));
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).expect("seven bits"));
    }
    bytes.extend(text.as_bytes());
    bytes
}

/// HPACK: a field that is not remembered.
fn literal(name: &str, value: &str) -> Vec<u8> {
    [vec![0], string(name), string(value)].concat()
}

fn base() -> Vec<u8> {
    [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/logs"),
        (":authority", "x"),
        ("content-type", "application/json"),
    ]
    .map(|(name, value)| literal(name, value))
    .concat()
}

fn request(stream: u32, flags: u8) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, &base())
}

/// What has come back.
#[derive(Debug, Default)]
struct Seen {
    goaways: Vec<u32>,
    resets: Vec<u32>,
    /// Whether a ping behind all of it was answered.
    kept: bool,
}

const MARK: &[u8; 8] = b"the end.";

/// Sends frames and a ping behind them, and reads until that is answered or the connection ends.
fn converse(to: SocketAddr, frames: Vec<u8>) -> Seen {
    let stream = TcpStream::connect(to).expect("a connection");
    stream.set_read_timeout(Some(WAIT)).expect("a timeout");
    let mut writer = stream.try_clone().expect("a second handle");
    let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, b"")].concat();
    let sent = [hello, frames, frame(PING, 0, 0, MARK)].concat();
    // The server may end the connection at any moment.
    let writing = thread::spawn(move || writer.write_all(&sent).ok());
    let (mut seen, mut reader) = (Seen::default(), BufReader::new(&stream));
    let mut header = [0; 9];
    while !seen.kept && reader.read_exact(&mut header).is_ok() {
        let len = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut content = vec![0; len as usize];
        if reader.read_exact(&mut content).is_err() {
            break;
        }
        let code = |at: usize| u32::from_be_bytes(content[at..at + 4].try_into().expect("four bytes"));
        match header[3] {
            RST_STREAM => seen.resets.push(code(0)),
            // The first of a graceful end has no error.
            GOAWAY if code(4) != 0 => seen.goaways.push(code(4)),
            PING if header[4] == 1 && content == MARK => seen.kept = true,
            _ => {}
        }
    }
    stream.shutdown(std::net::Shutdown::Both).ok();
    writing.join().expect("the writer does not panic");
    seen
}

#[test]
fn frames_of_http_2_that_are_malformed_or_too_many() {
    let target = Target::start();
    each(ROWS, |row| {
        for (port, to) in [("http", target.0.http()), ("grpc", target.0.grpc())] {
            target.survives(row.id, &format!("{} to {port}", row.case), row.bound_kib, || {
                let seen = converse(to, (row.send)());
                let right = match row.expect {
                    Goaway(codes) => !seen.kept && seen.goaways.iter().any(|code| codes.contains(code)),
                    Reset(codes) => {
                        // Refusing the request with an answer would do as well, and keeps the connection.
                        seen.resets.iter().chain(&seen.goaways).any(|code| codes.contains(code)) || seen.kept
                    }
                    Nothing => seen.kept && seen.resets.iter().all(|code| *code == 0),
                };
                assert!(right, "{} {} to {port}: {:?} {seen:?}", row.id, row.case, row.expect);
            });
        }
    });
}

#[test]
fn x7_more_streams_than_agreed_are_refused_one_by_one() {
    let target = Target::with("max_concurrent_streams: 10", "");
    target.survives("X7", "streams with one byte each", 1024, || {
        let open = |id| [request(id, 0), frame(DATA, 0, id, b"x")].concat();
        let seen = converse(target.0.grpc(), streams(30).flat_map(open).collect());
        assert!(seen.kept, "{seen:?}");
        // The server answers what is no gRPC, which frees places: at least some are refused for want of one.
        assert!(seen.resets.iter().filter(|code| **code == REFUSED_STREAM).count() >= 10, "{seen:?}");
    });
}
