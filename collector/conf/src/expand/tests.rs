use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use crate::{Node, Resolver, Secrets};

fn environment(variables: &[(&str, &str)]) -> Resolver {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Resolver::new(variables)
}

/// The value of `x: "<text>"`.
fn expanded(resolver: &Resolver, text: &str) -> Node {
    let quoted = format!("yaml:x: {}", serde_json::Value::from(text));
    resolver.resolve(&[quoted]).unwrap().root.get("x").unwrap().clone()
}

fn json(node: &Node) -> String {
    node.to_value().to_json(Secrets::Exposed)
}

#[track_caller]
fn refused(resolver: &Resolver, yaml: &str, expected: &Expect) {
    expected.assert_eq(&resolver.resolve(&[format!("yaml:{yaml}")]).unwrap_err().to_string());
}

#[test]
fn escapes_and_references_in_every_combination() {
    let resolver = environment(&[
        ("WORD", "a word"),
        ("LIST", "['$$X','$${X}','$${env:X}']"),
        ("MAP", "{'a':'$$X','b':'$${X}','c':'$${env:X}'}"),
        ("TWO", "two $$"),
        ("THREE", "three $$$"),
        ("NESTED", "${env:WORD} from inside"),
    ]);
    let cases = [
        ("$$WORD", r#""$WORD""#),
        ("$$$$WORD", r#""$$WORD""#),
        ("$$${WORD}", r#""$a word""#),
        ("an ${WORD} in text", r#""an a word in text""#),
        ("an $${WORD} in text", r#""an ${WORD} in text""#),
        ("$${A}$${B}", r#""${A}${B}""#),
        ("end$$", r#""end$""#),
        ("$$", r#""$""#),
        ("$${1}$${env:2}", r#""${1}${env:2}""#),
        ("an $${env:WORD} in text", r#""an ${env:WORD} in text""#),
        ("$${env:${WORD}}", r#""${env:a word}""#),
        ("$${env:$${WORD}}", r#""${env:${WORD}}""#),
        ("env:X}$${WORD}{", r#""env:X}${WORD}{""#),
        ("$$${env:WORD}", r#""$a word""#),
        ("$WORD", r#""$WORD""#),
        ("${env:LIST}", r#"["$X","${X}","${env:X}"]"#),
        ("${env:MAP}", r#"{"a":"$X","b":"${X}","c":"${env:X}"}"#),
        ("${env:TWO}", r#""two $""#),
        ("${env:THREE}", r#""three $$""#),
        ("${env:NESTED}", r#""a word from inside""#),
        ("${env:UNSET:-a default}", r#""a default""#),
        ("${env:UNSET:-$${env:UNSET}}", r#""${env:UNSET:-${env:UNSET}}""#),
    ];
    for (written, expected) in cases {
        assert_eq!(json(&expanded(&resolver, written)), expected, "{written}");
    }
}

#[test]
fn an_escaped_reference_ends_the_expansion_of_its_string() {
    let resolver = environment(&[("A", "1")]);
    assert_eq!(json(&expanded(&resolver, "${A} $${B} ${A}")), r#""1 ${B} 1""#);
    assert_eq!(json(&expanded(&resolver, "$${B} ${A}")), r#""${B} ${A}""#);
}

#[test]
fn references_nest_and_the_innermost_goes_first() {
    let resolver = environment(&[("NAME", "WORD"), ("WORD", "found"), ("B", "b")]);
    assert_eq!(json(&expanded(&resolver, "${env:${env:NAME}}")), r#""found""#);
    assert_eq!(json(&expanded(&resolver, "${env:UNSET:-${env:B}}")), r#""b""#);
    assert_eq!(json(&expanded(&resolver, "<${env:${NAME}}|${env:UNSET:-${B}}>")), r#""<found|b>""#);
}

#[test]
fn braces_that_do_not_make_a_reference_stay() {
    let resolver = environment(&[("A", "1")]);
    for text in ["${", "${A", "A}", "}{", "$A", "{A}"] {
        assert_eq!(json(&expanded(&resolver, text)), serde_json::Value::from(text).to_string());
    }
    assert_eq!(json(&expanded(&resolver, "} ${A}")), r#""} 1""#);
}

#[test]
fn keys_are_never_expanded() {
    let resolved = environment(&[("A", "1")]).resolve(&["yaml:${A}: ${A}"]).unwrap();
    assert_eq!(json(&resolved.root), r#"{"${A}":1}"#);
}

#[test]
fn a_whole_reference_keeps_its_type_and_its_text() {
    let cases = [
        ("1111:2222::", r#"{"1111:2222:":null}"#),
        ("123", "123"),
        ("0123", "83"),
        ("0xdeadbeef", "3735928559"),
        ("true", "true"),
        ("1.5", "1.5"),
        ("", "null"),
        ("null", "null"),
        ("[a, b]", r#"["a","b"]"#),
        ("{a: 1}", r#"{"a":1}"#),
    ];
    for (value, typed) in cases {
        for variables in [&[("ENV", value)][..], &[("ENV", "${env:ENV2}"), ("ENV2", value)][..]] {
            let node = expanded(&environment(variables), "${env:ENV}");
            assert_eq!(json(&node), typed, "{value}");
            assert_eq!(node.original_text(), Some(value));
        }
    }
}

#[test]
fn a_string_keeps_its_raw_text() {
    for value in ["\"0123\"", "!!str 0123", "plain # comment", "[\"a\",", "2006-01-02T15:04:05Z07:00", "a\n"]
    {
        let resolver = environment(&[("ENV", value)]);
        assert_eq!(expanded(&resolver, "${ENV}").as_str(), Some(value));
        assert_eq!(expanded(&resolver, "in ${ENV} text").as_str(), Some(format!("in {value} text").as_str()));
    }
}

#[test]
fn the_text_of_a_reference_is_expanded_too_and_dropped_when_it_cannot_be() {
    let resolver = environment(&[
        ("NAME", "otlp"),
        ("LIST", "[a, \"${NAME}\", \"$$X\"]"),
        ("BOOL", "true # ${env:not.a.name}"),
    ]);
    let node = expanded(&resolver, "${LIST}");
    assert_eq!(
        (json(&node).as_str(), node.original_text()),
        (r#"["a","otlp","$X"]"#, Some("[a, \"otlp\", \"$X\"]"))
    );
    let node = expanded(&resolver, "${BOOL}");
    assert_eq!((json(&node).as_str(), node.original_text()), ("true", None));
    refused(
        &resolver,
        "x: a ${BOOL}",
        &expect![[r#"
        <inline YAML>:1:4: x: cannot expand a reference that a ${BOOL} leads to: it cannot be read
           |
         1 | x: a ${BOOL}
           |    ^^^^^^^^^"#]],
    );
}

#[test]
fn expansion_reaches_into_what_references_yield() {
    let resolver = environment(&[
        ("ENV", "{env: \"${env:ENV2}\", inline: \"inline ${env:ENV2}\"}"),
        ("ENV2", "{env2: \"${env:ENV3}\"}"),
        ("ENV3", "{value: 123}"),
    ]);
    assert_eq!(
        json(&expanded(&resolver, "${ENV}")),
        r#"{"env":{"env2":{"value":123}},"inline":"inline {env2: \"{value: 123}\"}"}"#
    );
}

#[test]
fn expansion_comes_after_merging() {
    let resolver = environment(&[("MAP", "{b: 2}")]);
    let resolved = resolver.resolve(&["yaml:a: {c: 1}", "yaml:a: ${MAP}"]).unwrap();
    assert_eq!(json(&resolved.root), r#"{"a":{"b":2}}"#);
}

#[test]
fn references_without_end_are_refused() {
    let resolver = environment(&[
        ("LOOP", "${env:LOOP}"),
        ("GROW", "x${env:GROW}"),
        ("DEEP", "{a: \"${env:DEEP}\"}"),
        ("WIDE", "{a: \"${env:WIDE}\", b: \"${env:WIDE}\"}"),
        ("DOUBLE", "${env:DOUBLE}${env:DOUBLE}"),
    ]);
    for name in ["LOOP", "GROW", "DEEP", "WIDE", "DOUBLE"] {
        let problems = resolver.resolve(&[format!("yaml:x: ${{env:{name}}}")]).unwrap_err();
        let message = problems.iter().next().unwrap().message();
        assert!(message.starts_with("too many recursive expansions"), "{message}");
    }
}

#[test]
fn every_reference_that_cannot_be_expanded_is_reported_with_its_place() {
    refused(
        &environment(&[("A", "b")]),
        "a: ${nope:x}\nb: [ok, \"${1}\"]\nc: {d: 'x ${env:A B}'}\ne: ${env:x$y}\nf: ${A:-b}\ng: ${file:/not/there}",
        &expect![[r#"
            <inline YAML>:1:4: a: cannot expand ${nope:x}: scheme "nope" is not supported; known are env, file and yaml
               |
             1 | a: ${nope:x}
               |    ^^^^^^^^^
            <inline YAML>:2:9: b::1: cannot expand ${1}: environment variable "1" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$
               |
             2 | "${1}"]
               | ^^^^^^
            <inline YAML>:3:8: c::d: cannot expand ${env:A B}: environment variable "A B" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$
               |
             3 | c: {d: 'x ${env:A B}'}
               |        ^^^^^^^^^^^^^^
            <inline YAML>:4:4: e: cannot expand ${env:x$y}: the uri contains unsupported characters ('$')
               |
             4 | e: ${env:x$y}
               |    ^^^^^^^^^^
            <inline YAML>:5:4: f: cannot expand ${A:-b}: invalid uri: it must be ${NAME} or ${scheme:…}
               |
             5 | f: ${A:-b}
               |    ^^^^^^^
            <inline YAML>:6:4: g: cannot expand ${file:/not/there}: unable to read the file file:/not/there: No such file or directory (os error 2)
               |
             6 | g: ${file:/not/there}
               |    ^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn what_a_reference_yields_is_in_no_message() {
    let resolver = environment(&[("SECRET", "hunter2:x")]);
    refused(
        &resolver,
        "a: ${${env:SECRET}}\nb: ${env:${env:SECRET}}",
        &expect![[r#"
        <inline YAML>:1:4: a: cannot expand a reference that ${${env:SECRET}} leads to: its scheme is not supported; known are env, file and yaml
           |
         1 | a: ${${env:SECRET}}
           |    ^^^^^^^^^^^^^^^^
        <inline YAML>:2:4: b: cannot expand a reference that ${env:${env:SECRET}} leads to: it cannot be read
           |
         2 | b: ${env:${env:SECRET}}
           |    ^^^^^^^^^^^^^^^^^^^^"#]],
    );
    let resolved = resolver.resolve(&["yaml:a: ${env:SECRET}\nb: ${env:UNSET:-${env:SECRET}}"]).unwrap();
    for key in ["a", "b"] {
        let origin = resolved.root.get(key).unwrap().origin().unwrap();
        assert!(!origin.via().unwrap().contains("hunter2"));
    }
}
