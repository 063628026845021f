//! Events and spans.

use regex::Regex;

use super::{Life, Wrong, near};
use crate::contract::{AttributeRef, Contract, Event, Span, Stability};

/// What is wrong with an event, for itself and in `contract`.
pub(in crate::load) fn event(event: &Event, contract: &Contract) -> Wrong {
    let mut wrong = Wrong::default();
    let note = &event.annotations.contract;
    if !is_dotted(&event.name) {
        wrong.field("name", "must be words in lower case, joined by dots");
    }
    wrong.references("attributes", &event.attributes, contract);
    wrong.evidence(event.stability, "event", &note.tests, note.how_to_use.as_deref());
    let life = Life {
        since: &note.since,
        deprecated: event.deprecated.as_ref(),
        deprecated_since: note.deprecated_since.as_ref(),
        removed_in: note.removed_in.as_ref(),
    };
    wrong.life(&life, contract, &contract.events);
    if note.message.trim().is_empty() {
        wrong.note("message", "must say what has happened");
    }
    // What may be missing cannot be counted on.
    if note.sampled && event.stability == Stability::Stable {
        wrong.note("sampled", "a stable event is always told");
    }
    wrong
}

/// What is wrong with a span, for itself and in `contract`.
pub(in crate::load) fn span(span: &Span, contract: &Contract) -> Wrong {
    let mut wrong = Wrong::default();
    let note = &span.annotations.contract;
    wrong.references("attributes", &span.attributes, contract);
    wrong.evidence(span.stability, "span", &note.tests, note.how_to_use.as_deref());
    let life = Life {
        since: &note.since,
        deprecated: span.deprecated.as_ref(),
        deprecated_since: note.deprecated_since.as_ref(),
        removed_in: note.removed_in.as_ref(),
    };
    wrong.life(&life, contract, &contract.spans);
    name(&mut wrong, span, contract);
    for (index, event) in note.events.iter().enumerate() {
        if note.events.iter().take(index).any(|before| before == event) {
            wrong.note(&format!("events::{index}"), format!("has {event:?} already"));
        }
    }
    wrong
}

/// The template of its name, and the pattern that its names match as a whole.
fn name(wrong: &mut Wrong, span: &Span, contract: &Contract) {
    let template = &span.name.note;
    let Some(parts) = parts(template) else {
        wrong.field("name::note", "has a brace without its partner");
        return;
    };
    for key in parts.iter().filter_map(|part| part.key) {
        if !span.attributes.iter().any(|attribute| attribute.key == *key) {
            let near = near(key, span.attributes.iter().map(|AttributeRef { key, .. }| key));
            wrong.field("name::note", format!("{{{key}}} is no attribute of it{near}"));
        }
    }
    let pattern = &span.annotations.contract.name_pattern;
    let is_whole = match Regex::new(pattern).and_then(|_| Regex::new(&format!("^(?:{pattern})$"))) {
        Ok(whole) => whole,
        Err(error) => {
            wrong.note("name_pattern", format!("is no regular expression: {error}"));
            return;
        }
    };
    let example: String = parts.iter().map(|part| part.example(contract)).collect();
    if !is_whole.is_match(&example) {
        wrong.note("name_pattern", format!("does not match {example:?}, which the template makes"));
    }
}

/// A part of a template.
struct Part<'a> {
    text: &'a str,
    /// The attribute whose value stands there, instead of the text.
    key: Option<&'a str>,
}

impl<'a> Part<'a> {
    fn example(&self, contract: &'a Contract) -> &'a str {
        let Some(key) = self.key else { return self.text };
        let Some(attribute) = contract.attributes.get(key) else { return key };
        let value = attribute.values().and_then(|values| values.first().copied());
        value.or_else(|| attribute.examples.first().map(String::as_str)).unwrap_or(key)
    }
}

/// What a template is made of; nothing when its braces do not fit.
fn parts(template: &str) -> Option<Vec<Part<'_>>> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((text, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}')?;
        parts.push(Part { text, key: None });
        parts.push(Part { text: "", key: Some(key) });
        rest = after;
    }
    parts.push(Part { text: rest, key: None });
    let is_whole =
        |part: &Part<'_>| !part.text.contains('}') && !part.key.is_some_and(|key| key.contains('{'));
    parts.iter().all(is_whole).then_some(parts)
}

/// Whether it is words such as `config.reload_failed`.
fn is_dotted(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
    };
    name.contains('.') && name.split('.').all(is_word)
}
