//! A contract to read.

use etalon_telemetry_schema::{
    Attribute, AttributeKind, AttributeRef, Contract, Deprecated, Domain, Entity, Event, Exposition, Family,
    Level, Presence, Primitive, Requirement, Severity, Span, Stability,
};

/// The whole contract, with metrics as this exposition names them.
pub(super) fn contract(contract: &Contract, exposition: &Exposition) -> String {
    let mut text = format!("# Contract {} {}\n\n", contract.name, contract.version);
    let ids: Vec<&str> = contract.expositions.iter().map(|exposition| exposition.id.as_str()).collect();
    text.push_str(&format!("Names are those of the exposition `{}`", exposition.id));
    text.push_str(&format!(" (there are: {}).\n", ids.join(", ")));
    section(&mut text, "Metrics", contract.families(exposition), |text, family| {
        metric(text, family, contract);
    });
    section(&mut text, "Events", contract.events.values(), event);
    section(&mut text, "Spans", contract.spans.values(), span);
    section(&mut text, "Resource", contract.entities.values(), entity);
    section(&mut text, "Attributes", contract.attributes.values(), attribute);
    section(&mut text, "What always holds", &contract.invariants, |text, (id, equation)| {
        text.push_str(&format!("- `{id}`: {equation}\n"));
    });
    text
}

fn section<T>(
    text: &mut String,
    title: &str,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return;
    }
    text.push_str(&format!("\n## {title}\n\n"));
    for item in items {
        write(text, item);
    }
}

fn metric(text: &mut String, family: Family<'_>, contract: &Contract) {
    let metric = family.metric;
    let note = &metric.annotations.contract;
    heading(text, &family.name, metric.stability, &metric.brief);
    if family.name != metric.name {
        text.push_str(&format!("- OTLP: `{}`\n", metric.name));
    }
    text.push_str(&format!("- type: {}, unit: `{}`", family.kind.word(), metric.unit));
    text.push_str(&format!(", level: {}, since {}\n", level(note.level), note.since));
    for label in &family.labels {
        let optional = if label.required { "" } else { " (only when asked for, or where it applies)" };
        let values = label.values.as_ref().map(|values| format!(": {}", values.join(", ")));
        text.push_str(&format!("- label: `{}`{}{optional}\n", label.name, values.unwrap_or_default()));
    }
    if !note.buckets.is_empty() {
        let bounds: Vec<String> = note.buckets.iter().map(ToString::to_string).collect();
        text.push_str(&format!("- buckets: {}\n", bounds.join(", ")));
    }
    text.push_str(&format!("- series: at most {}\n", contract.max_series(metric)));
    text.push_str(&format!("- there: {}\n", presence(&note.presence)));
    text.push_str(&format!("- recorded: {}\n", note.recorded));
    for id in &note.invariants {
        if let Some(equation) = contract.invariants.get(id) {
            text.push_str(&format!("- always: {equation}\n"));
        }
    }
    optional(text, "how to use", note.how_to_use.as_deref());
    optional(text, "alert", note.alert.as_ref().map(|alert| format!("`{alert}`")).as_deref());
    let window = (note.deprecated_since.as_ref(), note.removed_in.as_ref());
    deprecation(text, metric.deprecated.as_ref(), window);
    text.push('\n');
}

fn event(text: &mut String, event: &Event) {
    let note = &event.annotations.contract;
    heading(text, &event.name, event.stability, &event.brief);
    let sampled = if note.sampled { ", may be left out by sampling" } else { "" };
    text.push_str(&format!("- severity: {}{sampled}, since {}\n", severity(note.severity), note.since));
    attributes(text, "field", &event.attributes);
    text.push_str(&format!("- told: {}\n", note.recorded));
    optional(text, "how to use", note.how_to_use.as_deref());
    let window = (note.deprecated_since.as_ref(), note.removed_in.as_ref());
    deprecation(text, event.deprecated.as_ref(), window);
    text.push('\n');
}

