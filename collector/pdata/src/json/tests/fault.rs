//! What is refused, and how the error says where.

use super::every_kind::EVERY_KIND;
use crate::Utf8Policy;
use crate::json::{MAX_DEPTH, MAX_SKIPPED_DEPTH, Problem, decode, encode};
use crate::scan::scan_message;
use crate::tables::EXPORT_TRACE_SERVICE_REQUEST;

#[track_caller]
fn error(json: &[u8]) -> String {
    decode(&EVERY_KIND, json).expect_err("it must be refused").to_string()
}

#[test]
fn the_path_leads_to_the_field() {
    let json = br#"{"resourceSpans":[{},{},{"scopeSpans":[{"spans":[{},{"traceId":"0011"}]}]}]}"#;
    let error = decode(&EXPORT_TRACE_SERVICE_REQUEST, json).unwrap_err();
    assert_eq!(error.path, "resourceSpans[2].scopeSpans[0].spans[1].traceId");
    assert_eq!(error.offset, 63);
    assert_eq!(error.problem, Problem::IdLength { expected: 32, found: 4 });
}

#[test]
fn only_an_object_or_null_is_a_message() {
    for json in ["", " ", "1", "\"x\"", "[]", "true", "nul", "nulll", "\u{feff}{}"] {
        assert!(decode(&EVERY_KIND, json.as_bytes()).is_err(), "{json:?}");
    }
    assert_eq!(error(b"[]"), "expected an object (at byte 0)");
    assert_eq!(error(br#"{"children":[{},4]}"#), "children[1]: expected an object (at byte 16)");
    assert_eq!(error(br#"{"children":{}}"#), "children: expected a list (at byte 12)");
    assert_eq!(error(br#"{"text":5}"#), "text: expected a string (at byte 8)");
    assert_eq!(error(br#"{"boolField":"true"}"#), "boolField: expected true or false (at byte 13)");
}

#[test]
fn nothing_but_white_space_may_follow() {
    assert!(decode(&EVERY_KIND, b"{} \t\r\n").is_ok());
    for json in ["{}{}", "{} x", "{}\0", "{},", "null{}"] {
        assert!(
            decode(&EVERY_KIND, json.as_bytes()).unwrap_err().to_string().contains("the end of the document"),
            "{json}"
        );
    }
}

#[test]
fn broken_syntax_is_refused() {
    for json in [
        "{",
        "{\"text\"",
        "{\"text\":",
        "{\"text\":\"",
        "{\"text\":\"x",
        "{\"text\":\"x\"",
        "{\"text\":\"x\",",
        "{\"text\":\"x\",}",
        "{,}",
        "{text:1}",
        "{'text':1}",
        "{\"text\" 1}",
        "{\"text\"::1}",
        "{\"texts\":[",
        "{\"texts\":[\"a\",]}",
        "{\"texts\":[,]}",
        "{\"texts\":[\"a\" \"b\"]}",
        "{\"x\":[}",
        "{\"x\":{]}",
        "{\"x\":[1}",
        "{\"x\":{\"a\"}}",
        "{\"x\":tru}",
        "{\"x\":}",
        "{\"x\":/**/1}",
        "{\"x\":1 // c\n}",
    ] {
        assert!(decode(&EVERY_KIND, json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn invalid_utf_8_is_refused_with_its_place() {
    assert_eq!(error(b"{\"text\":\"ab\xff\"}"), "invalid UTF-8 (at byte 11)");
    assert_eq!(error(b"{\"unknown\":\"\xed\xa0\x80\"}"), "invalid UTF-8 (at byte 12)");
}

#[test]
fn messages_nest_as_deep_as_the_bound_says() {
    let nested = |levels: usize| format!("{}{{}}{}", r#"{"child":"#.repeat(levels), "}".repeat(levels));
    let mut deepest = decode(&EVERY_KIND, nested(MAX_DEPTH).as_bytes()).unwrap();
    assert!(scan_message(&EVERY_KIND, &mut deepest, Utf8Policy::Refuse).is_ok());
    encode(&EVERY_KIND, &deepest, &mut Vec::new()).unwrap();
    let error = decode(&EVERY_KIND, nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
    assert_eq!(error.problem, Problem::Depth(MAX_DEPTH));
    assert!(decode(&EVERY_KIND, r#"{"children":[{"children":["#.repeat(100_000).as_bytes()).is_err());
}

#[test]
fn skipped_values_nest_as_deep_as_the_bound_says() {
    let nested = |levels: usize| format!(r#"{{"unknown":{}0{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(decode(&EVERY_KIND, nested(MAX_SKIPPED_DEPTH as usize).as_bytes()).is_ok());
    assert!(decode(&EVERY_KIND, nested(MAX_SKIPPED_DEPTH as usize + 1).as_bytes()).is_err());
    assert!(decode(&EVERY_KIND, format!(r#"{{"unknown":{}"#, "[".repeat(1_000_000)).as_bytes()).is_err());
}
