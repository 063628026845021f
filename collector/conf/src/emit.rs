//! YAML and JSON from a [`Value`].

use std::fmt::Write as _;

use crate::scalar::reads_as_string;
use crate::{Secrets, Value};

/// Most bytes of a key that stands before its colon on one line; YAML allows 1024 characters.
const MAX_SIMPLE_KEY_BYTES: usize = 1_000;

/// Block style, two spaces a level.
pub(crate) fn yaml(value: &Value, secrets: Secrets) -> String {
    let mut out = String::new();
    match value {
        Value::Map(entries) if !entries.is_empty() => mapping(&mut out, entries, 0, secrets),
        Value::List(items) if !items.is_empty() => list(&mut out, items, 0, secrets),
        leaf => {
            scalar(&mut out, leaf, secrets);
            out.push('\n');
        }
    }
    out
}

fn mapping(out: &mut String, entries: &[(String, Value)], indent: usize, secrets: Secrets) {
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 || indent == 0 {
            blanks(out, indent);
        }
        let start = out.len();
        string(out, key);
        if out.len() - start > MAX_SIMPLE_KEY_BYTES {
            out.insert_str(start, "? ");
            out.push('\n');
            blanks(out, indent);
        }
        out.push(':');
        after_key(out, value, indent, secrets);
    }
}

/// The value of a key. The first key of a mapping in a list stands behind the dash, already indented.
fn after_key(out: &mut String, value: &Value, indent: usize, secrets: Secrets) {
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            blanks(out, indent + 2);
            mapping(out, entries, indent + 2, secrets);
        }
        Value::List(items) if !items.is_empty() => {
            out.push('\n');
            list(out, items, indent + 2, secrets);
        }
        leaf => {
            out.push(' ');
            scalar(out, leaf, secrets);
            out.push('\n');
        }
    }
}

fn list(out: &mut String, items: &[Value], indent: usize, secrets: Secrets) {
    for (index, item) in items.iter().enumerate() {
        // The first item of a list in a list stands behind the outer dash.
        if index > 0 || !out.ends_with("- ") {
            blanks(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Map(entries) if !entries.is_empty() => mapping(out, entries, indent + 2, secrets),
            Value::List(inner) if !inner.is_empty() => list(out, inner, indent + 2, secrets),
            leaf => {
                scalar(out, leaf, secrets);
                out.push('\n');
            }
        }
    }
}

fn blanks(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

fn scalar(out: &mut String, value: &Value, secrets: Secrets) {
    match value {
        // With nothing, its defaults would turn it on.
        Value::Off(Some(carried)) if matches!(**carried, Value::Map(_)) => out.push_str("{enabled: false}"),
        Value::Null | Value::Off(_) => out.push_str("null"),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(float) => out.push_str(&float_text(*float)),
        Value::String(text) => string(out, text),
        Value::Duration(duration) => out.push_str(&duration.to_string()),
        Value::Secret(secret) => string(out, secrets.text(secret)),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
    }
}

fn float_text(float: f64) -> String {
    if float.is_nan() {
        ".nan".to_owned()
    } else if float.is_infinite() {
        if float > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() }
    } else {
        // Debug writes the shortest text that reads back the same, and always a point or an exponent.
        format!("{float:?}")
    }
}

/// Plain when a plain scalar reads back as the same string, else in double quotes.
fn string(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            char if must_escape(char) => escape(out, char),
            char => out.push(char),
        }
    }
    out.push('"');
}

fn escape(out: &mut String, char: char) {
    let code = u32::from(char);
    let written = if code <= 0xff {
        write!(out, "\\x{code:02x}")
    } else if code <= 0xffff {
        write!(out, "\\u{code:04x}")
    } else {
        write!(out, "\\U{code:08x}")
    };
    debug_assert!(written.is_ok(), "a string takes all that is written");
}

/// Control characters, line breaks that are not `\n`, and what an editor would not show.
fn must_escape(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Narrower than YAML allows: whatever has a meaning somewhere is quoted everywhere.
fn is_plain(text: &str) -> bool {
    let starts_plain =
        text.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '/' | '_' | '$'));
    let ends_plain = !text.ends_with([' ', ':']);
    let is_plain_char = |char: char| {
        char.is_alphanumeric()
            || matches!(
                char,
                ' ' | '/' | '_' | '.' | '-' | ':' | '+' | '=' | '@' | '%' | '$' | '(' | ')' | '*' | ';'
            )
    };
    starts_plain
        && ends_plain
        && text.chars().all(|char| is_plain_char(char) && !must_escape(char))
        && !text.contains(": ")
        && reads_as_string(text)
}

/// Without blanks.
pub(crate) fn json(value: &Value, secrets: Secrets) -> String {
    let mut out = String::new();
    write_json(&mut out, value, secrets);
    out
}

fn write_json(out: &mut String, value: &Value, secrets: Secrets) {
    match value {
        Value::Off(Some(carried)) if matches!(**carried, Value::Map(_)) => {
            out.push_str("{\"enabled\":false}");
        }
        Value::Null | Value::Off(_) => out.push_str("null"),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(float) if float.is_finite() => out.push_str(&float_text(*float)),
        Value::Float(float) => json_string(out, &float_text(*float)),
        Value::String(text) => json_string(out, text),
        Value::Duration(duration) => out.push_str(&duration.as_nanos().to_string()),
        Value::Secret(secret) => json_string(out, secrets.text(secret)),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(out, item, secrets);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_string(out, key);
                out.push(':');
                write_json(out, value, secrets);
            }
            out.push('}');
        }
    }
}

fn json_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests;