fn span(text: &mut String, span: &Span) {
    let note = &span.annotations.contract;
    heading(text, &span.id, span.stability, &span.brief);
    text.push_str(&format!("- name: {} (`{}`), since {}\n", span.name.note, note.name_pattern, note.since));
    attributes(text, "attribute", &span.attributes);
    text.push_str(&format!("- error when: {}\n- from, to: {}\n", note.status, note.recorded));
    for event in &note.events {
        text.push_str(&format!("- event: `{event}`\n"));
    }
    optional(text, "how to use", note.how_to_use.as_deref());
    let window = (note.deprecated_since.as_ref(), note.removed_in.as_ref());
    deprecation(text, span.deprecated.as_ref(), window);
    text.push('\n');
}

fn entity(text: &mut String, entity: &Entity) {
    heading(text, &entity.id, entity.stability, &entity.brief);
    attributes(text, "identity", &entity.identity);
    attributes(text, "attribute", &entity.description);
    text.push('\n');
}

fn attribute(text: &mut String, attribute: &Attribute) {
    let values = match &attribute.kind {
        AttributeKind::Primitive(primitive) => name_of(*primitive).to_owned(),
        AttributeKind::Enum { members } => {
            let values = members.iter().map(|member| format!("`{}`", member.value));
            values.collect::<Vec<_>>().join(", ")
        }
    };
    let domain = attribute.annotations.contract.domain.map(bound).unwrap_or_default();
    let stability = promise(attribute.stability);
    text.push_str(&format!("- `{}` ({stability}): {} {values}{domain}\n", attribute.key, attribute.brief));
}

fn heading(text: &mut String, name: &str, stability: Stability, brief: &str) {
    text.push_str(&format!("### `{name}` ({})\n\n{brief}\n\n", promise(stability)));
}

fn attributes(text: &mut String, what: &str, refs: &[AttributeRef]) {
    for AttributeRef { key, requirement_level } in refs {
        let when = match requirement_level {
            Requirement::Required => "",
            Requirement::Recommended => " (where it applies)",
            Requirement::OptIn => " (only when asked for)",
        };
        text.push_str(&format!("- {what}: `{key}`{when}\n"));
    }
}

fn optional(text: &mut String, what: &str, value: Option<&str>) {
    if let Some(value) = value {
        text.push_str(&format!("- {what}: {value}\n"));
    }
}

/// Since when and until when it is deprecated, and what is read instead.
fn deprecation<V: std::fmt::Display>(
    text: &mut String,
    deprecated: Option<&Deprecated>,
    window: (Option<V>, Option<V>),
) {
    let Some(deprecated) = deprecated else { return };
    let since = window.0.map(|version| format!(" since {version}")).unwrap_or_default();
    let until = window.1.map(|version| format!(", removed in {version}")).unwrap_or_default();
    text.push_str(&format!("- deprecated{since}{until}: {}\n", instead(deprecated)));
}

fn instead(deprecated: &Deprecated) -> &str {
    match deprecated {
        Deprecated::Renamed { renamed_to } => renamed_to,
        Deprecated::Obsoleted { note } | Deprecated::Uncategorized { note } => note,
    }
}

fn presence(presence: &Presence) -> String {
    match presence {
        Presence::AtStart => "from the start, at zero".to_owned(),
        Presence::OnConfig(condition) => format!("from the start, with {condition}"),
        Presence::OnEvent(event) => format!("from {event} on"),
    }
}

fn promise(stability: Stability) -> &'static str {
    match stability {
        Stability::Development => "development",
        Stability::Alpha => "alpha",
        Stability::Beta => "beta",
        Stability::ReleaseCandidate => "release candidate",
        Stability::Stable => "stable",
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Basic => "basic",
        Level::Normal => "normal",
        Level::Detailed => "detailed",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
    }
}

fn name_of(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::String => "Text",
        Primitive::Int => "A whole number",
        Primitive::Double => "A number",
        Primitive::Boolean => "True or false",
    }
}

fn bound(domain: Domain) -> &'static str {
    match domain {
        Domain::ComponentId => ", one for each configured component",
        Domain::PipelineId => ", one for each configured pipeline",
        Domain::Destination => ", one for each configured destination",
        Domain::Configuration => ", bounded by the configuration",
        Domain::Process => ", one for the process",
        Domain::Unbounded => "",
    }
}
