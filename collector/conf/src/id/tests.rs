use proptest::prelude::*;

use super::*;

fn id(text: &str) -> Result<(String, String), String> {
    text.parse::<ComponentId>()
        .map(|id| (id.kind().to_owned(), id.name().to_owned()))
        .map_err(|error| error.to_string())
}

#[test]
fn an_id_is_a_type_and_maybe_a_name() {
    let parts = |kind: &str, name: &str| Ok((kind.to_owned(), name.to_owned()));
    assert_eq!(id("otlp"), parts("otlp", ""));
    assert_eq!(id("otlp_grpc/backup"), parts("otlp_grpc", "backup"));
    assert_eq!(id("  otlp /  my-name.1 "), parts("otlp", "my-name.1"));
    assert_eq!(id("a/b/c"), parts("a", "b/c"));
    assert_eq!(id("otlp/жжж"), parts("otlp", "жжж"));
    assert_eq!(id(&"a".repeat(63)), parts(&"a".repeat(63), ""));
}

#[test]
fn what_is_no_id_says_why() {
    let cases = [
        ("", "id must not be empty".to_owned()),
        ("  ", "id must not be empty".to_owned()),
        ("/x", r#"in "/x" id: the part before / should not be empty"#.to_owned()),
        ("x/ ", r#"in "x/ " id: the part after / should not be empty"#.to_owned()),
        ("1x", r#"invalid character(s) in type "1x""#.to_owned()),
        ("a-b", r#"invalid character(s) in type "a-b""#.to_owned()),
        ("é", r#"invalid character(s) in type "é""#.to_owned()),
        ("a/b c", r#"invalid character(s) in name "b c""#.to_owned()),
        ("a/b+", r#"invalid character(s) in name "b+""#.to_owned()),
        ("a/🎉", r#"invalid character(s) in name "🎉""#.to_owned()),
        ("a/b\u{200b}", "invalid character(s) in name \"b\\u{200b}\"".to_owned()),
    ];
    for (text, message) in cases {
        assert_eq!(id(text), Err(message));
    }
    assert!(id(&"a".repeat(64)).is_err());
    assert!(id(&format!("a/{}", "b".repeat(1024))).is_ok());
    assert!(id(&format!("a/{}", "b".repeat(1025))).is_err());
}

#[test]
fn ids_are_ordered_by_type_then_name_and_equal_whatever_the_blanks() {
    let id = |text: &str| text.parse::<ComponentId>().unwrap();
    let mut ids = [id("b"), id("a/z"), id("a_b"), id("a"), id("a/b")];
    ids.sort();
    assert_eq!(ids.map(|id| id.to_string()), ["a", "a/b", "a/z", "a_b", "b"]);
    assert_eq!(id(" a / b "), id("a/b"));
    assert!(ComponentId::of_type("a/b").is_err());
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(text in "\\PC{0,20}(/\\PC{0,20})?") {
        if let Ok(id) = text.parse::<ComponentId>() {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
