//! Handmade requests: one rule of the wire format each.

use etalon_pdata::{LOGS, METRICS, ScanErrorKind, Signal, TRACES};

use super::differential::{agree, check};
use super::wild::varint;

/// A length-delimited field.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(u64::from(number << 3 | 2), 0, &mut out);
    varint(content.len() as u64, 0, &mut out);
    out.extend(content);
    out
}

/// A request with one span that consists of these bytes.
fn span(content: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, content)))
}

/// A request with one metric that consists of these bytes.
fn metric(content: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, content)))
}

/// A request with one log record that has this body, an `AnyValue`.
fn log_body(content: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, &field(5, content))))
}

#[track_caller]
fn accepted(signal: Signal, request: &[u8], items: usize) {
    assert_eq!(check(signal, request).expect("it is valid").items, items);
}

#[track_caller]
fn refused(signal: Signal, request: &[u8], kind: ScanErrorKind, path: &str) {
    let error = check(signal, request).expect_err("it is invalid");
    assert_eq!((error.kind, error.path.as_str()), (kind, path), "{error}");
}

const SPAN: &str = "resource_spans[0].scope_spans[0].spans[0]";

#[test]
fn empty_messages_are_valid() {
    accepted(TRACES, b"", 0);
    accepted(TRACES, &field(1, b""), 0);
    accepted(TRACES, &span(b""), 1);
    accepted(TRACES, &span(&field(9, b"")), 1);
    accepted(TRACES, &span(&field(9, &field(2, b""))), 1);
    accepted(LOGS, &log_body(b""), 1);
    accepted(LOGS, &log_body(&field(5, b"")), 1);
}

#[test]
fn unknown_fields_of_every_wire_type_are_skipped() {
    accepted(TRACES, &span(b"\x88\x03\x80\x80\x01\x89\x0312345678\x8a\x03\x02\xff\xfe\x8d\x031234"), 1);
    accepted(TRACES, b"\xf8\xff\xff\xff\x0f\x01", 0);
}

#[test]
fn groups_are_skipped_when_they_match() {
    accepted(TRACES, &span(b"\xa3\x01\xa4\x01"), 1);
    accepted(TRACES, &span(b"\xa3\x01\x0b\x10\x05\x0c\xa4\x01"), 1);
    refused(TRACES, &span(b"\xa4\x01"), ScanErrorKind::EndGroup, &format!("{SPAN}.20"));
    refused(TRACES, &span(b"\xa3\x01\x0b\xa4\x01\x0c"), ScanErrorKind::EndGroup, &format!("{SPAN}.20"));
    refused(TRACES, &span(b"\xa3\x01"), ScanErrorKind::Truncated, &format!("{SPAN}.20"));
    // A known field is never a group.
    refused(TRACES, &span(b"\x2b\x2c"), ScanErrorKind::WireType { found: 3 }, &format!("{SPAN}.name"));
}

#[test]
fn known_fields_must_have_their_wire_type() {
    for (bytes, found) in
        [(&b"\x28\x01"[..], 0), (b"\x2912345678", 1), (b"\x2d1234", 5), (b"\x2c", 4), (b"\x2e", 6)]
    {
        refused(TRACES, &span(bytes), ScanErrorKind::WireType { found }, &format!("{SPAN}.name"));
    }
    refused(TRACES, &span(b"\xa6\x01"), ScanErrorKind::WireType { found: 6 }, &format!("{SPAN}.20"));
}

#[test]
fn field_numbers_begin_at_one_and_end_at_two_to_the_29() {
    refused(TRACES, b"\x00\x01", ScanErrorKind::FieldNumber, "0");
    refused(TRACES, b"\x07", ScanErrorKind::FieldNumber, "0");
    refused(TRACES, b"\x80\x80\x80\x80\x10\x01", ScanErrorKind::FieldNumber, "536870912");
}

