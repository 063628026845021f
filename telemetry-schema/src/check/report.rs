//! Reports for people and for programs.

use serde_json::{Map, Value, json};

use super::{Finding, MAX_FINDINGS, Report, Rule};
use crate::contract::Contract;
use crate::sarif::{Run, location};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// All that is known.
    Json,
    /// Static Analysis Results Interchange Format, 2.1.0.
    Sarif,
}

/// A report and what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Where it comes from, as people know it.
    pub source: &'a str,
    /// What it was compared with.
    pub contract: &'a Contract,
    /// What was found.
    pub report: &'a Report,
}

/// A report as text.
pub fn render(told: &Told<'_>, format: Format) -> String {
    match format {
        Format::Text => text(told),
        Format::Json => format!("{:#}\n", as_json(told)),
        Format::Sarif => format!("{:#}\n", sarif(told)),
    }
}

/// What does not fit, and at the end how much it is.
fn text(told: &Told<'_>) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(&etalon_conf::visible(line));
        text.push('\n');
    };
    for finding in &told.report.findings {
        let Finding { rule, line: at, expected, .. } = finding;
        let at = at.map(|at| format!(":{at}")).unwrap_or_default();
        line(&format!("{}{at}: error[{rule}]: {}", told.source, message(finding)));
        line(&format!("  = expected: {expected}"));
    }
    if told.report.left_out > 0 {
        let more = told.report.left_out;
        line(&format!("note: only the first {MAX_FINDINGS} findings are listed; there are {more} more"));
    }
    line(&summary(told));
    text
}

/// What about, and what was found.
fn message(Finding { name, instance, message, times, .. }: &Finding) -> String {
    let subject = if instance.is_empty() { name } else { instance };
    let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
    let times = if *times > 1 { format!(", {times} times") } else { String::new() };
    format!("{subject}{message}{times}")
}

/// `28 families, 60 series against etalon 0.1.0/prometheus: 1 finding`.
fn summary(told: &Told<'_>) -> String {
    let Report { exposition, counts, findings, foreign, .. } = told.report;
    let counted = |(what, number): &(&str, usize)| match (number, what.strip_suffix("ies")) {
        (1, Some("ser")) => "1 series".to_owned(),
        (1, Some(stem)) => format!("1 {stem}y"),
        (1, None) => format!("1 {}", what.trim_end_matches('s')),
        _ => format!("{number} {what}"),
    };
    // The first says how much there was; of the rest only what there was.
    let told_counts = counts.iter().enumerate().filter(|(index, (_, number))| *index == 0 || *number > 0);
    let counts: Vec<String> = told_counts.map(|(_, count)| counted(count)).collect();
    let foreign = if *foreign > 0 { format!(" ({foreign} of others left alone)") } else { String::new() };
    let findings = match findings.len() + told.report.left_out {
        0 => "all fits".to_owned(),
        1 => "1 finding".to_owned(),
        number => format!("{number} findings"),
    };
    let Contract { name, version, .. } = told.contract;
    format!("{}{foreign} against {name} {version}/{exposition}: {findings}", counts.join(", "))
}

fn as_json(told: &Told<'_>) -> Value {
    let counts: Map<String, Value> =
        told.report.counts.iter().map(|(what, number)| (what.replace(' ', "_"), (*number).into())).collect();
    json!({
        "source": told.source,
        "contract": {"name": told.contract.name, "version": told.contract.version},
        "exposition": told.report.exposition,
        "counts": counts,
        "foreign": told.report.foreign,
        "findings": told.report.findings,
        "left_out": told.report.left_out,
    })
}

fn sarif(told: &Told<'_>) -> Value {
    let result = |finding: &Finding| {
        // A finding of what is not there is of the whole: its first line is shown.
        let region = json!({"startLine": finding.line.unwrap_or(1)});
        let Contract { name, version, .. } = told.contract;
        let text = format!("{}; {name} {version} expects {}", message(finding), finding.expected);
        json!({
            "ruleId": finding.rule.id(),
            "level": "error",
            "message": {"text": text},
            "locations": [location(&told.source.replace(' ', "%20"), region)],
        })
    };
    let run = Run {
        tool: "etalon contract check",
        rules: Rule::ALL.iter().map(|rule| (rule.id(), rule.summary())).collect(),
        notifications: Vec::new(),
        results: told.report.findings.iter().map(result).collect(),
    };
    run.document()
}
