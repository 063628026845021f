//! The events in the telemetry reference of the book.

use etalon_telemetry_schema::{Contract, Event, Requirement};
use serde::Serialize;

use super::pages::{lowercase, values};

#[derive(Debug, Serialize)]
pub(super) struct EventSection {
    name: String,
    brief: String,
    note: Option<String>,
    severity: String,
    stability: String,
    rows: Vec<(&'static str, String)>,
}

pub(super) fn sections(contract: &Contract) -> Vec<EventSection> {
    contract.events.values().map(|event| section(contract, event)).collect()
}

fn section(contract: &Contract, event: &Event) -> EventSection {
    let note = &event.annotations.contract;
    let severity = format!("{:?}", note.severity).to_lowercase();
    let left_out = if note.sampled { "may leave it out, when there are many" } else { "never leaves it out" };
    let mut rows = vec![
        ("severity", format!("`{severity}`")),
        ("message", message(&note.message)),
        ("fields", fields(contract, event)),
        ("told", note.recorded.clone()),
    ];
    rows.extend(note.how_to_use.clone().map(|text| ("what to do", text)));
    rows.push(("sampling", left_out.to_owned()));
    rows.push(("stability", format!("{}, since {}", lowercase(event.stability), note.since)));
    EventSection {
        name: event.name.clone(),
        brief: event.brief.clone(),
        note: event.note.clone(),
        severity,
        stability: lowercase(event.stability),
        rows,
    }
}

/// A message, with `…` for what differs from line to line.
fn message(template: &str) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('…');
        text.push_str(part.split_once('}').map_or(part, |(_, after)| after));
    }
    if text == "…" { "what there is to say".to_owned() } else { format!("`{text}`") }
}

fn fields(contract: &Contract, event: &Event) -> String {
    if event.attributes.is_empty() {
        return "none".to_owned();
    }
    let fields = event.attributes.iter().map(|attribute| {
        let presence = match attribute.requirement_level {
            Requirement::Required => "",
            Requirement::Recommended => ", where it applies",
            Requirement::OptIn => ", where it is asked for",
        };
        let declared = contract.attributes.get(&attribute.key);
        format!("`{}`{presence}: {}", attribute.key, declared.map(values).unwrap_or_default())
    });
    fields.collect::<Vec<_>>().join("<br>")
}
