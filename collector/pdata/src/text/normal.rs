//! What the normal text of every signal has in common.

use std::fmt::{self, Write as _};

use super::value::Plain;
use crate::proto::common::v1::{InstrumentationScope, KeyValue};
use crate::proto::resource::v1::Resource;

/// `key=value` for each attribute, with a separator between.
pub(super) struct Pairs<'a>(pub(super) &'a [KeyValue], pub(super) &'static str);

impl fmt::Display for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.iter().enumerate() {
            let separator = if index > 0 { self.1 } else { "" };
            write!(f, "{separator}{}={}", pair.key, Plain(pair.value.as_ref()))?;
        }
        Ok(())
    }
}

/// The same, after a space when there is any.
pub(super) struct Trailing<'a>(pub(super) &'a [KeyValue]);

impl fmt::Display for Trailing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.0.is_empty() { "" } else { " " };
        write!(f, "{space}{}", Pairs(self.0, " "))
    }
}

/// Appends a line.
pub(super) fn line(out: &mut String, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String grows");
    out.push('\n');
}

/// The line of a resource: title, number, schema, attributes.
pub(super) fn resource(
    out: &mut String,
    title: &str,
    index: usize,
    schema_url: &str,
    resource: Option<&Resource>,
) {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    let schema = if schema_url.is_empty() { String::new() } else { format!(" [{schema_url}]") };
    line(out, format_args!("{title} #{index}{schema}{}", Trailing(attributes)));
}

/// The line of a scope: title, number, `name@version [schema]`, attributes.
pub(super) fn scope(
    out: &mut String,
    title: &str,
    index: usize,
    schema_url: &str,
    scope: Option<&InstrumentationScope>,
) {
    let mut details = String::new();
    if let Some(scope) = scope {
        details.push_str(&scope.name);
        if !scope.version.is_empty() {
            details.extend(["@", &scope.version]);
        }
    }
    if !schema_url.is_empty() {
        let space = if details.is_empty() { "" } else { " " };
        details.extend([space, "[", schema_url, "]"]);
    }
    if !details.is_empty() {
        details.insert(0, ' ');
    }
    let attributes = scope.map_or(&[][..], |scope| &scope.attributes);
    line(out, format_args!("{title} #{index}{details}{}", Trailing(attributes)));
}
