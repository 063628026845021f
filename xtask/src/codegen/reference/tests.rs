use etalon_conf::{Duration, Optional};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Documented {
    /// How long to wait. 0 is for ever.
    wait: Duration,
    /// More of it.
    more: Optional<Inner>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Inner {
    /// How many.
    count: u8,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Silent {
    wait: Duration,
    /// See [`Documented`].
    count: u8,
    /// Anything.
    any: Option<serde_json::Value>,
    /// Not serialized.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "only its description is looked at")]
    lost: Duration,
}

fn subject<T: Default + Serialize + JsonSchema>() -> Subject {
    Subject {
        section: "exporters",
        role: "exporter",
        kind: "some_thing",
        aliases: &[],
        signals: Vec::new(),
        description: etalon_conf::describe::<T>(),
    }
}

#[test]
fn a_key_is_on_the_page_with_type_default_and_meaning_and_a_block_has_a_table_of_its_own() {
    let subject = subject::<Documented>();
    let page = page::render(&subject, &keys::blocks(&subject.description), Some("use/x.md"));
    assert!(page.contains("| `wait` | duration | `0s` | How long to wait. 0 is for ever. |\n"), "{page}");
    assert!(page.contains("| `more` | [block](#more) | off | More of it. |\n"), "{page}");
    assert!(page.contains("\n## more\n\nMore of it. Off, unless the key is written"), "{page}");
    assert!(page.contains("| `count` | integer |"), "{page}");
    assert!(page.contains("[How to use it](../../use/x.md)"), "{page}");
}

#[test]
fn a_key_without_text_type_or_default_cannot_be_documented() {
    let problems = keys::problems(&keys::blocks(&subject::<Silent>().description));
    assert_eq!(
        problems,
        [
            "wait has no doc comment",
            "count has a doc comment that links to code, where its reader cannot follow",
            "any has no type",
            "lost has no default",
        ]
    );
}

#[test]
fn pages_take_the_place_of_those_that_the_summary_has() {
    let summary = "# Reference\n\n- [a](a.md)\n  - [old](reference/configuration/old.md)\n- [b](b.md)\n";
    let written = with_pages(summary, &[subject::<Inner>()]).unwrap();
    assert_eq!(
        written,
        "# Reference\n\n- [a](a.md)\n  - [exporter: some_thing](reference/configuration/exporter-some-thing.md)\n- [b](b.md)\n"
    );
    assert!(with_pages("# Reference\n", &[]).is_err());
}

#[test]
fn an_editor_accepts_null_and_references_and_refuses_unknown_keys() {
    let schema: serde_json::Value =
        serde_json::from_str(&editor::schema(&[subject::<Documented>()]).unwrap()).unwrap();
    let component = &schema["properties"]["exporters"]["patternProperties"]["^some_thing(/.+)?$"]["anyOf"];
    assert_eq!(component[0]["additionalProperties"], false);
    assert_eq!(component[1]["type"], "null");
    let keys = &component[0]["properties"];
    assert_eq!(keys["wait"]["default"], "0s");
    assert_eq!(keys["wait"]["anyOf"][2]["$ref"], "#/definitions/reference");
    assert_eq!(keys["more"]["anyOf"][0]["properties"]["enabled"]["type"], "boolean");
    assert!(!schema.to_string().contains("x-type"), "{schema}");
}
