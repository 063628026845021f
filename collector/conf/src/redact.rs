//! The configuration as it was written, without its secrets.

use crate::secret::REDACTED;
use crate::{Content, Node, Resolved, Value};

impl Resolved {
    /// The configuration before expansion, with `${…}` references as they were written and secrets hidden.
    ///
    /// `config` is the typed configuration that [`Resolved::root`] became: it knows what is secret. A value that is
    /// nothing but a reference is kept, since it shows nothing. Blocks that are off know no types any more: all their
    /// strings are hidden.
    pub fn redacted(&self, config: &Value) -> Value {
        mirror(&self.unexpanded, config)
    }
}

fn mirror(written: &Node, config: &Value) -> Value {
    match (&written.content, config) {
        (Content::Map(entries), Value::Map(_)) => Value::Map(
            entries
                .iter()
                .map(|entry| {
                    let value = match config.get(&entry.key).or_else(|| config.get(entry.key.trim())) {
                        Some(typed) => mirror(&entry.value, typed),
                        None => entry.value.to_value(),
                    };
                    (entry.key.clone(), value)
                })
                .collect(),
        ),
        (Content::List(items), Value::List(typed)) if items.len() == typed.len() => {
            Value::List(items.iter().zip(typed).map(|(item, typed)| mirror(item, typed)).collect())
        }
        (_, config) if holds_secret(config) => hidden(written),
        _ => written.to_value(),
    }
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) | Value::Off(_) => true,
        Value::List(items) => items.iter().any(holds_secret),
        Value::Map(entries) => entries.iter().any(|(_, value)| holds_secret(value)),
        _ => false,
    }
}

/// Without any scalar but references, switches and nothing.
fn hidden(written: &Node) -> Value {
    match &written.content {
        Content::String(text) if is_reference(text) => Value::String(text.clone()),
        Content::Null | Content::Bool(_) => written.to_value(),
        Content::List(items) => Value::List(items.iter().map(hidden).collect()),
        Content::Map(entries) => {
            Value::Map(entries.iter().map(|entry| (entry.key.clone(), hidden(&entry.value))).collect())
        }
        _ => Value::String(REDACTED.to_owned()),
    }
}

/// One `${…}` and nothing else.
fn is_reference(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|inner| !inner.contains('}'))
}

#[cfg(test)]
mod tests;
