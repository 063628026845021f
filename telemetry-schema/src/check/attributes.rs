//! Attributes of what was told, against those that are declared.

use std::borrow::Cow;
use std::fmt;

use etalon_pdata::proto::common::v1::{KeyValue, any_value};

use super::Rule;
use super::findings::{Findings, Place};
use crate::contract::{AttributeKind, AttributeRef, Contract, Primitive, Requirement};

/// An attribute that was told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) value: Value<'a>,
}

/// A value, as far as values are compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Int(i128),
    Double(f64),
    Bool(bool),
    /// A list, a map, bytes, nothing.
    Other(&'static str),
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Int(_) => "a whole number",
            Self::Double(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Other(what) => what,
        }
    }

    fn is(&self, primitive: Primitive) -> bool {
        matches!(
            (primitive, self),
            (Primitive::String, Self::Text(_))
                | (Primitive::Int, Self::Int(_))
                | (Primitive::Double, Self::Double(_) | Self::Int(_))
                | (Primitive::Boolean, Self::Bool(_))
        )
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::Bool(is) => is.fmt(f),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Attributes of an OTLP message.
pub(super) fn given(attributes: &[KeyValue]) -> Vec<Given<'_>> {
    let one = |attribute: &'_ KeyValue| -> Value<'_> {
        match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
            // Nothing else than the value is borrowed.
            Some(any_value::Value::StringValue(text)) => Value::Text(Cow::Owned(text.clone())),
            Some(any_value::Value::IntValue(number)) => Value::Int((*number).into()),
            Some(any_value::Value::DoubleValue(number)) => Value::Double(*number),
            Some(any_value::Value::BoolValue(is)) => Value::Bool(*is),
            Some(any_value::Value::ArrayValue(_)) => Value::Other("a list"),
            Some(any_value::Value::KvlistValue(_)) => Value::Other("a map"),
            Some(_) => Value::Other("bytes"),
            None => Value::Other("nothing"),
        }
    };
    attributes
        .iter()
        .map(|attribute| Given { key: Cow::Borrowed(attribute.key.as_str()), value: one(attribute) })
        .collect()
}

/// Attributes as people write them: `{a="b", c=1}`.
pub(super) fn written(name: &str, given: &[Given<'_>]) -> String {
    if given.is_empty() {
        return name.to_owned();
    }
    let given: Vec<String> = given.iter().map(|given| format!("{}={}", given.key, given.value)).collect();
    format!("{name}{{{}}}", given.join(","))
}

/// What a signal declares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) contract: &'a Contract,
    pub(super) attributes: &'a [AttributeRef],
}

impl Declared<'_> {
    /// Compares with what was told. `is_free` says which more may be there.
    pub(super) fn compare(
        &self,
        given: &[Given<'_>],
        is_free: impl Fn(&str) -> bool,
        at: Place<'_>,
        findings: &mut Findings,
    ) {
        let keys = || self.attributes.iter().map(|attribute| attribute.key.as_str());
        let is_declared = |key: &str| keys().any(|declared| declared == key);
        let undeclared: Vec<&str> =
            given.iter().map(|given| &*given.key).filter(|key| !is_declared(key) && !is_free(key)).collect();
        if !undeclared.is_empty() {
            let expected = keys().collect::<Vec<_>>().join(", ");
            let expected = if expected.is_empty() { "no attribute".to_owned() } else { expected };
            let message = format!("the contract does not have its {}", undeclared.join(", "));
            findings.push(Rule::UndeclaredAttribute, at, message, expected);
        }
        let required = self.attributes.iter().filter(|one| one.requirement_level == Requirement::Required);
        let missing = required.map(|attribute| attribute.key.as_str());
        let missing: Vec<&str> = missing.filter(|key| !given.iter().any(|given| given.key == *key)).collect();
        if !missing.is_empty() {
            let expected = format!("{} on each", missing.join(", "));
            findings.push(Rule::MissingAttribute, at, format!("it has no {}", missing.join(", ")), expected);
        }
        for Given { key, value } in
            given.iter().filter(|given| is_declared(&given.key) || is_free(&given.key))
        {
            self.value(key, value, at, findings);
        }
    }

    fn value(&self, key: &str, value: &Value<'_>, at: Place<'_>, findings: &mut Findings) {
        match self.contract.attributes.get(key).map(|attribute| &attribute.kind) {
            Some(AttributeKind::Primitive(primitive)) if !value.is(*primitive) => {
                let message = format!("{key} is {}", value.kind());
                findings.push(Rule::AttributeType, at, message, word(*primitive).to_owned());
            }
            Some(AttributeKind::Enum { members }) => {
                let is_listed = |text: &str| members.iter().any(|member| member.value == text);
                if !matches!(value, Value::Text(text) if is_listed(text)) {
                    let listed: Vec<&str> = members.iter().map(|member| member.value.as_str()).collect();
                    findings.push(Rule::UndeclaredValue, at, format!("{key} is {value}"), listed.join(", "));
                }
            }
            _ => {}
        }
    }
}

fn word(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::String => "text",
        Primitive::Int => "a whole number",
        Primitive::Double => "a number",
        Primitive::Boolean => "true or false",
    }
}
