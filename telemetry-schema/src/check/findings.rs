//! What does not fit.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Rule;

/// Most findings of a capture or a log. More are counted.
pub const MAX_FINDINGS: usize = 1000;

/// Something that does not fit. Ordered by name, rule and instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Name of the family, the metric, the span or the event; empty for a line that is of none.
    pub name: String,
    /// What was checked.
    pub rule: Rule,
    /// Which of that name, as people write it: the series, for one; empty where all of them are meant.
    pub instance: String,
    /// Where it is, from 1, the first time; nothing for what is not there, and in what has no lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What was found.
    pub message: String,
    /// What was expected instead.
    pub expected: String,
    /// How often.
    pub times: usize,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What of the contract it was compared with: an exposition, `otlp` or `log`.
    pub exposition: String,
    /// What was looked at: how many of what.
    pub counts: Vec<(&'static str, usize)>,
    /// What does not fit, in order.
    pub findings: Vec<Finding>,
    /// Findings beyond [`MAX_FINDINGS`].
    pub left_out: usize,
    /// Metrics, spans and log records of other programs, which were left alone.
    pub foreign: usize,
}

/// Where a finding is, and what about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) instance: &'a str,
    pub(super) line: Option<usize>,
}

/// The findings of something of any length: each is kept once, with where it was first.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: BTreeMap<(String, Rule, String, String), Finding>,
    left_out: usize,
}

impl Report {
    /// Whether nothing was found.
    pub fn fits(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Findings {
    pub(super) fn push(&mut self, rule: Rule, at: Place<'_>, message: String, expected: String) {
        let key = (at.name.to_owned(), rule, at.instance.to_owned(), message);
        if let Some(known) = self.found.get_mut(&key) {
            known.times += 1;
        } else if self.found.len() < MAX_FINDINGS {
            let (name, instance, message) = (key.0.clone(), key.2.clone(), key.3.clone());
            let finding = Finding { name, rule, instance, line: at.line, message, expected, times: 1 };
            self.found.insert(key, finding);
        } else {
            self.left_out += 1;
        }
    }

    /// A line that is not of the format.
    pub(super) fn malformed(&mut self, line: usize, expected: &str) {
        let at = Place { name: "", instance: "", line: Some(line) };
        self.push(Rule::Malformed, at, "the line is not of the format".to_owned(), expected.to_owned());
    }

    /// All of them, in order, and how many there are besides.
    pub(super) fn finish(self) -> (Vec<Finding>, usize) {
        let mut findings: Vec<Finding> = self.found.into_values().collect();
        findings.sort();
        (findings, self.left_out)
    }
}