#[test]
fn varints_may_be_longer_than_needed_but_not_than_64_bits() {
    // Key, length and value, each padded to ten bytes.
    let mut padded = Vec::new();
    varint(6 << 3, 9, &mut padded);
    varint(3, 9, &mut padded);
    varint(5 << 3 | 2, 9, &mut padded);
    varint(2, 9, &mut padded);
    padded.extend(b"ok");
    accepted(TRACES, &span(&padded), 1);
    accepted(TRACES, &span(b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1);
    let kind = &format!("{SPAN}.kind");
    refused(TRACES, &span(b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), ScanErrorKind::Varint, kind);
    refused(TRACES, &span(b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ScanErrorKind::Varint, kind);
    refused(TRACES, &span(b"\x30\xff\xff"), ScanErrorKind::Truncated, kind);
}

#[test]
fn lengths_must_stay_within_their_message() {
    let name = &format!("{SPAN}.name");
    refused(TRACES, &span(b"\x2a\x05abc"), ScanErrorKind::Truncated, name);
    refused(TRACES, &span(b"\x2a"), ScanErrorKind::Truncated, name);
    refused(TRACES, &span(b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ScanErrorKind::Truncated, name);
    refused(TRACES, &span(b"\x391234567"), ScanErrorKind::Truncated, &format!("{SPAN}.start_time_unix_nano"));
    // The field ends behind its span, but within the request.
    let mut request = span(b"\x2a\x02a");
    request.extend(field(1, b""));
    refused(TRACES, &request, ScanErrorKind::Truncated, name);
}

#[test]
fn every_truncation_of_a_request_is_judged_as_prost_does() {
    let request = &etalon_testkit::corpus::requests(METRICS, 3, 1, 11)[0];
    for end in 0..request.len() {
        agree(METRICS, &request[..end]);
    }
}

#[test]
fn singular_fields_may_occur_again() {
    let mut twice = field(5, b"first");
    twice.extend(field(5, b"second"));
    twice.extend(b"\x30\x01\x30\x02");
    twice.extend(field(15, b"\x18\x01"));
    twice.extend(field(15, b"\x18\x02"));
    accepted(TRACES, &span(&twice), 1);
    // A resource merges, and so do scopes within one message.
    let resource = field(1, &field(1, &field(1, b"k")));
    accepted(TRACES, &field(1, &[resource.clone(), resource].concat()), 0);
}

#[test]
fn a_oneof_holds_the_items_of_its_last_member() {
    let points = |number, count| field(number, &field(1, b"").repeat(count));
    let (gauge, sum, summary) = (5, 7, 11);
    accepted(METRICS, &metric(&points(gauge, 3)), 3);
    // The same member merges.
    accepted(METRICS, &metric(&[points(gauge, 2), points(gauge, 3)].concat()), 5);
    // Another replaces it, even if it is empty.
    accepted(METRICS, &metric(&[points(gauge, 2), points(sum, 3)].concat()), 3);
    accepted(METRICS, &metric(&[points(gauge, 2), points(summary, 0)].concat()), 0);
    accepted(METRICS, &metric(&[points(gauge, 2), points(sum, 3), points(gauge, 4)].concat()), 4);
    let two = [metric(&[points(gauge, 2), points(sum, 1)].concat()), metric(&points(gauge, 4))].concat();
    accepted(METRICS, &two, 5);
}

#[test]
fn numbers_come_packed_or_not() {
    let histogram = |content: &[u8]| metric(&field(9, &field(1, content)));
    accepted(METRICS, &histogram(b"\x3112345678\x3187654321\x32\x101234567812345678\x32\x00"), 1);
    let path = "resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0].bucket_counts[0]";
    refused(METRICS, &histogram(b"\x32\x07\x31234567"), ScanErrorKind::Truncated, path);
    refused(METRICS, &histogram(b"\x30\x01"), ScanErrorKind::WireType { found: 0 }, path);

    let buckets = |content: &[u8]| metric(&field(10, &field(1, &field(8, content))));
    accepted(METRICS, &buckets(b"\x10\x01\x10\xff\x01\x12\x03\x01\xff\x01"), 1);
    for len in 1..30 {
        // One varint of this many bytes among short ones, at every distance from the start.
        for before in 0..12 {
            let mut packed = vec![1; before];
            packed.extend(vec![0x80; len - 1]);
            packed.push(1);
            packed.extend([1; 9]);
            let verdict = check(METRICS, &buckets(&field(2, &packed)));
            assert_eq!(verdict.is_ok(), len <= 10, "{len} bytes after {before}");
        }
    }
    let path = "resource_metrics[0].scope_metrics[0].metrics[0].exponential_histogram.data_points[0].positive.bucket_counts[0]";
    refused(
        METRICS,
        &buckets(b"\x12\x09\x01\x01\x01\x01\x01\x01\x01\x01\x80"),
        ScanErrorKind::Truncated,
        path,
    );
}

#[test]
fn ids_are_empty_or_have_their_length() {
    for number in [1, 2, 4] {
        let expected = if number == 1 { 16 } else { 8 };
        let name = ["trace_id", "span_id", "", "parent_span_id"][number as usize - 1];
        for found in 0..40 {
            let request = span(&field(number, &vec![0xff; found]));
            if found == 0 || found == expected {
                accepted(TRACES, &request, 1);
            } else {
                let kind = ScanErrorKind::IdLength { expected, found };
                refused(TRACES, &request, kind, &format!("{SPAN}.{name}"));
            }
        }
    }
}

#[test]
fn strings_must_be_utf8_wherever_the_broken_byte_is() {
    for len in [1, 7, 8, 15, 16, 17, 31, 63, 64, 65, 127, 128, 129, 200] {
        for at in 0..len {
            let mut text = vec![b'a'; len];
            accepted(TRACES, &span(&field(5, &text)), 1);
            text[at] = 0xff;
            refused(TRACES, &span(&field(5, &text)), ScanErrorKind::Utf8, &format!("{SPAN}.name"));
        }
    }
}

#[test]
fn attributes_are_checked_in_every_form_and_size() {
    let pair = |key: &[u8], value: &[u8]| {
        // What follows keeps the fast path in play.
        span(&[field(9, &[field(1, key), field(2, value)].concat()), field(5, &[b'n'; 200])].concat())
    };
    let key_path = &format!("{SPAN}.attributes[0].key");
    let value_path = &format!("{SPAN}.attributes[0].value");
    for key_len in [0, 1, 7, 20, 50].into_iter().chain(56..66) {
        let key = vec![b'k'; key_len];
        for value_len in [0, 1, 5, 30, 58, 64, 110, 120, 130] {
            let mut text = vec![b'v'; value_len];
            accepted(TRACES, &pair(&key, &field(1, &text)), 1);
            for at in 0..value_len {
                text[at] = 0x80;
                refused(
                    TRACES,
                    &pair(&key, &field(1, &text)),
                    ScanErrorKind::Utf8,
                    &format!("{value_path}.string_value"),
                );
                text[at] = b'v';
            }
        }
        for at in 0..key_len {
            let mut broken = key.clone();
            broken[at] = 0xc0;
            for value in [&b"\x0a\x01v"[..], b"\x10\x01", b"\x18\x96\x01", b"\x2112345678", b""] {
                refused(TRACES, &pair(&broken, value), ScanErrorKind::Utf8, key_path);
            }
        }
        for varint_len in 1..12 {
            for wire in [0x10, 0x18] {
                let mut value = vec![wire];
                value.extend(vec![0xff; varint_len - 1]);
                value.push(1);
                let verdict = check(TRACES, &pair(&key, &value));
                assert_eq!(verdict.is_ok(), varint_len <= 10, "{varint_len}");
                let unfinished = &value[..varint_len];
                assert!(check(TRACES, &pair(&key, unfinished)).is_err(), "{varint_len}");
                // One byte more: the varint ends early, and what follows is no field.
                value.push(0);
                assert!(check(TRACES, &pair(&key, &value)).is_err());
            }
        }
        for double_len in 0..12 {
            let value = [&b"\x21"[..], &vec![0xf0; double_len]].concat();
            assert_eq!(check(TRACES, &pair(&key, &value)).is_ok(), double_len == 8, "{double_len}");
        }
    }
}

#[test]
fn attributes_may_come_in_any_form() {
    let value = field(2, &field(1, b"v"));
    let key = field(1, b"k");
    for content in [
        [value.clone(), key.clone()].concat(),
        [key.clone(), value.clone(), key.clone()].concat(),
        [key.clone(), value.clone(), value.clone()].concat(),
        [key.clone(), b"\x18\x05".to_vec(), value.clone()].concat(),
        [key.clone(), field(2, &[field(1, b"v"), b"\x10\x01".to_vec()].concat())].concat(),
        [key.clone(), field(2, &field(5, &field(1, &field(1, b"v"))))].concat(),
        [key, field(2, &field(6, &field(1, &value)))].concat(),
    ] {
        accepted(TRACES, &span(&[field(9, &content), field(5, &[b'n'; 200])].concat()), 1);
    }
}

/// An `AnyValue` in this many arrays.
fn nested(levels: usize, innermost: &[u8]) -> Vec<u8> {
    (0..levels).fold(innermost.to_vec(), |value, _| field(5, &field(1, &value)))
}

#[test]
fn messages_nest_up_to_the_bound() {
    // Request, resource, scope, record, body: an array takes two levels more.
    let text = field(1, b"deep");
    let mut deepest = 0;
    for levels in 40..56 {
        match check(LOGS, &log_body(&nested(levels, &text))) {
            Ok(_) => deepest = levels,
            Err(error) => assert_eq!(error.kind, ScanErrorKind::RecursionLimit),
        }
        // Unknown fields, groups and pairs at the bottom count differently.
        for innermost in [
            &b"\x78\x01"[..],
            b"\x7b\x7c",
            b"\x7b\x0b\x0c\x7c",
            b"\x32\x00",
            b"\x32\x06\x0a\x04\x0a\x00\x12\x00",
        ] {
            agree(LOGS, &log_body(&nested(levels, innermost)));
        }
    }
    assert_eq!(deepest, 48);
    let attribute = [field(1, b"k"), field(2, &field(1, b"v"))].concat();
    for levels in 40..56 {
        let list = field(6, &[field(1, &attribute), field(1, &attribute), field(15, &[0; 200])].concat());
        agree(LOGS, &log_body(&nested(levels, &list)));
    }
    // Far deeper than the stack of a careless reader.
    let bomb = (0..200_000).fold(Vec::new(), |value, _| {
        let mut outer = vec![0x2a];
        varint(value.len() as u64 + 1, 0, &mut outer);
        outer.push(0x0a);
        outer
    });
    agree(LOGS, &log_body(&bomb));
    let groups = [vec![0x7b; 100_000], vec![0x7c; 100_000]].concat();
    refused(LOGS, &groups, ScanErrorKind::RecursionLimit, "15");
    for levels in 95..105 {
        agree(LOGS, &[vec![0x7b; levels], vec![0x7c; levels]].concat());
    }
}

#[test]
fn ten_megabytes_of_text_are_checked_to_the_last_byte() {
    let mut text = "é".repeat(5_000_000).into_bytes();
    accepted(LOGS, &log_body(&field(1, &text)), 1);
    text.fill(b'x');
    accepted(LOGS, &log_body(&field(1, &text)), 1);
    *text.last_mut().expect("it is long") = 0xe9;
    let path = "resource_logs[0].scope_logs[0].log_records[0].body.string_value";
    refused(LOGS, &log_body(&field(1, &text)), ScanErrorKind::Utf8, path);
}

#[test]
fn a_path_counts_what_came_before() {
    let good = field(2, &field(5, b"good"));
    let bad = field(2, &field(5, b"\xff"));
    let scope = field(2, &[good.clone(), good.clone(), field(1, b""), bad].concat());
    let request = [field(1, b""), field(1, &[field(2, &good), scope].concat())].concat();
    refused(TRACES, &request, ScanErrorKind::Utf8, "resource_spans[1].scope_spans[1].spans[2].name");
}
