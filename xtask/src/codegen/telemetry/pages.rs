//! The telemetry reference in the book.

use etalon_telemetry_schema::{
    Attribute, AttributeRef, Contract, Deprecated, Exposition, Instrument, Metric, Presence, Relation,
    Requirement, Upstream, ValueType,
};
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;

use super::event_pages::{self, EventSection};
use super::spans;
use crate::codegen::markdown::{self, STAMP, SUMMARY};
use crate::codegen::{Generated, Result, root};

/// Where the pages are.
pub(super) const PAGES: &str = "reference/telemetry";

#[derive(Debug, Serialize)]
struct Page {
    stamp: &'static str,
    version: String,
    groups: Vec<GroupPage>,
    entities: Vec<EntityPage>,
    components: Vec<EntityPage>,
    expositions: Vec<ExpositionRow>,
    spans: Vec<SpanRow>,
    events: Vec<EventSection>,
}

#[derive(Debug, Serialize)]
struct GroupPage {
    name: String,
    brief: String,
    metrics: Vec<MetricSection>,
}

#[derive(Debug, Serialize)]
struct MetricSection {
    name: String,
    brief: String,
    note: Option<String>,
    stability: String,
    instrument: &'static str,
    /// What it is called where it is called otherwise, with the name of the exposition.
    elsewhere: Vec<(String, String)>,
    rows: Vec<(&'static str, String)>,
}

#[derive(Debug, Serialize)]
struct EntityPage {
    brief: String,
    attributes: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct SpanRow {
    id: String,
    name: String,
    stability: String,
    brief: String,
}

#[derive(Debug, Serialize)]
struct ExpositionRow {
    id: String,
    naming: String,
}

pub(super) fn generate(contract: &Contract, templates: &Environment<'_>) -> Result<Vec<Generated>> {
    let page = page(contract);
    let mut files = Vec::new();
    let index = templates.get_template("index")?.render(Value::from(Serde(&page)))?;
    files.push(Generated { path: format!("book/src/{PAGES}.md"), content: index });
    for group in &page.groups {
        let context = minijinja::context! { stamp => STAMP, group => Value::from(Serde(group)) };
        let content = templates.get_template("group")?.render(context)?;
        files.push(Generated { path: format!("book/src/{PAGES}/{}.md", file(&group.name)), content });
    }
    files.push(spans::page(contract, templates)?);
    let events = templates.get_template("events.md")?.render(Value::from(Serde(&page)))?;
    files.push(Generated { path: format!("book/src/{PAGES}/events.md"), content: events });
    let entries = page.groups.iter().map(|group| (group.name.replace('_', " "), file(&group.name)));
    let others = ["spans", "events"].map(|name| (name.to_owned(), name.to_owned()));
    let entries: Vec<_> = entries.chain(others).collect();
    let summary = std::fs::read_to_string(root().join(SUMMARY))?;
    let content = markdown::with_pages(&summary, PAGES, &entries)?;
    files.push(Generated { path: SUMMARY.to_owned(), content });
    Ok(files)
}

fn file(group: &str) -> String {
    group.replace('_', "-")
}

fn page(contract: &Contract) -> Page {
    let groups = contract.groups.iter().map(|(name, brief)| {
        let of_group = |metric: &&Metric| {
            let recorded = contract.successor(metric).unwrap_or(metric);
            recorded.annotations.contract.binding.as_ref().is_some_and(|binding| binding.group == *name)
        };
        let metrics = contract.metrics.values().filter(of_group);
        GroupPage {
            name: name.clone(),
            brief: brief.clone(),
            metrics: metrics.map(|metric| section(contract, metric)).collect(),
        }
    });
    let entity = |id: &str| {
        contract.entities.get(id).into_iter().map(|entity| {
            let keys = entity.identity.iter().chain(&entity.description);
            let attributes = keys.filter_map(|key| contract.attributes.get(&key.key));
            EntityPage {
                brief: entity.brief.clone(),
                attributes: attributes.map(|each| (each.key.clone(), each.brief.clone())).collect(),
            }
        })
    };
    let expositions = contract.expositions.iter();
    let spans = contract.spans.values().map(|span| SpanRow {
        id: span.id.clone(),
        name: span.name.note.clone(),
        stability: lowercase(span.stability),
        brief: span.brief.clone(),
    });
    Page {
        stamp: STAMP,
        version: contract.version.to_string(),
        groups: groups.collect(),
        spans: spans.collect(),
        entities: entity("service").collect(),
        components: entity("otelcol.component").collect(),
        expositions: expositions
            .map(|each| ExpositionRow { id: each.id.clone(), naming: naming(each) })
            .collect(),
        events: event_pages::sections(contract),
    }
}

fn section(contract: &Contract, metric: &Metric) -> MetricSection {
    let note = &metric.annotations.contract;
    let names = contract.expositions.iter().map(|each| (each.id.clone(), each.name_of(metric)));
    let mut rows = vec![
        ("type", kind(metric)),
        ("unit", format!("`{}`", metric.unit)),
        ("labels", labels(contract, metric)),
        ("series", format!("at most {}", contract.max_series(metric))),
        ("there", presence(&note.presence)),
        ("recorded", note.recorded.clone()),
    ];
    rows.extend(note.how_to_use.clone().map(|text| ("how to use it", text)));
    rows.extend(note.alert.as_ref().map(|alert| ("alert when", format!("`{alert}`"))));
    let invariants = note.invariants.iter().filter_map(|id| contract.invariants.get(id));
    rows.extend(invariants.map(|text| ("always", text.clone())));
    if !note.buckets.is_empty() {
        let buckets: Vec<String> = note.buckets.iter().map(|bucket| format!("`{bucket}`")).collect();
        rows.push(("buckets", buckets.join(", ")));
    }
    rows.extend(note.upstream.as_ref().map(|upstream| ("in the Go collector", compared(upstream))));
    rows.push(("level", format!("{:?}", note.level).to_lowercase()));
    rows.extend(deprecated(metric).map(|text| ("deprecated", text)));
    rows.push(("stability", format!("{}, since {}", lowercase(metric.stability), note.since)));
    MetricSection {
        name: metric.name.clone(),
        brief: metric.brief.clone(),
        note: metric.note.clone(),
        stability: lowercase(metric.stability),
        instrument: instrument(metric.instrument),
        elsewhere: names.filter(|(_, name)| *name != metric.name).collect(),
        rows,
    }
}

/// Since when, until when, and what to read instead.
fn deprecated(metric: &Metric) -> Option<String> {
    let note = &metric.annotations.contract;
    let instead = match metric.deprecated.as_ref()? {
        Deprecated::Renamed { renamed_to } => format!("it is called `{renamed_to}` now"),
        Deprecated::Obsoleted { note } | Deprecated::Uncategorized { note } => note.clone(),
    };
    let since = note.deprecated_since.as_ref().map(|since| format!("since {since}")).unwrap_or_default();
    let until = note.removed_in.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
    Some(format!("{since}{until}: {instead}"))
}

pub(super) fn lowercase(stability: etalon_telemetry_schema::Stability) -> String {
    format!("{stability:?}").to_lowercase()
}

fn instrument(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Counter => "counter",
        Instrument::UpDownCounter => "up-down counter, in Prometheus a gauge",
        Instrument::Gauge => "gauge",
        Instrument::Histogram => "histogram",
    }
}

fn kind(metric: &Metric) -> String {
    let numbers = match metric.annotations.contract.value_type {
        ValueType::Int => "whole numbers",
        ValueType::Double => "any numbers",
    };
    format!("{}, of {numbers}", instrument(metric.instrument))
}

fn labels(contract: &Contract, metric: &Metric) -> String {
    listed(contract, &metric.attributes, |key| {
        let escaped = key.replace('.', "_");
        if escaped == key { String::new() } else { format!(" (`{escaped}` in Prometheus)") }
    })
}

/// Keys and values, for a cell.
pub(super) fn attributes(contract: &Contract, attributes: &[AttributeRef]) -> String {
    listed(contract, attributes, |_| String::new())
}

fn listed(contract: &Contract, attributes: &[AttributeRef], also: impl Fn(&str) -> String) -> String {
    if attributes.is_empty() {
        return "none".to_owned();
    }
    let listed = attributes.iter().map(|attribute| {
        let declared = contract.attributes.get(&attribute.key);
        let (key, also) = (&attribute.key, also(&attribute.key));
        let presence = match attribute.requirement_level {
            Requirement::Required => "",
            Requirement::Recommended => ", where it applies",
            Requirement::OptIn => ", where it is asked for",
        };
        format!("`{key}`{also}{presence}: {}", declared.map(values).unwrap_or_default())
    });
    listed.collect::<Vec<_>>().join("<br>")
}

pub(super) fn values(attribute: &Attribute) -> String {
    match attribute.values() {
        None => attribute.brief.clone(),
        Some(values) => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
    }
}

fn presence(presence: &Presence) -> String {
    match presence {
        Presence::AtStart => {
            "from the start, at zero, for each value of the labels that can occur".to_owned()
        }
        Presence::OnConfig(what) => format!("from the start, where there is {what}"),
        Presence::OnEvent(what) => format!("from {what} on"),
    }
}

fn compared(upstream: &Upstream) -> String {
    let name = upstream.name.as_deref().map(|name| format!("`{name}`")).unwrap_or_default();
    let comparison = match upstream.relation {
        Relation::Same => format!("{name}, with the same meaning."),
        Relation::Differs => format!("{name}, which differs."),
        Relation::None => "nothing like it.".to_owned(),
    };
    match &upstream.note {
        None => comparison,
        Some(note) => format!("{comparison} {note}"),
    }
}

fn naming(exposition: &Exposition) -> String {
    let mut said = Vec::new();
    said.push(if exposition.unit_suffix { "the unit is appended" } else { "no unit is appended" }.to_owned());
    let total = if exposition.type_suffix { "counters end with `_total`" } else { "no `_total` is appended" };
    said.push(total.to_owned());
    if !exposition.scope_labels.is_empty() {
        let labels: Vec<String> = exposition.scope_labels.iter().map(|label| format!("`{label}`")).collect();
        said.push(format!("each series has {}", labels.join(" and ")));
    }
    said.join("; ")
}
