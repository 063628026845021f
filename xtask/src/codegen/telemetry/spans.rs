//! The spans of the contract: as the template of the code wants them, and their page in the book.

use etalon_telemetry_schema::{AttributeKind, Contract, Primitive, Requirement, Span, SpanKind};
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;

use super::pages;
use super::view::pascal;
use crate::codegen::markdown::STAMP;
use crate::codegen::{Generated, Result};

#[derive(Debug, Serialize)]
pub(super) struct SpanView {
    r#type: String,
    constant: String,
    id: String,
    kind: String,
    doc: String,
    /// Any of its attributes is text.
    borrows: bool,
    attributes: Vec<AttributeOfSpan>,
    /// The name, without a part that varies; else empty.
    fixed_name: String,
    /// Its pieces in code, where it has parts that vary.
    pieces: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AttributeOfSpan {
    key: String,
    field: String,
    r#type: String,
    brief: String,
    optional: bool,
    borrows: bool,
    /// The function that takes its value, and how the value is got.
    method: &'static str,
    get: &'static str,
}

pub(super) fn of(contract: &Contract) -> Result<Vec<SpanView>> {
    contract.spans.values().map(|span| view(contract, span)).collect()
}

fn view(contract: &Contract, span: &Span) -> Result<SpanView> {
    let attributes = span.attributes.iter().map(|reference| {
        let declared = contract.attributes.get(&reference.key);
        let declared = declared.ok_or(format!("{}: no attribute is called {:?}", span.id, reference.key))?;
        let (method, get, borrows) = match declared.kind {
            AttributeKind::Enum { .. } => ("text", "as_str()", false),
            AttributeKind::Primitive(Primitive::String) => ("text", "as_str()", true),
            AttributeKind::Primitive(Primitive::Int) => ("int", "0", false),
            AttributeKind::Primitive(other) => {
                return Err(format!("{}: no span has {other:?} yet", reference.key).into());
            }
        };
        Ok(AttributeOfSpan {
            key: reference.key.clone(),
            field: reference.key.replace('.', "_"),
            r#type: pascal(&reference.key),
            brief: declared.brief.clone(),
            optional: reference.requirement_level != Requirement::Required,
            borrows,
            method,
            get,
        })
    });
    let attributes = attributes.collect::<Result<Vec<_>>>()?;
    let pieces = name(span, &attributes)?;
    let note = &span.annotations.contract;
    Ok(SpanView {
        r#type: pascal(&span.id),
        constant: span.id.replace('.', "_").to_ascii_uppercase(),
        id: span.id.clone(),
        kind: format!("{:?}", span.kind),
        doc: format!(
            "`{}`: {}\n\nRecorded {}.\n\nStatus: {}.",
            span.id, span.brief, note.recorded, note.status
        ),
        borrows: attributes.iter().any(|attribute| attribute.borrows),
        attributes,
        fixed_name: if pieces.is_empty() { span.name.note.clone() } else { String::new() },
        pieces,
    })
}

/// The pieces of the name, in code; none if it does not vary. What varies is a text that is always there.
fn name(span: &Span, attributes: &[AttributeOfSpan]) -> Result<Vec<String>> {
    let (mut pieces, mut rest) = (Vec::new(), &*span.name.note);
    let literal = |text: &str| (!text.is_empty()).then(|| format!("{text:?}"));
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) =
            after.split_once('}').ok_or(format!("{}: a brace is open in its name", span.id))?;
        let is_it = |attribute: &&AttributeOfSpan| {
            attribute.key == key && !attribute.optional && attribute.method == "text"
        };
        let part = attributes.iter().find(is_it);
        let part =
            part.ok_or(format!("{}: {key:?} is no required text of it, but part of its name", span.id))?;
        pieces.extend(literal(before));
        pieces.push(format!("self.{}.as_str()", part.field));
        rest = after;
    }
    if !pieces.is_empty() {
        pieces.extend(literal(rest));
    }
    Ok(pieces)
}

#[derive(Debug, Serialize)]
struct Page {
    spans: Vec<Section>,
}

#[derive(Debug, Serialize)]
struct Section {
    id: String,
    brief: String,
    note: Option<String>,
    rows: Vec<(&'static str, String)>,
}

/// The page, and the rows of the index: type, name, kind, stability and brief of each.
pub(super) fn page(contract: &Contract, templates: &Environment<'_>) -> Result<Generated> {
    let page = Page { spans: contract.spans.values().map(|span| section(contract, span)).collect() };
    let context = minijinja::context! { stamp => STAMP, page => Value::from(Serde(&page)) };
    let content = templates.get_template("spans.md")?.render(context)?;
    Ok(Generated { path: format!("book/src/{}/spans.md", pages::PAGES), content })
}

fn section(contract: &Contract, span: &Span) -> Section {
    let note = &span.annotations.contract;
    let kind = match span.kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
    };
    let mut rows = vec![
        ("name", format!("`{}`", span.name.note)),
        ("kind", kind.to_owned()),
        ("attributes", pages::attributes(contract, &span.attributes)),
        ("recorded", note.recorded.clone()),
        ("status", note.status.clone()),
        ("stability", format!("{}, since {}", pages::lowercase(span.stability), note.since)),
    ];
    if !note.events.is_empty() {
        let events: Vec<String> = note.events.iter().map(|event| format!("`{event}`")).collect();
        rows.insert(3, ("events", events.join(", ")));
    }
    Section { id: span.id.clone(), brief: span.brief.clone(), note: span.note.clone(), rows }
}
