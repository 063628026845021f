//! What is accepted and what becomes of it, seen through the JSON that is written back.

use super::every_kind::EVERY_KIND;
use crate::json::{JsonError, MAX_EXPANSION, decode, encode};

/// Reads JSON and writes it again.
#[track_caller]
pub(super) fn again(json: &str) -> String {
    let protobuf = decode(&EVERY_KIND, json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"));
    let mut out = Vec::new();
    encode(&EVERY_KIND, &protobuf, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn refused(json: &str) -> JsonError {
    decode(&EVERY_KIND, json.as_bytes()).expect_err(json)
}

#[track_caller]
fn same(json: &str) {
    assert_eq!(again(json), json);
}

#[test]
fn every_kind_comes_out_as_it_went_in() {
    same(concat!(
        r#"{"doubleField":1.5,"floatField":0.1,"int32Field":-2147483648,"int64Field":"-9223372036854775808","#,
        r#""uint32Field":4294967295,"uint64Field":"18446744073709551615","sint32Field":-1,"sint64Field":"-2","#,
        r#""fixed32Field":7,"fixed64Field":"8","sfixed32Field":-9,"sfixed64Field":"-10","boolField":true,"#,
        r#""text":"tëxt","raw":"AAEC/w==","id":"0123456789abcdef","color":-2,"child":{"text":"inner"},"#,
        r#""maybeDouble":2,"maybeText":"t","oneInt":"3","doubles":[1,2.5],"ints":["1","-1"],"fixeds":["0","5"],"#,
        r#""texts":["a","","b"],"ids":["0011223344556677"],"colors":[0,1,5],"children":[{},{"text":"c"}],"#,
        r#""bools":[true,false],"raws":["","AA=="]}"#
    ));
}

#[test]
fn zero_and_empty_are_absent_but_where_presence_means_something() {
    assert_eq!(
        again(r#"{"doubleField":0,"int64Field":"0","boolField":false,"text":"","raw":"","id":"","color":0}"#),
        "{}"
    );
    same(r#"{"maybeDouble":0,"maybeText":"","oneInt":"0"}"#);
    same(r#"{"oneText":""}"#);
    same(r#"{"oneChild":{}}"#);
    same(r#"{"child":{}}"#);
    same(r#"{"doubleField":-0}"#);
}

#[test]
fn names_of_the_proto_file_are_accepted() {
    assert_eq!(
        again(r#"{"int32_field":1,"maybe_text":"x","one_child":{"fixed64_field":2}}"#),
        r#"{"int32Field":1,"maybeText":"x","oneChild":{"fixed64Field":"2"}}"#
    );
}

#[test]
fn names_may_have_escapes_and_come_in_any_order() {
    assert_eq!(again(r#"{ "t\u0065xt" : "x" , "int32Field" : 1 }"#), r#"{"text":"x","int32Field":1}"#);
}

#[test]
fn unknown_names_are_skipped_with_whatever_they_hold() {
    let deep = format!("{}1{}", r#"[{"a":"#.repeat(50), "}]".repeat(50));
    let json = format!(
        r#"{{"x":1e5,"text":"kept","y":{{"z":[true,false,null,"\ud800\n",{{}},[],{{"a":{{"b":[[]]}}}}]}},"deep":{deep},"int32Field":3,"":0}}"#
    );
    assert_eq!(again(&json), r#"{"text":"kept","int32Field":3}"#);
}

#[test]
fn null_is_absent_and_in_a_list_an_empty_message_or_text() {
    assert_eq!(again("null"), "{}");
    assert_eq!(again(" null\n"), "{}");
    assert_eq!(
        again(
            r#"{"doubleField":null,"text":null,"child":null,"children":null,"oneInt":null,"maybeDouble":null,"id":null,"color":null,"boolField":null,"ints":null}"#
        ),
        "{}"
    );
    assert_eq!(again(r#"{"children":[null,{}],"texts":[null]}"#), r#"{"children":[{},{}],"texts":[""]}"#);
    assert_eq!(
        refused(r#"{"ints":[1,null]}"#).to_string(),
        "ints[1]: expected a signed 64-bit integer (at byte 11)"
    );
}

#[test]
fn integers_are_numbers_or_text_in_any_form_that_is_integral() {
    for (text, value) in [
        ("1e3", 1000),
        ("1E+3", 1000),
        ("10.00", 10),
        ("1.5e1", 15),
        ("12300e-2", 123),
        ("0.0e99", 0),
        ("-0", 0),
        ("-2147483648", i32::MIN),
        ("2147483647.0", i32::MAX),
        ("0e1000000000000000000000000000000", 0),
    ] {
        let expected = if value == 0 { "{}".to_owned() } else { format!(r#"{{"int32Field":{value}}}"#) };
        assert_eq!(again(&format!(r#"{{"int32Field":{text}}}"#)), expected, "{text}");
        assert_eq!(again(&format!(r#"{{"int32Field":"{text}"}}"#)), expected, "{text} as text");
    }
    same(r#"{"uint64Field":"18446744073709551615"}"#);
    assert_eq!(again(r#"{"uint64Field":18446744073709551615}"#), r#"{"uint64Field":"18446744073709551615"}"#);
    assert_eq!(again(r#"{"int64Field":9223372036854775807}"#), r#"{"int64Field":"9223372036854775807"}"#);
    assert_eq!(again(r#"{"uint32Field":"+007"}"#), r#"{"uint32Field":7}"#);
}

#[test]
fn integers_that_do_not_fit_are_refused() {
    for (field, text, problem) in [
        ("int32Field", "2147483648", "the number does not fit into a signed 32-bit integer"),
        ("int32Field", "-2147483649", "the number does not fit into a signed 32-bit integer"),
        ("int64Field", "9223372036854775808", "the number does not fit into a signed 64-bit integer"),
        ("int64Field", "-9223372036854775809", "the number does not fit into a signed 64-bit integer"),
        ("uint32Field", "4294967296", "the number does not fit into an unsigned 32-bit integer"),
        ("uint32Field", "-1", "the number does not fit into an unsigned 32-bit integer"),
        ("uint64Field", "18446744073709551616", "the number does not fit into an unsigned 64-bit integer"),
        ("fixed64Field", "-1", "the number does not fit into an unsigned 64-bit integer"),
        ("fixed64Field", "1e999999999", "the number does not fit into an unsigned 64-bit integer"),
        ("sfixed64Field", "1.5", "expected a signed 64-bit integer, found a number with a fraction"),
        ("sint32Field", "1e-1", "expected a signed 32-bit integer, found a number with a fraction"),
        ("color", "3000000000", "the number does not fit into a signed 32-bit integer"),
    ] {
        let at = field.len() + 4;
        let expected = format!("{field}: {problem} (at byte {at})");
        assert_eq!(refused(&format!(r#"{{"{field}":{text}}}"#)).to_string(), expected, "{text}");
        if field != "color" {
            assert_eq!(
                refused(&format!(r#"{{"{field}":"{text}"}}"#)).to_string(),
                expected,
                "{text} as text"
            );
        }
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "1_0", "--1", "NaN", "Infinity", "true", "{}",
        "[]", "'1'",
    ] {
        refused(&format!(r#"{{"int32Field":{text}}}"#));
        refused(&format!(r#"{{"doubleField":{text}}}"#));
        refused(&format!(r#"{{"unknown":{text}x}}"#));
    }
    for text in ["", " 1", "1 ", "0x10", "1_0", "one", "1e", "e1", "+", "1,5"] {
        refused(&format!(r#"{{"int32Field":"{text}"}}"#));
        refused(&format!(r#"{{"doubleField":"{text}"}}"#));
    }
    let long = "1".repeat(1025);
    for field in ["int64Field", "doubleField", "unknown"] {
        let error = refused(&format!(r#"{{"{field}":{long}}}"#));
        assert!(error.to_string().contains("a number of more than 1024 characters"), "{error}");
    }
    refused(&format!(r#"{{"int64Field":"{long}"}}"#));
}

#[test]
fn floats_are_numbers_text_and_three_names() {
    for (text, written) in [
        ("1", "1"),
        ("1.0", "1"),
        ("-1.25e-7", "-1.25e-7"),
        (r#""2.5""#, "2.5"),
        (r#""1e3""#, "1000"),
        (r#""NaN""#, r#""NaN""#),
        (r#""Infinity""#, r#""Infinity""#),
        (r#""-Infinity""#, r#""-Infinity""#),
        ("1e-400", "0"),
        ("123456789012345678901", "123456789012345680000"),
        ("1e21", "1e21"),
        ("0.000001", "0.000001"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
    ] {
        assert_eq!(again(&format!(r#"{{"maybeDouble":{text}}}"#)), format!(r#"{{"maybeDouble":{written}}}"#));
    }
    assert_eq!(again(r#"{"floatField":3.4028235e38}"#), r#"{"floatField":3.4028235e38}"#);
    for json in [r#"{"doubleField":1e400}"#, r#"{"doubleField":"-1e400"}"#] {
        assert_eq!(
            refused(json).to_string(),
            "doubleField: the number does not fit into a 64-bit float (at byte 15)"
        );
    }
    refused(r#"{"floatField":1e39}"#);
}

#[test]
fn enums_are_numbers_or_names() {
    assert_eq!(again(r#"{"color":"COLOR_BLUE"}"#), r#"{"color":-2}"#);
    assert_eq!(again(r#"{"color":77}"#), r#"{"color":77}"#);
    assert_eq!(again(r#"{"colors":["COLOR_RED",0,1]}"#), r#"{"colors":[1,0,1]}"#);
    assert_eq!(
        refused(r#"{"colors":[1,"RED"]}"#).to_string(),
        r#"colors[1]: "RED" is not a value of test.Color (at byte 13)"#
    );
    refused(r#"{"color":"1"}"#);
}

#[test]
fn ids_are_hexadecimal_of_their_length() {
    assert_eq!(again(r#"{"id":"ABCDEFabcdef0189"}"#), r#"{"id":"abcdefabcdef0189"}"#);
    assert_eq!(
        refused(r#"{"child":{"id":"abc"}}"#).to_string(),
        "child.id: expected an id of 16 hexadecimal digits, found 3 characters (at byte 15)"
    );
    assert_eq!(
        refused(r#"{"ids":["","ABCDEFabcdef018x"]}"#).to_string(),
        "ids[1]: expected hexadecimal digits (at byte 11)"
    );
    refused(r#"{"id":"EjRWeJCrze8="}"#);
    refused(r#"{"id":12}"#);
}

#[test]
fn bytes_are_base64_of_both_alphabets() {
    for text in ["+/+/AA==", "-_-_AA==", "-_-_AA", r"+\/+\/AA==", r"+/+/\r\nAA=="] {
        assert_eq!(again(&format!(r#"{{"raw":"{text}"}}"#)), r#"{"raw":"+/+/AA=="}"#, "{text}");
    }
    assert_eq!(again(r#"{"raw":"AAA"}"#), r#"{"raw":"AAA="}"#);
    for text in ["A", "AAAAA", "AA=", "AA===", "A===", "AAA==", "AA==AA==", "AA*A", "AA A", "====", "="] {
        assert_eq!(
            refused(&format!(r#"{{"raw":"{text}"}}"#)).to_string(),
            "raw: expected base64 (at byte 7)",
            "{text}"
        );
    }
}

#[test]
fn text_has_the_escapes_of_json() {
    assert_eq!(
        again(r#"{"text":"a\"\\\/\b\f\n\r\t\u0000\u001f\u00e9\ud83d\ude00\u2028z"}"#),
        "{\"text\":\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{e9}\u{1f600}\u{2028}z\"}"
    );
    for (escape, text) in [
        (r"\ud800", "\u{fffd}"),
        (r"\udc00", "\u{fffd}"),
        (r"\ud800x", "\u{fffd}x"),
        (r"\ud800\n", "\u{fffd}\\n"),
        (r"\ud800\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\ud800\u0041", "\u{fffd}A"),
    ] {
        assert_eq!(
            again(&format!(r#"{{"text":"{escape}"}}"#)),
            format!(r#"{{"text":"{text}"}}"#),
            "{escape}"
        );
    }
    for text in [r"\x", r"\u12", r"\u12g4", "\u{1}", "\n", r"\", r"\ud800\u"] {
        refused(&format!(r#"{{"text":"{text}"}}"#));
        refused(&format!(r#"{{"unknown":"{text}"}}"#));
    }
}

#[test]
fn text_of_any_length_is_found_whole() {
    for len in 1..40 {
        for stop in ["", "\\n", "é", "\\u0001"] {
            let text = format!("{}{stop}{}", "a".repeat(len), "b".repeat(len));
            same(&format!(r#"{{"text":"{text}"}}"#));
        }
    }
}

#[test]
fn a_name_that_comes_twice_is_a_field_that_comes_twice() {
    assert_eq!(again(r#"{"text":"a","text":"b"}"#), r#"{"text":"b"}"#);
    assert_eq!(again(r#"{"text":"a","text":""}"#), "{}");
    assert_eq!(again(r#"{"int32Field":1,"text":"x","int32_field":0}"#), r#"{"text":"x"}"#);
    assert_eq!(again(r#"{"ints":[1],"text":"x","ints":[2]}"#), r#"{"text":"x","ints":["1","2"]}"#);
    assert_eq!(
        again(r#"{"child":{"text":"a","ints":[1]},"child":{"ints":[2]}}"#),
        r#"{"child":{"text":"a","ints":["1","2"]}}"#
    );
    assert_eq!(
        again(r#"{"children":[{}],"text":"x","children":[{"text":"y"}]}"#),
        r#"{"text":"x","children":[{},{"text":"y"}]}"#
    );
}

#[test]
fn of_a_oneof_the_last_member_counts() {
    assert_eq!(again(r#"{"oneInt":1,"oneText":"b"}"#), r#"{"oneText":"b"}"#);
    assert_eq!(again(r#"{"oneText":"b","oneInt":0}"#), r#"{"oneInt":"0"}"#);
    assert_eq!(again(r#"{"oneChild":{"text":"old"},"oneInt":1,"oneChild":{}}"#), r#"{"oneChild":{}}"#);
}

#[test]
fn long_messages_get_long_prefixes() {
    for len in [100, 127, 128, 129, 16_383, 16_384, 20_000, 2_097_152] {
        let text = "x".repeat(len);
        same(&format!(
            r#"{{"child":{{"text":"{text}"}},"children":[{{}},{{"child":{{"text":"{text}"}}}},{{"text":"{text}"}},{{}},{{"text":"y"}}]}}"#
        ));
    }
    let doubles = vec!["1.5"; 1000].join(",");
    same(&format!(r#"{{"doubles":[{doubles}]}}"#));
}

#[test]
fn the_result_is_bounded_by_the_input() {
    for element in ["0", "-1", "{}", "\"\"", "null"] {
        for name in ["doubles", "ints", "children", "texts", "raws"] {
            let json = format!(r#"{{"{name}":[{}]}}"#, vec![element; 1000].join(","));
            if let Ok(protobuf) = decode(&EVERY_KIND, json.as_bytes()) {
                assert!(protobuf.len() <= MAX_EXPANSION * json.len(), "{name} {element}");
            }
        }
    }
}
