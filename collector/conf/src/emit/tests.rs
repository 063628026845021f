use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{Duration, Node, Secret};

fn sample() -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    Value::Map(vec![
        ("endpoint".to_owned(), text("localhost:4317")),
        ("timeout".to_owned(), Value::Duration(Duration::from_millis(1500))),
        ("token".to_owned(), Value::Secret(Secret::new("hunter2"))),
        ("tls".to_owned(), Value::Off(Some(Box::new(Value::Map(vec![("a".to_owned(), Value::Int(1))]))))),
        ("empty".to_owned(), Value::Map(Vec::new())),
        ("nothing".to_owned(), Value::List(Vec::new())),
        (
            "list".to_owned(),
            Value::List(vec![
                text("plain"),
                Value::Map(vec![
                    ("a".to_owned(), Value::Float(1.0)),
                    ("b".to_owned(), Value::List(vec![text("true")])),
                ]),
                Value::List(vec![Value::List(vec![Value::Null]), Value::Bool(true)]),
            ]),
        ),
    ])
}

#[test]
fn yaml_is_written_in_blocks() {
    expect![[r#"
        endpoint: localhost:4317
        timeout: 1.5s
        token: "[REDACTED]"
        tls: {enabled: false}
        empty: {}
        nothing: []
        list:
          - plain
          - a: 1.0
            b:
              - "true"
          - - - null
            - true
    "#]]
    .assert_eq(&yaml(&sample(), Secrets::Redacted));
}

#[test]
fn json_counts_durations_in_nanoseconds() {
    expect![[r#"{"endpoint":"localhost:4317","timeout":1500000000,"token":"hunter2","tls":{"enabled":false},"empty":{},"nothing":[],"list":["plain",{"a":1.0,"b":["true"]},[[null],true]]}"#]].assert_eq(&json(&sample(), Secrets::Exposed));
}

#[test]
fn a_string_is_quoted_when_it_would_not_read_back() {
    let cases = [
        ("plain text", "plain text"),
        ("localhost:4317", "localhost:4317"),
        ("otlp/2", "otlp/2"),
        ("${env:X}", "\"${env:X}\""),
        ("", "\"\""),
        ("true", "\"true\""),
        ("0123", "\"0123\""),
        ("null", "\"null\""),
        ("~", "\"~\""),
        ("yes", "yes"),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        (" a", "\" a\""),
        ("a ", "\"a \""),
        ("a:", "\"a:\""),
        ("- a", "\"- a\""),
        ("a\nb", "\"a\\nb\""),
        ("\u{7}", "\"\\x07\""),
        ("\u{2028}", "\"\\u2028\""),
        ("---", "\"---\""),
        ("...", "\"...\""),
        (".5", "\".5\""),
        ("<<", "\"<<\""),
    ];
    for (text, written) in cases {
        assert_eq!(
            yaml(&Value::String(text.to_owned()), Secrets::Exposed),
            format!("{written}\n"),
            "{text:?}"
        );
    }
}

#[test]
fn a_key_as_long_as_an_id_can_be_reads_back() {
    let key = format!("{}/{}", "a".repeat(63), "b".repeat(1024));
    let inner = Value::Map(vec![
        (key.clone(), Value::Int(1)),
        ("c".to_owned(), Value::Map(vec![(key.clone(), Value::Null)])),
    ]);
    let value = Value::Map(vec![(key, Value::List(vec![inner.clone(), inner]))]);
    assert_eq!(Node::parse("x", &yaml(&value, Secrets::Exposed)).unwrap().to_value(), value);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|int| Value::Int(int.into())),
        any::<u64>().prop_map(|int| Value::Int(int.into())),
        any::<f64>()
            .prop_filter("not a number is not equal to itself", |float| !float.is_nan())
            .prop_map(Value::Float),
        any::<String>().prop_map(Value::String),
        "[ -~]{0,12}".prop_map(Value::String),
        "(true|null|~|0x1|1e3|- a|a: b|a #b|\\$\\{env:A\\}|<<|---|\\.\\.\\.|: |\t)".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::btree_map("[^:]{0,6}|[ -9;-~]{0,8}", inner, 0..5)
                .prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(value in any_value()) {
        let text = yaml(&value, Secrets::Exposed);
        let read = Node::parse("x", &text).unwrap().to_value();
        prop_assert_eq!(read, value, "{}", text);
    }

    #[test]
    fn json_is_json(value in any_value()) {
        let text = json(&value, Secrets::Exposed);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
    }
}
