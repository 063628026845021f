//! The wire tables: one static for each message and each enum of OTLP.

use std::collections::BTreeSet;

use protox::prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::codegen::Result;

const PACKAGE: &str = "opentelemetry.proto.";

/// The messages of which one is one item of its signal.
const ITEMS: [&str; 6] = [
    "opentelemetry.proto.trace.v1.Span",
    "opentelemetry.proto.metrics.v1.NumberDataPoint",
    "opentelemetry.proto.metrics.v1.HistogramDataPoint",
    "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint",
    "opentelemetry.proto.metrics.v1.SummaryDataPoint",
    "opentelemetry.proto.logs.v1.LogRecord",
];

/// The message that is most of the bytes of most requests; the scanner has a fast path for it.
const KEY_VALUE: &str = "opentelemetry.proto.common.v1.KeyValue";

/// Names of `bytes` fields that hold ids, and the ids' lengths in bytes.
const IDS: [(&str, u8); 3] = [("trace_id", 16), ("span_id", 8), ("parent_span_id", 8)];

/// Code of the tables.
pub(super) fn generate(pool: &DescriptorPool) -> Result<String> {
    let messages: Vec<_> =
        pool.all_messages().filter(|message| message.full_name().starts_with(PACKAGE)).collect();
    for name in ITEMS.iter().chain([&KEY_VALUE]) {
        if pool.get_message_by_name(name).is_none() {
            return Err(format!("proto/ has no message {name}").into());
        }
    }

    let mut names = BTreeSet::new();
    let mut code = String::from(
        "//! The wire tables of OTLP.\n\nuse crate::table::{Cardinality, Enum, Field, Kind, Message};\n",
    );
    for message in &messages {
        check_items(message)?;
        if !names.insert(static_name(message.full_name())) {
            return Err(format!("two tables are named {}", static_name(message.full_name())).into());
        }
        write_message(message, &mut code);
    }
    for descriptor in pool.all_enums().filter(|descriptor| descriptor.full_name().starts_with(PACKAGE)) {
        let name = static_name(descriptor.full_name());
        if !names.insert(name.clone()) {
            return Err(format!("two tables are named {name}").into());
        }
        let full_name = descriptor.full_name();
        code.push_str(&format!(
            "\n/// `{full_name}`\npub static {name}: Enum = Enum {{ name: {full_name:?}, values: &["
        ));
        for value in descriptor.values() {
            code.push_str(&format!("({:?}, {}),", value.name(), value.number()));
        }
        code.push_str("] };\n");
    }
    Ok(code)
}

fn write_message(message: &MessageDescriptor, code: &mut String) {
    let full_name = message.full_name();
    let name = static_name(full_name);
    code.push_str(&format!(
        "\n/// `{full_name}`\npub static {name}: Message = {{ static FIELDS: &[Field] = &["
    ));
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    for field in &fields {
        code.push_str(&format!(
            "Field {{ number: {}, name: {:?}, json_name: {:?}, kind: {}, cardinality: {} }},",
            field.number(),
            field.name(),
            field.json_name(),
            kind(field),
            cardinality(message, field),
        ));
    }
    code.push_str(&format!("]; Message::new({full_name:?}, FIELDS)"));
    if ITEMS.contains(&full_name) {
        code.push_str(".item()");
    }
    for field in &fields {
        if matches!(field.kind(), Kind::Message(nested) if nested.full_name() == KEY_VALUE) {
            code.push_str(&format!(".key_values({})", field.number()));
        }
    }
    let carriers: Vec<_> = carriers(message).map(|(field, _)| field.number()).collect();
    if !carriers.is_empty() {
        code.push_str(&format!(".carriers(&{carriers:?})"));
    }
    code.push_str(" };\n");
}

fn kind(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) => format!("Kind::Message(&{})", static_name(message.full_name())),
        Kind::Enum(descriptor) => format!("Kind::Enum(&{})", static_name(descriptor.full_name())),
        Kind::Bytes => match IDS.iter().find(|(name, _)| *name == field.name()) {
            Some((_, len)) => format!("Kind::Id({len})"),
            None => "Kind::Bytes".to_owned(),
        },
        scalar => format!("Kind::{}", capitalized(&format!("{scalar:?}"))),
    }
}

fn cardinality(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    match field.containing_oneof() {
        _ if field.cardinality() == Cardinality::Repeated => "Cardinality::Repeated".to_owned(),
        Some(oneof) if oneof.is_synthetic() => "Cardinality::Optional".to_owned(),
        Some(oneof) => {
            let at =
                message.oneofs().position(|other| other == oneof).expect("a oneof is one of its message's");
            format!("Cardinality::Oneof({at})")
        }
        None => "Cardinality::Singular".to_owned(),
    }
}

/// Whether counting items while scanning gives what a decode would, and splitting can cut anywhere: items
/// and what holds them must be in repeated fields (two occurrences of a singular one would merge into one), or
/// in one oneof that has no other members (the scanner remembers one member that a later one replaces).
fn check_items(message: &MessageDescriptor) -> Result<()> {
    let fields: Vec<_> = carriers(message).collect();
    let oneof = fields.iter().find_map(|(field, _)| field.containing_oneof());
    for (field, nested) in &fields {
        let name = field.full_name();
        if field.number() >= u64::BITS {
            return Err(format!("{name} holds items, so its number must be below {}", u64::BITS).into());
        }
        if field.containing_oneof() != oneof {
            return Err(format!("{name}: items are in the members of one oneof, or in none").into());
        }
        let repeated = field.cardinality() == Cardinality::Repeated;
        if !repeated && (oneof.is_none() || ITEMS.contains(&nested.full_name())) {
            return Err(format!("{name} holds items, so it must be repeated").into());
        }
    }
    if oneof.is_some_and(|oneof| oneof.fields().count() != fields.len()) {
        return Err(format!("{}: a oneof that holds items may hold nothing else", message.full_name()).into());
    }
    Ok(())
}

/// The fields, by number, whose messages are items or hold some, and those messages.
fn carriers(message: &MessageDescriptor) -> impl Iterator<Item = (FieldDescriptor, MessageDescriptor)> {
    let mut fields: Vec<_> = message
        .fields()
        .filter_map(|field| match field.kind() {
            Kind::Message(nested) if holds_items(&nested, &mut BTreeSet::new()) => Some((field, nested)),
            _ => None,
        })
        .collect();
    fields.sort_by_key(|(field, _)| field.number());
    fields.into_iter()
}

/// Whether a message is an item, or can hold one.
fn holds_items(message: &MessageDescriptor, seen: &mut BTreeSet<String>) -> bool {
    ITEMS.contains(&message.full_name())
        || seen.insert(message.full_name().to_owned())
            && message.fields().any(|field| match field.kind() {
                Kind::Message(nested) => holds_items(&nested, seen),
                _ => false,
            })
}

/// `opentelemetry.proto.trace.v1.Span.Event` is `SPAN_EVENT`.
fn static_name(full_name: &str) -> String {
    let types =
        full_name.split('.').filter(|part| part.starts_with(|first: char| first.is_ascii_uppercase()));
    let words: Vec<String> = types.map(screaming_snake_case).collect();
    words.join("_")
}

fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn screaming_snake_case(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(character.to_ascii_uppercase());
    }
    out
}
