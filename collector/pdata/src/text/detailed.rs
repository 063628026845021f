//! What the detailed text of every signal has in common.

use std::fmt::{self, Write as _};

use super::value::Typed;
use crate::proto::common::v1::{EntityRef, InstrumentationScope, KeyValue};
use crate::proto::resource::v1::Resource;

/// Detailed text, line by line.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// One line.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("a String grows");
        self.0.push('\n');
    }

    /// A line `    Name           : value`.
    pub(super) fn field(&mut self, name: &str, value: impl fmt::Display) {
        self.line(format_args!("    {name:<15}: {value}"));
    }

    /// A heading and a line per attribute; nothing when there is none. A heading that is an entry
    /// itself, `     -> Attributes`, indents them further.
    pub(super) fn attributes(&mut self, heading: &str, attributes: &[KeyValue]) {
        if attributes.is_empty() {
            return;
        }
        self.line(format_args!("{heading}:"));
        let indent = heading.split_once("->").map_or("", |(indent, _)| indent);
        for pair in attributes {
            self.line(format_args!("{indent}     -> {}: {}", pair.key, Typed(pair.value.as_ref())));
        }
    }

    pub(super) fn resource(&mut self, schema_url: &str, resource: Option<&Resource>) {
        self.line(format_args!("Resource SchemaURL: {schema_url}"));
        if let Some(resource) = resource {
            self.attributes("Resource attributes", &resource.attributes);
            self.entity_refs(&resource.entity_refs);
        }
    }

    fn entity_refs(&mut self, refs: &[EntityRef]) {
        if refs.is_empty() {
            return;
        }
        self.line(format_args!("Resource entity refs:"));
        for (index, entity) in refs.iter().enumerate() {
            self.line(format_args!("     -> Entity ref #{index}:"));
            self.line(format_args!("          -> Type: {}", entity.r#type));
            if !entity.schema_url.is_empty() {
                self.line(format_args!("          -> Schema URL: {}", entity.schema_url));
            }
            self.keys("ID", &entity.id_keys);
            self.keys("Description", &entity.description_keys);
        }
    }

    fn keys(&mut self, what: &str, keys: &[String]) {
        if keys.is_empty() {
            return;
        }
        self.line(format_args!("          -> {what} keys:"));
        for key in keys {
            self.line(format_args!("               -> {key}"));
        }
    }

    pub(super) fn scope(&mut self, scope: Option<&InstrumentationScope>) {
        let (name, version) = scope.map_or(("", ""), |scope| (scope.name.as_str(), scope.version.as_str()));
        self.line(format_args!("InstrumentationScope {name} {version}"));
        if let Some(scope) = scope {
            self.attributes("InstrumentationScope attributes", &scope.attributes);
        }
    }
}
