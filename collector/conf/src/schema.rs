//! What can be written: the JSON Schema of a configuration type, beside its defaults.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{Value, to_value};

/// Keyword of a schema: how a reference calls the type, where JSON's own types say too little.
pub const TYPE_KEYWORD: &str = "x-type";
/// Keyword of a schema: the key is known, and refused when it asks for something.
pub const UNSUPPORTED_KEYWORD: &str = "x-unsupported";
/// Keyword of a schema: a block that is on or off; see [`Optional`](crate::Optional).
pub const OPTIONAL_KEYWORD: &str = "x-optional";

/// What can be written about one thing, for references and for editors.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// JSON Schema, without references to other parts of it. What doc comments say is its `description`s.
    /// A tuple of mappings is one mapping, and something or null is the something.
    pub schema: Json,
    /// The default, in the order of declaration.
    pub defaults: Value,
}

/// Describes `T`, over its `Default`.
pub fn describe<T: Default + Serialize + JsonSchema>() -> Description {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    Description { schema, defaults: to_value(&T::default()) }
}

/// The schema of a string that is one of `names`.
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Schema {
    let names: Vec<&str> = names.into_iter().collect();
    json_schema!({ "type": "string", "enum": names })
}

/// The schema of a key that is known, and refused unless it asks for nothing.
pub fn unsupported() -> Schema {
    json_schema!({ "enum": [null, false, 0, "", [], {}], UNSUPPORTED_KEYWORD: true })
}

/// Brings a schema, and all below it, into the form that [`Description::schema`] promises.
fn simplify(schema: &mut Json) {
    match schema {
        Json::Object(keywords) => {
            keywords.values_mut().for_each(simplify);
            keywords.remove("title");
            merge_tuple(keywords);
            drop_null(keywords);
        }
        Json::Array(parts) => parts.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// As the serializer has it: the elements of a tuple of mappings are parts of the same block.
fn merge_tuple(keywords: &mut Map<String, Json>) {
    let is_block = |part: &Json| part["type"] == "object";
    match keywords.get("prefixItems").and_then(Json::as_array) {
        Some(parts) if parts.iter().all(is_block) => {}
        _ => return,
    }
    let Some(Json::Array(parts)) = keywords.remove("prefixItems") else { return };
    let mut properties = Map::new();
    for part in parts {
        let Some(own) = part["properties"].as_object() else { continue };
        for (key, value) in own {
            properties.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    for keyword in ["items", "minItems", "maxItems"] {
        keywords.remove(keyword);
    }
    keywords.insert("type".to_owned(), "object".into());
    keywords.insert("properties".to_owned(), properties.into());
}

/// Every key may be null, so no schema says so.
fn drop_null(keywords: &mut Map<String, Json>) {
    if let Some(Json::Array(types)) = keywords.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keywords.insert("type".to_owned(), only);
        }
    }
    let Some(Json::Array(choices)) = keywords.get_mut("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if choices.len() != 1 {
        return;
    }
    let Some(Json::Array(mut choices)) = keywords.remove("anyOf") else { return };
    if let Some(Json::Object(only)) = choices.pop() {
        for (keyword, value) in only {
            keywords.entry(keyword).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests;
