//! The contract as the templates want it: with the names that it has in code.

use etalon_telemetry_schema::{
    Attribute, AttributeKind, Binding, Contract, Deprecated, Instrument, Metric, Presence, Primitive,
    Requirement, ValueType,
};
use serde::Serialize;

use super::events::{self, EventView};
use super::spans::{self, SpanView};
use crate::codegen::Result;

/// The attribute that tells the signal. Where there is one metric for each signal, it says which.
const SIGNAL: &str = "data_type";

/// The unit of what is recorded as a duration.
const SECONDS: &str = "s";

#[derive(Debug, Serialize)]
pub(super) struct View {
    version: String,
    attributes: Vec<AttributeView>,
    metrics: Vec<MetricView>,
    /// Constants of the old and of the new name.
    renamed: Vec<(String, String)>,
    groups: Vec<GroupView>,
    spans: Vec<SpanView>,
    events: Vec<EventView>,
}

#[derive(Debug, Serialize)]
struct AttributeView {
    r#type: String,
    doc: String,
    /// The type that its values have in code; empty where it is text or an enumeration.
    number: &'static str,
    /// Empty when it is no enumeration.
    members: Vec<MemberView>,
}

#[derive(Debug, Serialize)]
struct MemberView {
    variant: String,
    value: String,
    brief: String,
}

#[derive(Debug, Serialize)]
struct MetricView {
    constant: String,
    name: String,
    brief: String,
    unit: String,
    instrument: String,
    value_type: String,
    level: String,
    stability: String,
    on_event: bool,
    /// As Rust writes them.
    buckets: Vec<String>,
}

/// Metrics that are bound together.
#[derive(Debug, Serialize)]
struct GroupView {
    r#type: String,
    attributes_type: String,
    reads_type: String,
    brief: String,
    attributes: Vec<FieldView>,
    all_optional: bool,
    signal: FieldView,
    reads: Vec<ReadView>,
    instruments: Vec<InstrumentView>,
}

#[derive(Clone, Debug, Serialize)]
struct FieldView {
    key: String,
    field: String,
    r#type: String,
    brief: String,
    is_enum: bool,
    optional: bool,
    /// With each recording; bound otherwise.
    given: bool,
}

#[derive(Debug, Serialize)]
struct ReadView {
    name: String,
    generic: String,
    value: &'static str,
    doc: String,
}

/// An instrument of a group: of one metric, or of one for each signal.
#[derive(Debug, Serialize)]
struct InstrumentView {
    name: String,
    /// A type of the registry.
    kind: &'static str,
    /// The function of the registry that makes it.
    method: &'static str,
    value: &'static str,
    /// Whether a histogram is of durations; of sizes, otherwise.
    is_duration: bool,
    doc: String,
    constant: String,
    by_signal: Vec<OfSignal>,
    labels: Vec<FieldView>,
    has_optional: bool,
    given: Option<FieldView>,
}

#[derive(Debug, Serialize)]
struct OfSignal {
    variant: String,
    constant: String,
}

pub(super) fn of(contract: &Contract) -> Result<View> {
    let groups = contract.groups.iter().map(|(name, brief)| group(contract, name, brief));
    let coded = contract.attributes.values().filter(|attribute| !events::is_only_told(contract, attribute));
    let renamed = contract.metrics.values().filter_map(|old| {
        let new = contract.successor(old)?;
        Some((constant(old), constant(new)))
    });
    Ok(View {
        version: contract.version.to_string(),
        attributes: coded.map(attribute).collect(),
        metrics: contract.metrics.values().map(metric).collect(),
        renamed: renamed.collect(),
        groups: groups.collect::<Result<_>>()?,
        spans: spans::of(contract)?,
        events: events::of(contract)?,
    })
}

fn attribute(attribute: &Attribute) -> AttributeView {
    let members = match &attribute.kind {
        AttributeKind::Primitive(_) => &[][..],
        AttributeKind::Enum { members } => members,
    };
    AttributeView {
        r#type: pascal(&attribute.key),
        doc: format!("`{}`: {}", attribute.key, attribute.brief),
        number: match attribute.kind {
            AttributeKind::Primitive(Primitive::Int) => "i64",
            AttributeKind::Primitive(Primitive::Double) => "f64",
            AttributeKind::Primitive(Primitive::Boolean) => "bool",
            AttributeKind::Primitive(Primitive::String) | AttributeKind::Enum { .. } => "",
        },
        members: members
            .iter()
            .map(|member| MemberView {
                variant: pascal(&member.id),
                value: member.value.clone(),
                brief: member.brief.clone(),
            })
            .collect(),
    }
}

fn metric(metric: &Metric) -> MetricView {
    let note = &metric.annotations.contract;
    MetricView {
        constant: constant(metric),
        name: metric.name.clone(),
        brief: brief(metric),
        unit: metric.unit.clone(),
        instrument: format!("{:?}", metric.instrument),
        value_type: format!("{:?}", note.value_type),
        level: format!("{:?}", note.level),
        stability: format!("{:?}", metric.stability),
        on_event: matches!(note.presence, Presence::OnEvent(_)),
        buckets: note.buckets.iter().map(|bucket| format!("{bucket:?}")).collect(),
    }
}

/// What it says, and what to read instead when it goes away.
fn brief(metric: &Metric) -> String {
    let note = &metric.annotations.contract;
    let (Some(deprecated), Some(since)) = (&metric.deprecated, &note.deprecated_since) else {
        return metric.brief.clone();
    };
    let instead = match deprecated {
        Deprecated::Renamed { renamed_to } => format!("use {renamed_to}."),
        Deprecated::Obsoleted { note } | Deprecated::Uncategorized { note } => note.clone(),
    };
    format!("{} (Deprecated since {since}; {instead})", metric.brief)
}

