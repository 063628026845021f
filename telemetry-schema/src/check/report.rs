//! Reports for people and for programs.

use serde_json::json;

use super::{Finding, Report, Scrape};
use crate::contract::Contract;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// All that is known.
    Json,
}

/// A report and what it is about.
#[derive(Debug)]
pub struct Told<'a> {
    /// Where the scrape comes from, as people know it.
    pub source: &'a str,
    /// What was read.
    pub scrape: &'a Scrape,
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
    }
}

/// What does not fit, and at the end how much it is.
fn text(told: &Told<'_>) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(&etalon_conf::visible(line));
        text.push('\n');
    };
    for Finding { family, rule, series, line: at, message, expected } in &told.report.findings {
        let at = at.map(|at| format!(":{at}")).unwrap_or_default();
        let subject = if series.is_empty() { family } else { series };
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        line(&format!("{}{at}: error[{rule}]: {subject}{message}", told.source));
        line(&format!("  = expected: {expected}"));
    }
    line(&summary(told));
    text
}

/// `28 families, 60 series against etalon 0.1.0/prometheus: 1 finding`.
fn summary(told: &Told<'_>) -> String {
    let families = match told.scrape.families().len() {
        1 => "1 family".to_owned(),
        number => format!("{number} families"),
    };
    let series = told.scrape.series().count();
    let findings = match told.report.findings.len() {
        0 => "all fits".to_owned(),
        1 => "1 finding".to_owned(),
        number => format!("{number} findings"),
    };
    let (Contract { name, version, .. }, exposition) = (told.contract, &told.report.exposition);
    format!("{families}, {series} series against {name} {version}/{exposition}: {findings}")
}

fn as_json(told: &Told<'_>) -> serde_json::Value {
    json!({
        "source": told.source,
        "contract": {"name": told.contract.name, "version": told.contract.version},
        "exposition": told.report.exposition,
        "families": told.scrape.families().len(),
        "series": told.scrape.series().count(),
        "findings": told.report.findings,
    })
}
