//! The events of the contract as the template wants them.

use etalon_telemetry_schema::{Attribute, AttributeKind, Contract, Event, Primitive, Requirement};
use serde::Serialize;

use super::view::pascal;
use crate::codegen::Result;

#[derive(Debug, Serialize)]
pub(super) struct EventView {
    r#type: String,
    constant: String,
    name: String,
    brief: String,
    doc: String,
    level: String,
    sampled: bool,
    stability: String,
    fields: Vec<FieldView>,
    /// What the message has in it and no field of the line.
    words: Vec<String>,
    /// The message, with `{}` for its arguments.
    format: String,
    /// Fields and words, in the order of the message.
    arguments: Vec<String>,
    borrows: bool,
}

#[derive(Debug, Serialize)]
struct FieldView {
    key: String,
    name: String,
    doc: String,
    kind: &'static str,
    r#type: String,
    optional: bool,
}

pub(super) fn of(contract: &Contract) -> Result<Vec<EventView>> {
    contract.events.values().map(|event| view(contract, event)).collect()
}

/// Whether only log lines have the attribute, and as text or a number: then no code needs a type of it.
pub(super) fn is_only_told(contract: &Contract, attribute: &Attribute) -> bool {
    let is_in =
        |keys: &[etalon_telemetry_schema::AttributeRef]| keys.iter().any(|key| key.key == attribute.key);
    attribute.values().is_none()
        && contract.events.values().any(|event| is_in(&event.attributes))
        && !contract.metrics.values().any(|metric| is_in(&metric.attributes))
        && !contract.spans.values().any(|span| is_in(&span.attributes))
}

fn view(contract: &Contract, event: &Event) -> Result<EventView> {
    let note = &event.annotations.contract;
    let fields = event.attributes.iter().map(|attribute| {
        let declared = &contract.attributes[&attribute.key];
        field(declared, attribute.requirement_level != Requirement::Required)
    });
    let fields =
        fields.collect::<Result<Vec<FieldView>>>().map_err(|error| format!("{}: {error}", event.name))?;
    let (format, in_message) = message(&note.message).map_err(|error| format!("{}: {error}", event.name))?;
    let (mut words, mut arguments) = (Vec::new(), Vec::new());
    for key in in_message {
        match fields.iter().find(|field| field.key == key) {
            Some(field) if field.optional => {
                return Err(format!("{}: {key:?} in its message may not be there", event.name).into());
            }
            Some(field) if field.kind == "enumeration" => arguments.push(format!("{}.as_str()", field.name)),
            Some(field) if field.kind == "whole" => arguments.push(format!("{}.get()", field.name)),
            Some(field) => arguments.push(field.name.clone()),
            None => {
                arguments.push(key.clone());
                words.push(key);
            }
        }
    }
    Ok(EventView {
        r#type: pascal(&event.name),
        constant: event.name.replace('.', "_").to_ascii_uppercase(),
        name: event.name.clone(),
        brief: event.brief.clone(),
        doc: format!("`{}`: {}\n\nTold {}.", event.name, event.brief, note.recorded),
        level: format!("{:?}", note.severity).to_ascii_uppercase(),
        sampled: note.sampled,
        stability: format!("{:?}", event.stability),
        borrows: !words.is_empty() || fields.iter().any(|field| field.kind == "text"),
        fields,
        words,
        format,
        arguments,
    })
}

fn field(attribute: &Attribute, optional: bool) -> Result<FieldView> {
    let (kind, r#type) = match &attribute.kind {
        AttributeKind::Enum { .. } => ("enumeration", format!("attributes::{}", pascal(&attribute.key))),
        AttributeKind::Primitive(Primitive::String) => ("text", "Text<'a>".to_owned()),
        AttributeKind::Primitive(Primitive::Int) => ("whole", "Whole".to_owned()),
        AttributeKind::Primitive(other) => {
            return Err(format!("{}: {other:?} cannot be told", attribute.key).into());
        }
    };
    let name = attribute.key.replace(['.', ' '], "_");
    let doc = format!("`{}`: {}", attribute.key, attribute.brief);
    Ok(FieldView { key: attribute.key.clone(), name, doc, kind, r#type, optional })
}

/// A message with `{}` in place of each `{name}`, and the names.
fn message(template: &str) -> Result<(String, Vec<String>)> {
    let (mut format, mut names, mut rest) = (String::new(), Vec::new(), template);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a brace in its message is not closed")?;
        format.push_str(before);
        format.push_str("{}");
        names.push(name.to_owned());
        rest = after;
    }
    format.push_str(rest);
    Ok((format, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_what_it_has_in_it() {
        let (format, names) = message("Starting {command}... {a.b}").unwrap();
        assert_eq!(
            (format.as_str(), names),
            ("Starting {}... {}", vec!["command".to_owned(), "a.b".to_owned()])
        );
        assert!(message("{open").is_err());
    }
}
