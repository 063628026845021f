//! Grafana's variables.

use std::collections::BTreeMap;

use super::tree::{Tree, Written};
use crate::promql::Span;

/// Most variables inside one another.
const MAX_DEPTH: usize = 5;

/// What Grafana puts in by itself, with a value such as it may have.
const BUILT_IN: [(&str, &str); 13] = [
    ("__rate_interval", "5m"),
    ("__rate_interval_ms", "300000"),
    ("__interval", "1m"),
    ("__interval_ms", "60000"),
    ("__auto", "1m"),
    ("__range", "1h"),
    ("__range_s", "3600"),
    ("__range_ms", "3600000"),
    ("__from", "1700000000000"),
    ("__to", "1700003600000"),
    ("__dashboard", "dashboard"),
    ("__org", "1"),
    ("__user", "user"),
];

/// The variables of a dashboard, by name.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, Value>);

#[derive(Debug, PartialEq)]
enum Value {
    /// The dashboard says it.
    Known(String),
    /// Only the data source knows it.
    Open,
}

/// A text in which the variables have their values.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) written: Written,
    /// Where variables were, in the expanded text.
    pub(super) from_variables: Vec<Span>,
    /// The first variable whose value nobody knows, and where it was, in the text before.
    pub(super) unknown: Option<(String, Span)>,
}

impl Variables {
    /// Those that a dashboard declares, in its classic form or in that of version 2.
    pub(super) fn of(dashboard: &Tree) -> Self {
        let mut variables = BTreeMap::new();
        let classic = ["templating.list", "dashboard.templating.list", "spec.templating.list"];
        for list in classic.iter().filter_map(|path| dashboard.find(path)) {
            for variable in list.items() {
                let kind = variable.str_of("type").unwrap_or("query");
                variables.extend(declared(variable, kind));
            }
        }
        for variable in dashboard.find("spec.variables").map(Tree::items).unwrap_or_default() {
            let kind =
                variable.str_of("kind").unwrap_or_default().trim_end_matches("Variable").to_lowercase();
            variables.extend(variable.get("spec").and_then(|spec| declared(spec, &kind)));
        }
        // What an export leaves for the import to fill in.
        for input in dashboard.get("__inputs").map(Tree::items).unwrap_or_default() {
            if let Some(name) = input.str_of("name") {
                let value = input.str_of("value").map_or(Value::Open, |value| Value::Known(value.to_owned()));
                variables.entry(name.to_owned()).or_insert(value);
            }
        }
        Self(variables)
    }

    /// A text with their values.
    pub(super) fn expand(&self, text: &Written) -> Expanded {
        let mut expanded = Expanded::default();
        let mut at = 0;
        while let Some(reference) = next_reference(&text.text, at) {
            let reference = self.with_spaces(reference, &text.text);
            expanded.written.push_part(text, Span::new(at, reference.span.start));
            at = reference.span.end;
            let quoted = in_string(&text.text[..reference.span.start]);
            // `$1` in label_replace, and what Grafana leaves as it is because it is none of its variables.
            let is_group = reference.name.bytes().all(|byte| byte.is_ascii_digit());
            let value = match self.value(&reference.name, 0) {
                Some(Value::Known(value)) => value,
                Some(Value::Open) if quoted => ".*".to_owned(),
                None if is_group && quoted => {
                    expanded.written.push_part(text, reference.span);
                    continue;
                }
                _ => {
                    expanded.unknown.get_or_insert((reference.name, reference.span));
                    continue;
                }
            };
            let start = expanded.written.text.len();
            expanded.written.push(&value, text.place(reference.span));
            expanded.from_variables.push(Span::new(start, start + value.len()));
        }
        expanded.written.push_part(text, Span::new(at, text.text.len()));
        expanded
    }

    /// Names may have spaces in them, of which `$` does not tell the end: the longest one that is declared is meant.
    fn with_spaces(&self, reference: Reference, text: &str) -> Reference {
        let start = reference.span.start;
        let Some(after) = text[start..].strip_prefix('$') else { return reference };
        let fits = |name: &&String| name.len() > reference.name.len() && after.starts_with(name.as_str());
        match self.0.keys().filter(fits).max_by_key(|name| name.len()) {
            Some(name) => Reference { name: name.clone(), span: Span::new(start, start + 1 + name.len()) },
            None => reference,
        }
    }

    /// With other values for some.
    pub(super) fn with(mut self, values: &BTreeMap<String, String>) -> Self {
        let values = values.iter().map(|(name, value)| (name.clone(), Value::Known(value.clone())));
        self.0.extend(values);
        self
    }

