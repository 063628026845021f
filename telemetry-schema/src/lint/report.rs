//! Reports for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Finding, Prepared, Report, Rule, Severity};
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
#[derive(Debug)]
pub struct Told<'a> {
    /// What was read.
    pub prepared: &'a Prepared,
    /// What was found.
    pub report: &'a Report,
    /// Name of the contract, and of the one that it was compared with.
    pub contracts: Vec<String>,
    /// What else is to be known about the contracts.
    pub notes: Vec<String>,
}

/// A report as text.
pub fn render(told: &Told<'_>, format: Format) -> String {
    match format {
        Format::Text => text(told),
        Format::Json => pretty(&as_json(told)),
        Format::Sarif => pretty(&sarif(told)),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// In each place what is wrong, and at the end how much it is.
fn text(told: &Told<'_>) -> String {
    let mut text = String::new();
    for (file, error) in told.prepared.unreadable() {
        line(&mut text, &format!("{}:{error}", file.name));
    }
    for finding in &told.report.findings {
        one(&mut text, finding);
    }
    for note in &told.notes {
        line(&mut text, &format!("note: {note}"));
    }
    line(&mut text, &summary(told));
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(&etalon_conf::visible(line));
    text.push('\n');
}

fn one(text: &mut String, finding: &Finding) {
    let Finding { file, line: row, column, severity, rule, contract, message, .. } = finding;
    let severity = word(*severity);
    line(text, &format!("{file}:{row}:{column}: {severity}[{rule}]: {contract}: {message}"));
    let (before, width) = finding.caret;
    // One character for one, so that the carets stay below what they mean.
    let excerpt: String = finding
        .excerpt
        .chars()
        .map(|char| match char {
            '\t' => ' ',
            char if etalon_conf::is_misleading(char) => char::REPLACEMENT_CHARACTER,
            char => char,
        })
        .collect();
    line(text, &format!("  | {}", excerpt.trim_end()));
    line(text, &format!("  | {}{}", " ".repeat(before), "^".repeat(width)));
    if let Some(help) = &finding.help {
        line(text, &format!("  = {help}"));
    }
    let title = if finding.title.is_empty() { String::new() } else { format!(" ({:?})", finding.title) };
    if !finding.path.is_empty() {
        line(text, &format!("  = in {}{title}", finding.path));
    }
}

/// `3 expressions: 2 errors, 1 warning`.
fn summary(told: &Told<'_>) -> String {
    let Report { expressions, foreign, other_languages, .. } = told.report;
    let counted =
        |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut summary = format!(
        "{} against {}: {}, {}, {}",
        counted(*expressions, "expression"),
        told.contracts.join(" and "),
        counted(told.report.count(Severity::Error), "error"),
        counted(told.report.count(Severity::Warning), "warning"),
        counted(told.report.count(Severity::Note), "note"),
    );
    if *foreign > 0 {
        write!(summary, "; {} of something else", counted(*foreign, "metric"))
            .expect("writing to a String cannot fail");
    }
    if *other_languages > 0 {
        write!(summary, "; {} in other languages", counted(*other_languages, "expression"))
            .expect("writing to a String cannot fail");
    }
    summary
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn as_json(told: &Told<'_>) -> Value {
    #[derive(Serialize)]
    struct Unreadable<'a> {
        file: &'a str,
        line: usize,
        column: usize,
        message: &'a str,
    }
    let unreadable: Vec<Unreadable<'_>> = told
        .prepared
        .unreadable()
        .map(|(file, error)| Unreadable {
            file: &file.name,
            line: error.line,
            column: error.column,
            message: &error.message,
        })
        .collect();
    json!({
        "contracts": told.contracts,
        "notes": told.notes,
        "expressions": told.report.expressions,
        "foreign": told.report.foreign,
        "other_languages": told.report.other_languages,
        "unreadable": unreadable,
        "findings": told.report.findings,
    })
}

fn sarif(told: &Told<'_>) -> Value {
    let notifications = told.prepared.unreadable().map(|(file, error)| {
        let region = json!({"startLine": error.line, "startColumn": error.column});
        json!({"level": "error", "message": {"text": error.message}, "locations": [location(&file.name, region)]})
    });
    let run = Run {
        tool: "etalon contract lint",
        rules: Rule::ALL.iter().map(|rule| (rule.id(), rule.summary())).collect(),
        notifications: notifications.collect(),
        results: told.report.findings.iter().map(result).collect(),
    };
    run.document()
}

fn result(finding: &Finding) -> Value {
    let help = finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    let region = json!({
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    });
    let mut location = location(&finding.file, region.clone());
    if !finding.path.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": finding.path, "name": finding.title}]);
    }
    let mut result = json!({
        "ruleId": finding.rule.id(),
        "level": word(finding.severity),
        "message": {"text": format!("{}: {}{help}", finding.contract, finding.message)},
        "locations": [location],
    });
    if let Some(edit) = &finding.fix {
        let replacement = json!({"deletedRegion": region, "insertedContent": {"text": edit.text}});
        let change = json!({"artifactLocation": {"uri": finding.file}, "replacements": [replacement]});
        result["fixes"] =
            json!([{"description": {"text": format!("use {}", edit.text)}, "artifactChanges": [change]}]);
    }
    result
}
