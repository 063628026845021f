use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::Secrets;

fn json(yaml: &str) -> String {
    Node::parse("test.yaml", yaml).unwrap().to_value().to_json(Secrets::Exposed)
}

#[track_caller]
fn refused(yaml: &str, expected: &Expect) {
    expected.assert_eq(&Node::parse("test.yaml", yaml).unwrap_err().to_string());
}

#[test]
fn plain_scalars_are_typed_as_the_go_collector_types_them() {
    let cases = [
        ("", "null"),
        ("~", "null"),
        ("Null", "null"),
        ("TRUE", "true"),
        ("False", "false"),
        ("yes", r#""yes""#),
        ("on", r#""on""#),
        ("0", "0"),
        ("-7", "-7"),
        ("+7", "7"),
        ("0123", "83"),
        ("-0123", "-83"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("0xdeadbeef", "3735928559"),
        ("1_000", "1000"),
        ("08", "8.0"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("1e3", "1000.0"),
        ("1.", "1.0"),
        (".inf", r#"".inf""#),
        ("1.2.3", r#""1.2.3""#),
        ("1e", r#""1e""#),
        (".", r#"".""#),
        ("0x", r#""0x""#),
        ("30s", r#""30s""#),
        ("2023-03-20T03:17:55.432328Z", r#""2023-03-20T03:17:55.432328Z""#),
        ("'0123'", r#""0123""#),
        ("\"true\"", r#""true""#),
        ("!!str 0123", r#""0123""#),
        ("!!int 5", "5"),
        ("!!float 5", "5.0"),
        ("! 5", r#""5""#),
    ];
    for (written, expected) in cases {
        assert_eq!(json(&format!("- {written}\n")), format!("[{expected}]"), "{written}");
    }
}

#[test]
fn anchors_and_merge_keys_are_resolved() {
    assert_eq!(
        json(
            "base: &base {a: 1, b: 2}\nx:\n  <<: *base\n  b: 3\ny:\n  <<: [{c: 4}, *base]\nz: [*base]\nw: {'<<': 1}"
        ),
        r#"{"base":{"a":1,"b":2},"x":{"b":3,"a":1},"y":{"c":4,"a":1,"b":2},"z":[{"a":1,"b":2}],"w":{"<<":1}}"#
    );
}

#[test]
fn whole_numbers_and_booleans_are_keys() {
    assert_eq!(json("1: a\ntrue: b"), r#"{"1":"a","true":"b"}"#);
}

#[test]
fn every_value_and_key_knows_its_place() {
    let node = Node::parse("test.yaml", "a:\n  - b\n  - key: value\n    é: x\n").unwrap();
    let place = |origin: Option<&Origin>| origin.map(|origin| (origin.line(), origin.column()));
    let list = node.get("a").unwrap();
    assert_eq!(place(node.entries()[0].origin.as_ref()), Some((1, 1)));
    assert_eq!(place(list.items()[0].origin()), Some((2, 5)));
    assert_eq!(place(list.items()[1].entries()[0].origin.as_ref()), Some((3, 5)));
    assert_eq!(place(list.items()[1].get("é").unwrap().origin()), Some((4, 8)));
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    refused(
        "a: 1\nb: 2\na: 3\nb: 4\n",
        &expect![[r#"
        test.yaml:3:1: the key "a" is there twice; the first is at test.yaml:1:1
           |
         3 | a
           | ^
        test.yaml:4:1: the key "b" is there twice; the first is at test.yaml:2:1
           |
         4 | b
           | ^"#]],
    );
    refused(
        "a::b: 1\na: {b: 2}\n",
        &expect![[r#"
        test.yaml:2:5: the key "b" is there twice; the first is at test.yaml:1:1
           |
         2 | a: {b
           |     ^"#]],
    );
    refused(
        "a: 1\na::b: 2\n",
        &expect![[r#"
        test.yaml:2:1: the key "a" is there twice; the first is at test.yaml:1:1
           |
         2 | a::b
           | ^^^^"#]],
    );
}

#[test]
fn what_is_not_yaml_is_refused_with_its_place() {
    refused(
        "a: [1, 2\nb: 3\n",
        &expect![[r#"
            test.yaml:2:2: not valid YAML: illegal placement of ':' indicator
               |
             2 | b:
               |  ^"#]],
    );
    refused(
        "a: *nowhere\n",
        &expect![[r#"
            test.yaml:1:4: not valid YAML: while parsing node, found unknown anchor
               |
             1 | a:
               |   ^"#]],
    );
    refused(
        "1.5: a\n",
        &expect![[r#"
            test.yaml:1:1: a key must be a string, and this is a number; put it in quotes
               |
             1 | 1.5
               | ^^^"#]],
    );
    refused(
        "{[a]: b}\n",
        &expect![[r#"
            test.yaml:1:2: a key must be a string, and this is a list; put it in quotes
               |
             1 | {[
               |  ^"#]],
    );
    refused(
        "a: !custom b\n",
        &expect![[r#"
        test.yaml:1:4: the tag !custom is not supported; leave it out; known are "!!str", "!!int", "!!float", "!!bool" and "!!null"
           |
         1 | a: !custom b
           |    ^^^^^^^^^"#]],
    );
    refused(
        "a: !!int b\n",
        &expect![[r#"
        test.yaml:1:4: the value is not what its tag !!int says
           |
         1 | a: !!int b
           |    ^^^^^^^"#]],
    );
    refused(
        "a: &a [*a]\n",
        &expect![[r#"
        test.yaml:1:8: the alias is inside of what it names
           |
         1 | a: &a [*a]
           |        ^^"#]],
    );
    refused(
        "<<: 1\n",
        &expect![[r#"
        test.yaml:1:5: the merge key << takes a mapping or a list of mappings; put it in quotes if a plain key is meant
           |
         1 | <<: 1
           |     ^"#]],
    );
    refused(
        "a:\n\tb: 1\n",
        &expect![[r#"
            test.yaml:2:2: not valid YAML: tabs disallowed within this context (block indentation)
               |
             2 | 	b:
               | 	^"#]],
    );
}

#[test]
fn depth_size_and_repetition_are_bounded() {
    let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
    assert!(
        Node::parse("x", &deep)
            .unwrap_err()
            .to_string()
            .contains("128 lists and mappings inside one another")
    );
    assert!(Node::parse("x", &deep[1..deep.len() - 1]).is_ok());
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let alias = format!("*a{},", level - 1).repeat(10);
        laughs.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    assert!(Node::parse("x", &laughs).unwrap_err().to_string().contains("more than 200000 values"));
    let large = " ".repeat(MAX_SOURCE_BYTES + 1);
    assert_eq!(Node::parse("x", &large).unwrap_err().to_string(), "x: larger than 16777216 bytes");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        drop(Node::parse("x", &text));
    }

    #[test]
    fn no_text_that_looks_like_yaml_makes_the_parser_panic(text in "([a-c]|[-:?,\\[\\]{}&*!|>'\"%@`#<.~$\\\\]|[ \n\t]|: |- |\n  |---\n|<<: |\\*a|&a ){0,60}") {
        drop(Node::parse("x", &text));
    }
}