fn group(contract: &Contract, name: &str, brief: &str) -> Result<GroupView> {
    let bound = contract.metrics.values().filter_map(|metric| {
        let binding = metric.annotations.contract.binding.as_ref()?;
        (binding.group == name).then_some((metric, binding))
    });
    let mut instruments = Vec::<InstrumentView>::new();
    let mut attributes = Vec::<FieldView>::new();
    for (metric, binding) in bound {
        let labels = labels(contract, metric, binding);
        attributes.extend(labels.iter().filter(|label| !label.given).cloned());
        if binding.signal.is_some() {
            attributes.push(field(contract, SIGNAL, false));
        }
        add(&mut instruments, instrument(metric, binding, labels)?, metric, binding)?;
    }
    if instruments.is_empty() {
        return Err(format!("no metric is bound in the group {name}").into());
    }
    attributes.sort_by(|a, b| a.field.cmp(&b.field).then(a.optional.cmp(&b.optional)));
    attributes.dedup_by(|a, b| a.field == b.field);
    let reads = instruments.iter().filter(|instrument| instrument.kind == "Observation");
    Ok(GroupView {
        r#type: format!("{}Metrics", pascal(name)),
        attributes_type: format!("{}Attributes", pascal(name)),
        reads_type: format!("{}Reads", pascal(name)),
        brief: brief.to_owned(),
        all_optional: attributes.iter().all(|attribute| attribute.optional),
        attributes,
        signal: field(contract, SIGNAL, false),
        reads: reads
            .map(|instrument| ReadView {
                name: instrument.name.clone(),
                generic: pascal(&instrument.name),
                value: instrument.value,
                doc: instrument.doc.clone(),
            })
            .collect(),
        instruments,
    })
}

/// Adds an instrument, or the metric of a further signal to the one that is there.
fn add(
    instruments: &mut Vec<InstrumentView>,
    instrument: InstrumentView,
    metric: &Metric,
    binding: &Binding,
) -> Result<()> {
    let known = instruments.iter_mut().find(|known| known.name == instrument.name);
    let added = match (known, &binding.signal) {
        (None, _) => {
            instruments.push(instrument);
            instruments.last_mut().expect("it was pushed")
        }
        (Some(known), Some(_)) if !known.by_signal.is_empty() => known,
        (Some(_), _) => return Err(format!("{}: another metric is bound to its name", metric.name).into()),
    };
    if let Some(signal) = &binding.signal {
        added.by_signal.push(OfSignal { variant: pascal(signal), constant: constant(metric) });
    }
    Ok(())
}

fn instrument(metric: &Metric, binding: &Binding, labels: Vec<FieldView>) -> Result<InstrumentView> {
    let note = &metric.annotations.contract;
    let (kind, method) = match (note.asynchronous, metric.instrument) {
        (true, _) => ("Observation", "observe"),
        (false, Instrument::Counter) => ("Counter", "counter"),
        (false, Instrument::UpDownCounter) => ("UpDownCounter", "up_down_counter"),
        (false, Instrument::Gauge) => ("Gauge", "gauge"),
        (false, Instrument::Histogram) => ("Histogram", "histogram"),
    };
    let is_duration = metric.unit == SECONDS;
    if kind == "Histogram" && is_duration != (note.value_type == ValueType::Double) {
        let message = "durations, in s, are double; sizes, in any other unit, are int";
        return Err(format!("{}: {message}", metric.name).into());
    }
    let given: Vec<&FieldView> = labels.iter().filter(|label| label.given).collect();
    let given = match given.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        _ => return Err(format!("{}: only one attribute can be given", metric.name).into()),
    };
    let names = match &binding.signal {
        None => format!("`{}`", metric.name),
        Some(_) => format!("`{}` and those of the other signals", metric.name),
    };
    Ok(InstrumentView {
        name: binding.name.clone(),
        kind,
        method,
        value: match note.value_type {
            ValueType::Int => "u64",
            ValueType::Double => "f64",
        },
        is_duration,
        doc: format!("{names}: {}\n\nRecorded {}.", metric.brief, note.recorded),
        constant: constant(metric),
        by_signal: Vec::new(),
        has_optional: labels.iter().any(|label| label.optional),
        labels,
        given,
    })
}

fn labels(contract: &Contract, metric: &Metric, binding: &Binding) -> Vec<FieldView> {
    let labels = metric.attributes.iter().map(|attribute| FieldView {
        given: binding.given.contains(&attribute.key),
        ..field(contract, &attribute.key, attribute.requirement_level != Requirement::Required)
    });
    labels.collect()
}

fn field(contract: &Contract, key: &str, optional: bool) -> FieldView {
    let declared = contract.attributes.get(key);
    FieldView {
        key: key.to_owned(),
        field: key.replace('.', "_"),
        r#type: pascal(key),
        brief: declared.map(|attribute| attribute.brief.clone()).unwrap_or_default(),
        is_enum: declared.is_some_and(|attribute| attribute.values().is_some()),
        optional,
        given: false,
    }
}

fn constant(metric: &Metric) -> String {
    metric.name.replace('.', "_").to_ascii_uppercase()
}

pub(super) fn pascal(name: &str) -> String {
    let words = name.split(['_', '.']);
    words
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        })
        .collect()
}
