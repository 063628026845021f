//! The rules of OTLP/JSON and the hostile inputs, by their numbers in the project's lists. Where Go is more
//! lenient than the specification and the meaning is clear, so are we: senders that work with it work here.

use crate::json::{MAX_EXPANSION, MAX_SKIPPED_DEPTH, decode, encode};
use crate::scan::scan_message;
use crate::tables::{EXPORT_LOGS_SERVICE_REQUEST, EXPORT_TRACE_SERVICE_REQUEST};
use crate::{RECURSION_LIMIT, Utf8Policy};

/// A request with one span that has these members.
fn span(members: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#)
}

/// What is written for a span that was read with these members.
fn read(members: &str) -> Option<String> {
    let protobuf = decode(&EXPORT_TRACE_SERVICE_REQUEST, span(members).as_bytes()).ok()?;
    let mut json = Vec::new();
    encode(&EXPORT_TRACE_SERVICE_REQUEST, &protobuf, &mut json).expect("what was read can be written");
    let json = String::from_utf8(json).expect("JSON is text");
    let inner = json.strip_prefix(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"#)?;
    Some(inner.strip_suffix("}]}]}]}")?.to_owned())
}

#[track_caller]
fn accepted(members: &str, written: &str) {
    assert_eq!(read(members).as_deref(), Some(written), "{members}");
}

#[track_caller]
fn refused(members: &str) {
    assert_eq!(read(members), None, "{members}");
}

#[test]
fn s19_ids_are_hexadecimal_in_either_case_and_never_base64() {
    let lower = r#""traceId":"5b8efff798038103d269b633813fc60c""#;
    accepted(lower, lower);
    accepted(r#""traceId":"5B8EFFF798038103D269B633813FC60C""#, lower);
    accepted(r#""traceId":"5b8eFFF798038103d269b633813FC60c""#, lower);
    refused(r#""traceId":"W47/95gDgQPSabYzgT/GDA==""#);
    refused(r#""spanId":"7uGz0jJZL2I=""#);
}

#[test]
fn s20_enums_are_written_as_numbers_and_read_as_names_too() {
    // The specification knows numbers only; Go reads names, and there is no doubt what they mean.
    accepted(r#""kind":2"#, r#""kind":2"#);
    accepted(r#""kind":"SPAN_KIND_SERVER""#, r#""kind":2"#);
    refused(r#""kind":"SERVER""#);
}

#[test]
fn s21_unknown_fields_are_ignored_whatever_they_hold() {
    let deep = format!("{}1{}", "[{\"a\":".repeat(50), "}]".repeat(50));
    for value in ["1", "\"x\"", "null", "true", "[]", "{}", "[1,{\"a\":[null]}]", &deep] {
        accepted(&format!(r#""name":"n","unknown":{value},"kind":1"#), r#""name":"n","kind":1"#);
    }
}

#[test]
fn s22_names_are_written_in_camel_case_and_read_in_snake_case_too() {
    // As Go does; a sender that writes them means them.
    let written = r#""traceId":"5b8efff798038103d269b633813fc60c","startTimeUnixNano":"7""#;
    accepted(r#""trace_id":"5b8efff798038103d269b633813fc60c","start_time_unix_nano":7"#, written);
    // Any other spelling is an unknown field.
    accepted(r#""name":"n","TraceId":"x","traceid":"x""#, r#""name":"n""#);
}

#[test]
fn s23_integers_of_64_bits_are_text_or_numbers() {
    let value = |json: &str| format!(r#""attributes":[{{"key":"k","value":{{"intValue":{json}}}}}]"#);
    for (json, written) in [
        (r#""9223372036854775807""#, r#""9223372036854775807""#),
        ("9223372036854775807", r#""9223372036854775807""#),
        (r#""-9223372036854775808""#, r#""-9223372036854775808""#),
        ("1e3", r#""1000""#),
        ("2.0", r#""2""#),
    ] {
        accepted(&value(json), &value(written));
    }
    for json in ["1.5", "9223372036854775808", r#""9223372036854775808""#, r#""""#, r#"" 1""#, "true", "[]"] {
        refused(&value(json));
    }
    refused(r#""startTimeUnixNano":-1"#);
    refused(r#""startTimeUnixNano":"-1""#);
}

#[test]
fn j01_nesting_is_bounded_in_known_and_unknown_fields() {
    for levels in [MAX_SKIPPED_DEPTH as usize + 1, 1_000_000] {
        refused(&format!(r#""unknown":{}"#, "[".repeat(levels)));
        refused(&format!(r#""unknown":{}{}"#, "[".repeat(levels), "]".repeat(levels)));
    }
    let value = |levels: usize| {
        let (open, close) = (r#"{"arrayValue":{"values":["#.repeat(levels), "]}}".repeat(levels));
        format!(r#""attributes":[{{"key":"k","value":{open}{{}}{close}}}]"#)
    };
    accepted(&value(45), &value(45));
    refused(&value(RECURSION_LIMIT as usize / 2));
    refused(&value(100_000));
}

#[test]
fn j02_of_a_name_that_comes_twice_the_last_counts_and_odd_names_are_unknown() {
    accepted(r#""name":"a","name":"b""#, r#""name":"b""#);
    accepted(r#""__proto__":{},"$ref":"x","":1,"name":"n""#, r#""name":"n""#);
    accepted(&format!(r#""{}":1,"name":"n""#, "k".repeat(1 << 20)), r#""name":"n""#);
}

#[test]
fn j03_numbers_that_are_none_or_too_long_are_refused() {
    let value = |json: &str| format!(r#""attributes":[{{"key":"k","value":{{"doubleValue":{json}}}}}]"#);
    for json in ["NaN", "Infinity", "-Infinity", "01", "0x10", "1e999999", "+1", ".5", "1.", "--1"] {
        refused(&value(json));
    }
    refused(&value(&"1".repeat(1_000_000)));
    for json in [r#""NaN""#, r#""Infinity""#, r#""-Infinity""#, "0.1", "-0.5"] {
        accepted(&value(json), &value(json));
    }
}

#[test]
fn j04_text_must_be_utf8_and_escaped_but_for_lone_surrogates() {
    accepted(r#""name":"a\u0000b""#, r#""name":"a\u0000b""#);
    // As in Go: there is no such character, and its place is kept.
    accepted(r#""name":"\ud800x""#, "\"name\":\"\u{fffd}x\"");
    for raw in [&b"\xed\xa0\x80"[..], b"\xc0\xaf", b"\xff", b"\n", b"\x00", b"\x1f"] {
        let request = span(r#""name":"?""#).into_bytes();
        let at = request.iter().position(|byte| *byte == b'?').expect("the text");
        let request = [&request[..at], raw, &request[at + 1..]].concat();
        assert!(decode(&EXPORT_TRACE_SERVICE_REQUEST, &request).is_err(), "{raw:x?}");
    }
    let request = span(r#""name":"n""#);
    let utf16: Vec<u8> = request.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(decode(&EXPORT_TRACE_SERVICE_REQUEST, &utf16).is_err());
    assert!(decode(&EXPORT_TRACE_SERVICE_REQUEST, format!("\u{feff}{request}").as_bytes()).is_err());
}

#[test]
fn j05_a_body_is_one_object_or_null() {
    for body in ["{}", " {} \n", "null", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":null}"#] {
        let protobuf = decode(&EXPORT_TRACE_SERVICE_REQUEST, body.as_bytes()).ok();
        assert_eq!(protobuf, Some(Vec::new()), "{body}");
    }
    for body in ["", " ", "[]", "\"x\"", "1", "{}{}", "{} x", "{},", "{}//", "{\"a\":1,}", "/**/{}", "nul"] {
        assert!(decode(&EXPORT_TRACE_SERVICE_REQUEST, body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn j06_null_is_an_absent_field() {
    for field in crate::tables::SPAN.fields {
        accepted(&format!(r#""{}":null,"name":"n""#, field.json_name), r#""name":"n""#);
    }
}

#[test]
fn j07_ids_that_are_not_hexadecimal_or_of_another_length_are_refused() {
    for id in [
        "5",
        "5b8efff79803810",
        "5b8efff798038103d2",
        "zb8efff798038103",
        "5b8efff79803810=",
        " b8efff798038103",
    ] {
        refused(&format!(r#""spanId":"{id}""#));
    }
    accepted(r#""spanId":"","name":"n""#, r#""name":"n""#);
}

#[test]
fn j08_enum_numbers_are_kept_even_if_unknown_but_must_be_numbers() {
    accepted(r#""kind":999"#, r#""kind":999"#);
    refused(r#""kind":"2""#);
    refused(r#""kind":"NO_SUCH_KIND""#);
    refused(r#""kind":2147483648"#);
}

#[test]
fn j09_protobuf_is_not_json_and_json_is_not_protobuf() {
    let protobuf = decode(&EXPORT_TRACE_SERVICE_REQUEST, span(r#""name":"n""#).as_bytes()).expect("valid");
    assert!(decode(&EXPORT_TRACE_SERVICE_REQUEST, &protobuf).is_err());
    let mut json = span(r#""name":"n""#).into_bytes();
    assert!(scan_message(&EXPORT_TRACE_SERVICE_REQUEST, &mut json, Utf8Policy::Repair).is_err());
}

#[test]
fn j10_many_empty_messages_take_no_more_memory_than_their_text() {
    let body = format!(r#"{{"resourceLogs":[{}{{}}]}}"#, "{},".repeat(300_000));
    let protobuf = decode(&EXPORT_LOGS_SERVICE_REQUEST, body.as_bytes()).expect("valid");
    assert_eq!(protobuf.len(), 2 * 300_001);
    assert!(protobuf.len() <= MAX_EXPANSION * body.len());
}
