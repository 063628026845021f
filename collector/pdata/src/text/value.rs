//! Attribute values: as text, and as JSON inside of a map or list.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::go::Shortest;
use crate::json::write::{put_base64, put_string};
use crate::proto::common::v1::any_value::Value;
use crate::proto::common::v1::{AnyValue, KeyValue};

/// A value with its type, `Str(text)`; one that is absent is `Empty()`.
pub(super) struct Typed<'a>(pub(super) Option<&'a AnyValue>);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0.and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(_)) => "Str",
            Some(Value::BoolValue(_)) => "Bool",
            Some(Value::IntValue(_)) => "Int",
            Some(Value::DoubleValue(_)) => "Double",
            Some(Value::KvlistValue(_)) => "Map",
            Some(Value::ArrayValue(_)) => "Slice",
            Some(Value::BytesValue(_)) => "Bytes",
            Some(Value::StringValueStrindex(_)) | None => "Empty",
        };
        write!(f, "{name}({})", Plain(self.0))
    }
}

/// A value alone: text as it is, a map or list as JSON, bytes as base64.
pub(super) struct Plain<'a>(pub(super) Option<&'a AnyValue>);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => f.write_str(text),
            Some(Value::BoolValue(value)) => write!(f, "{value}"),
            Some(Value::IntValue(value)) => write!(f, "{value}"),
            Some(Value::DoubleValue(value)) => write!(f, "{}", Shortest(*value)),
            Some(Value::KvlistValue(map)) => put_map(&map.values, f),
            Some(Value::ArrayValue(list)) => put_list(&list.values, f),
            Some(Value::BytesValue(bytes)) => {
                let mut quoted = Vec::new();
                put_base64(bytes, &mut quoted);
                f.write_str(String::from_utf8_lossy(&quoted).trim_matches('"'))
            }
            // An index into a table that requests of this kind do not have.
            Some(Value::StringValueStrindex(_)) | None => Ok(()),
        }
    }
}

/// Keys are sorted, and of one that comes twice the last value counts.
fn put_map(pairs: &[KeyValue], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let sorted: BTreeMap<_, _> = pairs.iter().map(|pair| (pair.key.as_str(), pair.value.as_ref())).collect();
    f.write_char('{')?;
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        put_text(key, f)?;
        f.write_char(':')?;
        put_json(value, f)?;
    }
    f.write_char('}')
}

fn put_list(values: &[AnyValue], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('[')?;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        put_json(Some(value), f)?;
    }
    f.write_char(']')
}

fn put_json(value: Option<&AnyValue>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => f.write_str("null"),
        Some(Value::StringValue(text)) => put_text(text, f),
        Some(Value::BytesValue(_)) => write!(f, "\"{}\"", Plain(value)),
        // Go's JSON writer has no form for these and would leave the whole map out.
        Some(Value::DoubleValue(number)) if !number.is_finite() => write!(f, "\"{}\"", Shortest(*number)),
        Some(_) => write!(f, "{}", Plain(value)),
    }
}

fn put_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    put_string(text.as_bytes(), &mut quoted);
    f.write_str(
        &String::from_utf8_lossy(&quoted).replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"),
    )
}
