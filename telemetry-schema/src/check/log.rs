//! The log of a collector, in JSON, against a contract.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::attributes::{Given, Value};
use super::event::{self, NAME, Told};
use super::findings::{Findings, Report};
use crate::contract::Contract;

/// What each line has that is no field of its event.
const OF_LINES: [&str; 5] = ["level", "msg", "ts", "caller", "resource"];

/// What a process that failed says last, which is for the person who started it.
const LAST_WORD: &str = "Error: ";

/// The part of a contract that a log is compared with.
const EXPOSITION: &str = "log";

/// Lines that are compared one after the other.
#[derive(Debug)]
pub(super) struct Log<'a> {
    contract: &'a Contract,
    /// Fields that the configuration adds to each line.
    fields: &'a [String],
    findings: Findings,
    lines: usize,
    events: BTreeSet<&'a str>,
}

impl<'a> Log<'a> {
    /// Compares with a contract. `fields` are those that the configuration adds to each line.
    pub(super) fn new(contract: &'a Contract, fields: &'a [String]) -> Self {
        Self { contract, fields, findings: Findings::default(), lines: 0, events: BTreeSet::new() }
    }

    /// Takes a line, without its end. Whether it is of a log in JSON; if not, that is told.
    pub(super) fn line(&mut self, number: usize, line: &[u8]) -> bool {
        if line.starts_with(LAST_WORD.as_bytes()) {
            return true;
        }
        let Some((severity, message, mut fields)) = parts(line) else {
            self.findings.malformed(number, "a line of JSON, with level and msg as text");
            return false;
        };
        let name = match fields.remove(NAME) {
            Some(Json::String(name)) => Some(name.into()),
            _ => None,
        };
        let told = Told { name, severity: severity.into(), fields: given(fields), message: message.into() };
        self.lines += 1;
        if let Some((name, _)) = self.contract.events.get_key_value(told.name()) {
            self.events.insert(name);
        }
        event::check(self.contract, &told, self.fields, Some(number), &mut self.findings);
        true
    }

    /// What came out.
    pub(super) fn finish(self) -> Report {
        let (findings, left_out) = self.findings.finish();
        let counts = vec![("lines", self.lines), ("events", self.events.len())];
        Report { exposition: EXPOSITION.to_owned(), counts, findings, left_out, foreign: 0 }
    }
}

/// Level, message, and what else a line has.
fn parts(line: &[u8]) -> Option<(String, String, Map<String, Json>)> {
    let mut fields: Map<String, Json> = serde_json::from_slice(line).ok()?;
    let [level, msg, _, _, _] = OF_LINES.map(|key| fields.remove(key));
    match (level, msg) {
        (Some(Json::String(level)), Some(Json::String(message))) => Some((level, message, fields)),
        _ => None,
    }
}

fn given(fields: Map<String, Json>) -> Vec<Given<'static>> {
    let value = |value: Json| match value {
        Json::String(text) => Value::Text(text.into()),
        Json::Bool(is) => Value::Bool(is),
        Json::Number(number) => match number.as_i128() {
            Some(whole) => Value::Int(whole),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::Array(_) => Value::Other("a list"),
        Json::Object(_) => Value::Other("a map"),
        Json::Null => Value::Other("nothing"),
    };
    fields.into_iter().map(|(key, found)| Given { key: key.into(), value: value(found) }).collect()
}
