use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::{ComponentId, Duration, MapList, Optional, Secret};

/// All of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(Left, Right)", into = "(Left, Right)")]
struct Both {
    left: Left,
    right: Right,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Left {
    /// How long to wait.
    wait: Duration,
    /// Who asks.
    password: Secret,
    /// A part.
    part: Option<Part>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Right {
    /// Who else.
    id: Option<ComponentId>,
    /// What is sent.
    headers: MapList,
    /// A block.
    block: Optional<Part>,
}

/// Parts have this.
#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Part {
    /// How many.
    count: Option<u8>,
}

impl From<(Left, Right)> for Both {
    fn from((left, right): (Left, Right)) -> Self {
        Self { left, right }
    }
}

impl From<Both> for (Left, Right) {
    fn from(both: Both) -> Self {
        (both.left, both.right)
    }
}

fn keyword(key: &str, keyword: &str) -> Json {
    describe::<Both>().schema["properties"][key][keyword].clone()
}

#[test]
fn a_tuple_of_mappings_is_one_mapping_with_the_description_of_the_whole() {
    let schema = describe::<Both>().schema;
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["block", "headers", "id", "part", "password", "wait"]);
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["description"], "All of it.");
    assert_eq!(schema["prefixItems"], Json::Null);
    assert_eq!(schema["minItems"], Json::Null);
}

#[test]
fn what_may_be_null_is_described_as_what_it_is_otherwise() {
    assert_eq!(keyword("part", "type"), "object");
    assert_eq!(keyword("part", "anyOf"), Json::Null);
    assert_eq!(keyword("part", "description"), "A part.");
    assert_eq!(keyword("part", "properties")["count"]["type"], "integer");
    assert_eq!(keyword("id", TYPE_KEYWORD), "component id");
}

#[test]
fn the_types_of_this_crate_say_what_they_are() {
    assert_eq!(keyword("wait", TYPE_KEYWORD), "duration");
    assert_eq!(keyword("password", TYPE_KEYWORD), "secret");
    assert_eq!(keyword("headers", TYPE_KEYWORD), "mapping, or list of name and value");
    assert_eq!(keyword("block", OPTIONAL_KEYWORD), true);
    assert_eq!(keyword("block", "description"), "A block.");
    assert_eq!(keyword("block", "properties")["count"]["description"], "How many.");
}

#[test]
fn defaults_are_in_the_order_of_declaration_with_those_of_blocks_that_are_off() {
    let Value::Map(entries) = describe::<Both>().defaults else { panic!("a mapping") };
    let keys: Vec<&String> = entries.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["wait", "password", "part", "id", "headers", "block"]);
}

#[test]
fn a_choice_and_an_unsupported_key_say_what_is_allowed() {
    assert_eq!(one_of(["a", "b"]).to_value(), json!({ "type": "string", "enum": ["a", "b"] }));
    assert_eq!(unsupported().to_value()[UNSUPPORTED_KEYWORD], true);
}
