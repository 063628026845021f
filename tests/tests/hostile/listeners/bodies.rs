//! Bodies: bombs, damage, and requests that are valid by a hair or not.

use std::fmt::Write as _;
use std::io::Write as _;

use etalon_tests::{Identity, Version, exchange, field, gzip, varint, zstd};

use super::{MAX, Target, each};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const TRACES: &str = "/v1/traces";
const METRICS: &str = "/v1/metrics";
const LOGS: &str = "/v1/logs";

struct Row {
    id: &'static str,
    case: &'static str,
    path: &'static str,
    content_type: &'static str,
    encoding: &'static str,
    body: fn() -> Vec<u8>,
    status: u16,
    /// How many times the largest request it may take, in memory.
    bound: u64,
}

const PROTO: Row = Row {
    id: "",
    case: "",
    path: LOGS,
    content_type: PROTOBUF,
    encoding: "",
    body: Vec::new,
    status: 400,
    bound: 2,
};
const TEXT: Row = Row { content_type: JSON, path: TRACES, ..PROTO };
const GZIP: Row = Row { encoding: "gzip", content_type: JSON, ..PROTO };
const ZSTD: Row = Row { encoding: "zstd", ..GZIP };

const ROWS: &[Row] = &[
    Row { id: "D1", case: "a gzip bomb", body: || gzip(&vec![0; 256 * MAX]), status: 413, ..GZIP },
    Row { id: "D1", case: "a zstd bomb", body: || zstd(&vec![0; 256 * MAX]), status: 413, ..ZSTD },
    Row { id: "D2", case: "exactly as large as allowed", body: || gzip(&json_of(MAX)), status: 200, ..GZIP },
    Row { id: "D2", case: "one byte more", body: || gzip(&json_of(MAX + 1)), status: 413, ..GZIP },
    Row {
        id: "D4",
        case: "gzip in gzip",
        encoding: "gzip, gzip",
        body: || gzip(&gzip(b"{}")),
        status: 415,
        ..GZIP
    },
    Row {
        id: "D5",
        case: "cut off",
        body: || {
            let mut body = gzip(b"{}");
            body.pop();
            body
        },
        ..GZIP
    },
    Row { id: "D5", case: "a wrong checksum", body: || changed(gzip(b"{}"), 8), ..GZIP },
    Row { id: "D5", case: "a wrong size", body: || changed(gzip(b"{}"), 1), ..GZIP },
    Row { id: "D5", case: "something behind it", body: || [gzip(b"{}"), b"xyz".to_vec()].concat(), ..GZIP },
    Row {
        id: "D5",
        case: "10,000 empty members",
        body: || [gzip(b"").repeat(10_000), gzip(b"{}")].concat(),
        status: 200,
        ..GZIP
    },
    Row {
        id: "D6",
        case: "a window of 2 GiB",
        body: || b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00".to_vec(),
        ..ZSTD
    },
    Row {
        id: "D6",
        case: "a dictionary",
        body: || b"\x28\xb5\x2f\xfd\x21\x07\x02\x11\x00\x00{}".to_vec(),
        ..ZSTD
    },
    Row {
        id: "D6",
        case: "only a frame to skip",
        body: || b"\x50\x2a\x4d\x18\xff\xff\xff\x7f".to_vec(),
        ..ZSTD
    },
    Row {
        id: "D7",
        case: "deflate without its wrapper",
        encoding: "deflate",
        body: || b"\xab\xae\x05\x00".to_vec(),
        ..GZIP
    },
    Row {
        id: "D7",
        case: "brotli",
        encoding: "br",
        body: || b"\x0b\x00\x80{}\x03".to_vec(),
        status: 415,
        ..GZIP
    },
    Row { id: "P1", case: "values nested 30 deep", body: || logged(&nested(30)), status: 200, ..PROTO },
    Row { id: "P1", case: "values nested 10,000 deep", body: || logged(&nested(10_000)), ..PROTO },
    Row { id: "P1", case: "values nested 300,000 deep", body: || logged(&nested(300_000)), ..PROTO },
    // Bytes are never turned into objects: what nothing is in costs nothing.
    Row {
        id: "P2",
        case: "2 million empty envelopes",
        body: || b"\x0a\x00".repeat(MAX / 2),
        status: 200,
        ..PROTO
    },
    Row {
        id: "P3",
        case: "a million empty entries",
        body: || logged(&field(6, &b"\x0a\x00".repeat(1_000_000))),
        status: 200,
        ..PROTO
    },
    Row {
        id: "P4",
        case: "a histogram of 400,000 buckets",
        path: METRICS,
        body: || {
            let point = field(6, &[0; 8 * 400_000]);
            field(1, &field(2, &field(2, &field(9, &field(1, &point)))))
        },
        status: 200,
        ..PROTO
    },
    Row {
        id: "P5",
        case: "a number of 11 bytes",
        body: || [&[0x0a][..], &[0xff; 10], &[1]].concat(),
        ..PROTO
    },
    Row { id: "P5", case: "field 0", body: || vec![0x02, 0], ..PROTO },
    Row { id: "P5", case: "wire type 6", body: || vec![0x7e], ..PROTO },
    Row { id: "P5", case: "wire type 7", body: || vec![0x7f], ..PROTO },
    Row { id: "P5", case: "the end of no group", body: || vec![0x7c], ..PROTO },
    Row { id: "P5", case: "a million groups", body: || vec![0x7b; 1_000_000], ..PROTO },
    Row { id: "P6", case: "a length past the end", body: || vec![0x0a, 5, 1], ..PROTO },
    Row { id: "P6", case: "a length past the end, inside", body: || vec![0x0a, 3, 0x12, 9, 0], ..PROTO },
    Row { id: "P6", case: "a length of 2^63", body: || [&[0x0a][..], &[0xff; 8], &[0x7f]].concat(), ..PROTO },
    // Documented: repaired, not refused.
    Row {
        id: "P7",
        case: "text that is not UTF-8",
        body: || logged(&field(1, b"\xff\xfe")),
        status: 200,
        ..PROTO
    },
    Row { id: "P8", case: "a trace id of 15 bytes", path: TRACES, body: || traced(15), ..PROTO },
    Row { id: "P8", case: "a trace id of 17 bytes", path: TRACES, body: || traced(17), ..PROTO },
    Row { id: "P8", case: "a trace id of 1 MiB", path: TRACES, body: || traced(1 << 20), ..PROTO },
    Row { id: "P8", case: "no trace id", path: TRACES, body: || traced(0), status: 200, ..PROTO },
    Row {
        id: "P9",
        case: "one field a million times",
        path: TRACES,
        body: || spanned(&field(5, b"x").repeat(1_000_000)),
        status: 200,
        ..PROTO
    },
    Row {
        id: "P10",
        case: "4 MiB of unknown fields",
        body: || b"\x7a\x02ab".repeat(MAX / 4),
        status: 200,
        ..PROTO
    },
    Row {
        id: "P11",
        case: "100,000 times the same key",
        path: TRACES,
        body: || spanned(&field(9, &field(1, b"key")).repeat(100_000)),
        status: 200,
        ..PROTO
    },
    Row {
        id: "P12",
        case: "numbers at their ends",
        path: METRICS,
        body: || {
            let numbers = [f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE / 2.0];
            let point = |number: f64| field(1, &[&[0x21][..], &number.to_le_bytes()].concat());
            field(1, &field(2, &field(2, &field(5, &numbers.map(point).concat()))))
        },
        status: 200,
        ..PROTO
    },
    Row {
        id: "P13",
        case: "an index of the signal profiles",
        body: || logged(&[0x40, 1]),
        status: 200,
        ..PROTO
    },
    Row {
        id: "J1",
        case: "arrays nested 10,000 deep",
        body: || nested_json("resourceSpans", 10_000),
        ..TEXT
    },
    Row {
        id: "J1",
        case: "arrays nested a million deep, unknown",
        body: || nested_json("unknown", 1_000_000),
        ..TEXT
    },
    Row {
        id: "J2",
        case: "keys of all kinds",
        body: || br#"{"__proto__":{},"$where":1,"":0,"resourceSpans":[],"resourceSpans":[]}"#.to_vec(),
        status: 200,
        ..TEXT
    },
    Row {
        id: "J2",
        case: "a key of 1 MiB",
        body: || format!("{{\"{}\":1}}", "k".repeat(1 << 20)).into_bytes(),
        status: 200,
        ..TEXT
    },
    Row { id: "J3", case: "a number of a million digits", body: || kind(&"1".repeat(1_000_000)), ..TEXT },
    Row { id: "J3", case: "an exponent of a million", body: || kind("1e999999"), ..TEXT },
    Row { id: "J3", case: "NaN", body: || kind("NaN"), ..TEXT },
    Row { id: "J3", case: "a leading zero", body: || kind("01"), ..TEXT },
    Row { id: "J3", case: "hexadecimal", body: || kind("0x1"), ..TEXT },
    Row {
        id: "J4",
        case: "half a character, which becomes U+FFFD as in the Go collector",
        body: || named(r"\ud800"),
        status: 200,
        ..TEXT
    },
    Row { id: "J4", case: "a raw control character", body: || named("\u{1}"), ..TEXT },
    Row { id: "J4", case: "an escaped NUL", body: || named(r"\u0000"), status: 200, ..TEXT },
    Row { id: "J4", case: "a byte order mark", body: || b"\xef\xbb\xbf{}".to_vec(), ..TEXT },
    Row { id: "J4", case: "UTF-16", body: || b"{\0}\0".to_vec(), ..TEXT },
    Row { id: "J5", case: "two documents", body: || b"{}{}".to_vec(), ..TEXT },
    Row { id: "J5", case: "a comment", body: || b"{}/**/".to_vec(), ..TEXT },
    Row { id: "J5", case: "a comma at the end", body: || br#"{"a":1,}"#.to_vec(), ..TEXT },
    Row { id: "J5", case: "nothing", body: Vec::new, ..TEXT },
    Row { id: "J5", case: "a list", body: || b"[]".to_vec(), ..TEXT },
    Row { id: "J5", case: "text", body: || b"\"x\"".to_vec(), ..TEXT },
    Row {
        id: "J6",
        case: "null for each field",
        body: || span_json(r#""traceId":null,"name":null,"kind":null,"attributes":null,"status":null"#),
        status: 200,
        ..TEXT
    },
    Row {
        id: "J7",
        case: "an id of 31 digits",
        body: || span_json(&format!("\"traceId\":\"{}\"", "a".repeat(31))),
        ..TEXT
    },
    Row {
        id: "J7",
        case: "an id that is not hexadecimal",
        body: || span_json(&format!("\"traceId\":\"{}\"", "g".repeat(32))),
        ..TEXT
    },
    // Documented: names of enums are read, as in the Go collector.
    Row { id: "J8", case: "an enum by its name", body: || kind("\"SPAN_KIND_SERVER\""), status: 200, ..TEXT },
    Row { id: "J8", case: "an enum of the future", body: || kind("999"), status: 200, ..TEXT },
    Row { id: "J9", case: "JSON that says it is protobuf", body: || b"{}".to_vec(), ..PROTO },
    Row { id: "J9", case: "protobuf that says it is JSON", body: || traced(16), ..TEXT },
    Row {
        id: "J9",
        case: "another type",
        content_type: "text/json",
        body: || b"{}".to_vec(),
        status: 415,
        ..TEXT
    },
    Row { id: "J9", case: "no type", content_type: "", body: || b"{}".to_vec(), status: 415, ..TEXT },
    Row {
        id: "J10",
        case: "a million empty envelopes",
        body: || format!("{{\"resourceSpans\":[{}{{}}]}}", "{},".repeat(1_000_000)).into_bytes(),
        status: 200,
        bound: 4,
        ..TEXT
    },
];

pub(super) fn rows() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.id).collect()
}

