//! The keys of a description, block by block.

use etalon_conf::{Description, OPTIONAL_KEYWORD, Secrets, TYPE_KEYWORD, UNSUPPORTED_KEYWORD, Value};
use serde_json::Value as Json;

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Block {
    /// The keys that lead to it, from the component on, joined by dots.
    pub(super) path: String,
    pub(super) about: String,
    pub(super) presence: Presence,
    pub(super) keys: Vec<Key>,
}

/// Whether a block is there without being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Always,
    On,
    Off,
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    /// Empty when the schema does not say.
    pub(super) kind: String,
    /// Empty when there is none.
    pub(super) default: String,
    pub(super) about: String,
    /// The values that it may have, with what each means.
    pub(super) choices: Vec<(String, String)>,
    pub(super) is_unsupported: bool,
    /// The path of its own block, or of that of its elements.
    pub(super) block: Option<String>,
}

/// All blocks, an outer one before those in it.
pub(super) fn blocks(description: &Description) -> Vec<Block> {
    let mut blocks = Vec::new();
    collect(&description.schema, Some(&description.defaults), "", &mut blocks);
    blocks
}

/// Keys about which something is missing that a reader needs.
pub(super) fn problems(blocks: &[Block]) -> Vec<String> {
    let mut problems = Vec::new();
    for block in blocks {
        for key in &block.keys {
            let mut problem = |what| problems.push(format!("{} {what}", joined(&block.path, &key.name)));
            if key.about.is_empty() {
                problem("has no doc comment");
            }
            if key.about.contains("[`") || key.about.contains("`]") {
                problem("has a doc comment that links to code, where its reader cannot follow");
            }
            if key.kind.is_empty() {
                problem("has no type");
            }
            if key.default.is_empty() {
                problem("has no default");
            }
        }
    }
    problems
}

fn collect(schema: &Json, defaults: Option<&Value>, path: &str, blocks: &mut Vec<Block>) {
    let presence = match defaults {
        Some(Value::Off(_)) => Presence::Off,
        _ if schema[OPTIONAL_KEYWORD] == true => Presence::On,
        _ => Presence::Always,
    };
    let carried = match defaults {
        Some(Value::Off(carried)) => carried.as_deref(),
        other => other,
    };
    let at = blocks.len();
    blocks.push(Block { path: path.to_owned(), about: text_of(schema), presence, keys: Vec::new() });
    let mut keys = Vec::new();
    for (name, schema) in in_order(schema, carried) {
        let default = carried.and_then(|defaults| defaults.get(name));
        let mut key = Key {
            name: name.to_owned(),
            kind: kind(schema),
            default: default.map_or_else(|| default_of(schema), |value| written(schema, value)),
            about: text_of(schema),
            choices: choices(schema),
            is_unsupported: is_unsupported(schema),
            block: None,
        };
        let inner = joined(path, name);
        let element = format!("{inner}{}", if schema["items"].is_object() { "[]" } else { ".ID" });
        let nested = [
            (schema, inner, default),
            (&schema["items"], element.clone(), None),
            (&schema["additionalProperties"], element, None),
        ];
        for (schema, path, defaults) in nested.into_iter().filter(|_| schema[TYPE_KEYWORD].is_null()) {
            if !is_empty(schema) {
                collect(schema, defaults, &path, blocks);
                key.block = Some(path);
            }
        }
        keys.push(key);
    }
    blocks[at].keys = keys;
}

/// The properties: as they are declared, where the defaults tell that, and otherwise by name.
fn in_order<'a>(schema: &'a Json, defaults: Option<&'a Value>) -> Vec<(&'a str, &'a Json)> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let mut ordered = Vec::new();
    if let Some(Value::Map(entries)) = defaults {
        ordered.extend(entries.iter().filter_map(|(key, _)| Some((key.as_str(), properties.get(key)?))));
    }
    let rest = properties.iter().map(|(key, schema)| (key.as_str(), schema));
    let known: Vec<&str> = ordered.iter().map(|(key, _)| *key).collect();
    ordered.extend(rest.filter(|(key, _)| !known.contains(key)));
    ordered
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn text_of(schema: &Json) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_empty(schema: &Json) -> bool {
    schema["properties"].as_object().is_none_or(serde_json::Map::is_empty)
}

fn is_unsupported(schema: &Json) -> bool {
    schema[UNSUPPORTED_KEYWORD] == true || schema["items"][UNSUPPORTED_KEYWORD] == true
}

/// What a reader calls the type.
fn kind(schema: &Json) -> String {
    if is_unsupported(schema) {
        return "not supported".to_owned();
    }
    if let Some(name) = schema[TYPE_KEYWORD].as_str() {
        return name.to_owned();
    }
    if !choices(schema).is_empty() {
        return "one of".to_owned();
    }
    match schema["type"].as_str() {
        Some("boolean") => "`true` or `false`".to_owned(),
        Some(scalar @ ("string" | "integer" | "number")) => scalar.to_owned(),
        Some("array") => format!("list of {}", plural(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("mapping of names to {}", plural(&schema["additionalProperties"]))
        }
        Some("object") if schema["additionalProperties"] == true => "mapping of names to anything".to_owned(),
        Some("object") => "block".to_owned(),
        _ => String::new(),
    }
}

fn plural(schema: &Json) -> String {
    match kind(schema) {
        kind if kind.is_empty() || kind.ends_with('s') => kind,
        kind => format!("{kind}s"),
    }
}

fn choices(schema: &Json) -> Vec<(String, String)> {
    let quoted = |value: &Json| match value.as_str() {
        Some("") => "\"\"".to_owned(),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    let mut found = Vec::new();
    if let Some(values) = schema["enum"].as_array() {
        found.extend(values.iter().map(|value| (quoted(value), String::new())));
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        if let Some(values) = choice["enum"].as_array() {
            found.extend(values.iter().map(|value| (quoted(value), String::new())));
        } else if !choice["const"].is_null() {
            found.push((quoted(&choice["const"]), text_of(choice)));
        }
    }
    found
}

/// A default as a user would write it.
fn written(schema: &Json, value: &Value) -> String {
    match value {
        _ if is_unsupported(schema) => "unset".to_owned(),
        Value::Off(_) => "off".to_owned(),
        Value::Null => "unset".to_owned(),
        Value::Map(entries) if !entries.is_empty() => "as below".to_owned(),
        value => format!("`{}`", flow(value)),
    }
}

/// In one line.
fn flow(value: &Value) -> String {
    match value {
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let given = entries.iter().filter(|(_, value)| !value.is_null());
            let entries: Vec<String> = given.map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Secret(secret) if secret.is_empty() => "\"\"".to_owned(),
        scalar => scalar.to_yaml(Secrets::Redacted).trim_end().to_owned(),
    }
}

/// Of an element of a list or mapping: the type's own.
fn default_of(schema: &Json) -> String {
    match schema.get("default") {
        _ if is_unsupported(schema) => "unset".to_owned(),
        None => String::new(),
        Some(Json::Null) => "unset".to_owned(),
        Some(Json::Object(entries)) if !entries.is_empty() => "as below".to_owned(),
        Some(Json::String(text)) if text.is_empty() || schema[TYPE_KEYWORD] == "secret" => {
            "`\"\"`".to_owned()
        }
        Some(Json::String(text)) => format!("`{text}`"),
        Some(other) => format!("`{other}`"),
    }
}
