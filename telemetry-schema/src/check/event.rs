//! Events against those that are declared, whether they come as log lines or over OTLP.

use std::borrow::Cow;

use etalon_pdata::proto::logs::v1::LogRecord;

use super::Rule;
use super::attributes::{self, Declared, Given, Value};
use super::findings::{Findings, Place};
use crate::contract::{Contract, Severity};

/// The field that tells which event it is.
pub(super) const NAME: &str = "event.name";

/// Severities of lines that need not be events: nobody relies on them, and libraries write them too.
const NOT_RELIED_ON: [&str; 2] = ["trace", "debug"];

/// What fields begin with that lines have of the component that they are about, whatever the event.
const OF_COMPONENTS: &str = "otelcol.";

/// An event that was told.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// Nothing where it is not said.
    pub(super) name: Option<Cow<'a, str>>,
    /// As it is told.
    pub(super) severity: Cow<'a, str>,
    /// All but the name.
    pub(super) fields: Vec<Given<'a>>,
    /// Its text, for what has no name.
    pub(super) message: Cow<'a, str>,
}

impl<'a> Told<'a> {
    pub(super) fn of_record(record: &'a LogRecord) -> Self {
        let mut fields = attributes::given(&record.attributes);
        let named = fields.iter().position(|field| field.key == NAME).map(|index| fields.remove(index).value);
        let name = match named {
            Some(Value::Text(text)) => Some(text),
            _ if record.event_name.is_empty() => None,
            _ => Some(Cow::Borrowed(record.event_name.as_str())),
        };
        // As the specification of logs divides the numbers.
        let severity = match record.severity_number {
            1..=4 => "trace",
            5..=8 => "debug",
            9..=12 => "info",
            13..=16 => "warn",
            17..=20 => "error",
            21..=24 => "fatal",
            _ => "not told",
        };
        let body = record.body.as_ref().and_then(|body| body.value.as_ref());
        let message = match body {
            Some(etalon_pdata::proto::common::v1::any_value::Value::StringValue(text)) => text.as_str(),
            _ => "",
        };
        Self { name, severity: severity.into(), fields, message: message.into() }
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// Compares an event with the contract. `free` fields may be there in any case.
pub(super) fn check(
    contract: &Contract,
    told: &Told<'_>,
    free: &[String],
    line: Option<usize>,
    findings: &mut Findings,
) {
    let at = Place { name: told.name(), instance: "", line };
    let Some(name) = told.name.as_deref() else {
        if NOT_RELIED_ON.contains(&&*told.severity) {
            return;
        }
        let at = Place { instance: &told.message, ..at };
        let message = format!("it has no {NAME}");
        return findings.push(
            Rule::UndeclaredEvent,
            at,
            message,
            "the name of an event of the contract".to_owned(),
        );
    };
    let Some(event) = contract.events.get(name) else {
        let expected = match etalon_conf::nearest(name, contract.events.keys().map(String::as_str)) {
            Some(near) => format!("an event of the contract, such as {near}"),
            None => "an event of the contract".to_owned(),
        };
        return findings.push(
            Rule::UndeclaredEvent,
            at,
            "the contract does not have it".to_owned(),
            expected,
        );
    };
    let declared = word(event.annotations.contract.severity);
    if told.severity != declared {
        let message = format!("its severity is {}", told.severity);
        findings.push(Rule::Severity, at, message, declared.to_owned());
    }
    let of_resource = |key: &str| {
        let mut keys = contract.entities.values().flat_map(|one| one.identity.iter().chain(&one.description));
        keys.any(|attribute| attribute.key == key)
    };
    let of_component = |key: &str| key.starts_with(OF_COMPONENTS) && contract.attributes.contains_key(key);
    let is_free = |key: &str| of_component(key) || of_resource(key) || free.iter().any(|field| field == key);
    let declared = Declared { contract, attributes: &event.attributes };
    declared.compare(&told.fields, is_free, at, findings);
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
    }
}