    fn value(&self, name: &str, depth: usize) -> Option<Value> {
        let Some(declared) = self.0.get(name) else {
            let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
            return built_in.map(|(_, value)| Value::Known((*value).to_owned()));
        };
        let Value::Known(value) = declared else { return Some(Value::Open) };
        let mut complete = String::new();
        let mut at = 0;
        while let Some(reference) = next_reference(value, at) {
            complete.push_str(&value[at..reference.span.start]);
            at = reference.span.end;
            match self.value(&reference.name, depth + 1).filter(|_| depth < MAX_DEPTH) {
                Some(Value::Known(inner)) => complete.push_str(&inner),
                _ => return Some(Value::Open),
            }
        }
        complete.push_str(&value[at..]);
        Some(Value::Known(complete))
    }
}

/// Name and value of a variable that is declared.
fn declared(variable: &Tree, kind: &str) -> Option<(String, Value)> {
    let name = variable.str_of("name")?.to_owned();
    let current = current(variable);
    let written = || variable.str_of("query").map(str::to_owned);
    let value = match kind {
        "constant" | "textbox" | "text" => current.or_else(written),
        "custom" | "interval" => current.or_else(|| first_option(variable)),
        "datasource" => current.or_else(|| Some("datasource".to_owned())),
        _ => current,
    };
    Some((name, value.map_or(Value::Open, Value::Known)))
}

/// What the dashboard was saved with.
fn current(variable: &Tree) -> Option<String> {
    let values: Vec<&str> = match variable.find("current.value") {
        Some(Tree::Text(one)) => vec![&one.text],
        Some(Tree::List(many)) => many.iter().filter_map(Tree::as_str).collect(),
        _ => Vec::new(),
    };
    match values.as_slice() {
        [] => None,
        ["$__all"] => variable.str_of("allValue").filter(|value| !value.is_empty()).map(str::to_owned),
        [""] if variable.get("options").is_none_or(|options| options.items().is_empty()) => None,
        ["$__auto"] => Some("1m".to_owned()),
        [one] if one.starts_with("$__auto_interval") => Some("1m".to_owned()),
        [one] => Some((*one).to_owned()),
        many => Some(format!("({})", many.join("|"))),
    }
}

/// Of `a : 1,b : 2`, the 1.
fn first_option(variable: &Tree) -> Option<String> {
    let options = variable.get("options").map(Tree::items).unwrap_or_default();
    let listed = options.iter().filter_map(|option| option.str_of("value"));
    if let Some(value) = listed.into_iter().find(|value| !value.starts_with("$__")) {
        return Some(value.to_owned());
    }
    let first = variable.str_of("query")?.split(',').next()?.trim();
    let value = first.split_once(" : ").map_or(first, |(_, value)| value.trim());
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// `$name`, `${name}`, `${name:format}`, `${name.field}` or `[[name]]`.
struct Reference {
    name: String,
    span: Span,
}

fn next_reference(text: &str, from: usize) -> Option<Reference> {
    let mut at = from;
    loop {
        let rest = &text[at..];
        let found = rest.find(['$', '['])?;
        let start = at + found;
        let after = &text[start..];
        let found = if let Some(inside) = after.strip_prefix("${") {
            bracketed(inside, "}").map(|(name, length)| (name, 2 + length))
        } else if let Some(inside) = after.strip_prefix("[[") {
            bracketed(inside, "]]").map(|(name, length)| (name, 2 + length))
        } else if let Some(inside) = after.strip_prefix('$') {
            let name = word(inside);
            (!name.is_empty()).then(|| (name, 1 + name.len()))
        } else {
            None
        };
        if let Some((name, length)) = found {
            return Some(Reference { name: name.to_owned(), span: Span::new(start, start + length) });
        }
        at = start + 1;
    }
}

/// The word at the start of a text.
fn word(text: &str) -> &str {
    &text[..text.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(text.len())]
}

/// The name before what closes it, and the bytes of both; after the name may be a format or a field.
fn bracketed<'a>(inside: &'a str, closing: &str) -> Option<(&'a str, usize)> {
    let end = inside.find(closing)?;
    let name = word(inside);
    let rest = &inside[name.len()..end];
    let is_one = !name.is_empty() && (rest.is_empty() || rest.starts_with([':', '.']));
    is_one.then_some((name, end + closing.len()))
}

/// Whether a string is open at the end of a text.
fn in_string(text: &str) -> bool {
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match quote {
            None if matches!(char, '"' | '\'' | '`') => quote = Some(char),
            Some('"' | '\'') if char == '\\' => {
                chars.next();
            }
            Some(open) if open == char => quote = None,
            _ => {}
        }
    }
    quote.is_some()
}