/// With another byte at this distance from the end.
fn changed(mut body: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = body.len() - from_end;
    body[at] ^= 1;
    body
}

/// A request without items of exactly this size.
fn json_of(len: usize) -> Vec<u8> {
    let mut body = b"{}".to_vec();
    body.resize(len, b' ');
    body
}

/// A log record whose body is this value.
fn logged(value: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, &field(5, value))))
}

/// A span with these fields.
fn spanned(fields: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, fields)))
}

fn traced(len: usize) -> Vec<u8> {
    spanned(&field(1, &vec![1; len]))
}

/// A list in a list in a list…
fn nested(depth: usize) -> Vec<u8> {
    // From the inside out, and at the end turned round: appending is cheap, and prepending is not.
    let mut reversed = Vec::new();
    for level in 0..2 * depth {
        let mut head = vec![if level % 2 == 0 { 0x0a } else { 0x2a }];
        head.extend(varint(reversed.len() as u64));
        reversed.extend(head.into_iter().rev());
    }
    reversed.reverse();
    reversed
}

fn nested_json(key: &str, depth: usize) -> Vec<u8> {
    let mut body = Vec::new();
    write!(body, "{{\"{key}\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).expect("memory can be written");
    body
}

fn span_json(fields: &str) -> Vec<u8> {
    let mut body = String::new();
    write!(body, r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#)
        .expect("a String can be written");
    body.into_bytes()
}

fn kind(value: &str) -> Vec<u8> {
    span_json(&format!("\"kind\":{value}"))
}

fn named(text: &str) -> Vec<u8> {
    span_json(&format!("\"name\":\"{text}\""))
}

#[test]
fn bodies_that_are_malformed_or_cost_more_than_they_weigh() {
    let (target, identity) = (Target::start(), Identity::new());
    each(ROWS, |row| {
        let body = (row.body)();
        target.survives(row.id, row.case, row.bound * MAX as u64 / 1024, || {
            let fields = [("content-type", row.content_type), ("content-encoding", row.encoding)];
            let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let answer = exchange(Version::One, target.0.http(), &identity, "POST", row.path, &fields, &body);
            assert_eq!(answer.status, row.status, "{} {}: {}", row.id, row.case, answer.text());
        });
    });
}
