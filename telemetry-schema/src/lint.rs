//! Whether dashboards and alerts fit a contract.
//!
//! [`Prepared`] reads files: Grafana dashboards (classic and version 2), rule files of Prometheus and Mimir, and texts
//! that are PromQL. [`Linter`] holds them against a contract as one of its expositions shows it. What other contracts
//! say is asked only to tell people more.

mod fix;
mod input;
mod json;
mod known;
mod labels;
mod report;
mod rules;
mod tree;
mod variables;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub use fix::{Edit, fixed};
pub use known::Others;
pub use report::{Format, Told, render};
pub use tree::{InputError, MAX_FILE_BYTES};

use crate::contract::{Contract, Level};
use crate::exposition::Exposition;
use crate::lint::input::Inputs;
use crate::lint::known::Known;
use crate::upstream::{self, FindError};

/// A file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path, as people know it.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A contract as one of its expositions shows it.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Its name: `otelcol@0.128/explicit`.
    pub name: String,
    /// The contract.
    pub contract: &'a Contract,
    /// The exposition.
    pub exposition: &'a Exposition,
}

impl Target<'static> {
    /// The contracts of all releases of the Go collector that changed something, the oldest first, one exposition after
    /// the other.
    ///
    /// # Errors
    /// The facts are not valid, which tests rule out.
    pub fn of_go_collector() -> Result<Vec<Self>, FindError> {
        let releases = upstream::releases()?;
        let mut targets = Vec::new();
        for index in 0..releases.first().map_or(0, |contract| contract.expositions.len()) {
            for contract in releases {
                targets.extend(contract.expositions.get(index).map(|exposition| Self {
                    name: upstream::name_of(&contract.version, &exposition.id),
                    contract,
                    exposition,
                }));
            }
        }
        Ok(targets)
    }
}

/// What the user's collector and Prometheus are like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The level of the collector's metrics.
    pub level: Level,
    /// Labels that the scrape configuration puts on every series, beside those that everybody has.
    pub target_labels: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: Level::Normal, target_labels: Vec::new() }
    }
}

/// Files that have been read, to be held against contracts.
#[derive(Debug)]
pub struct Prepared {
    files: Vec<File>,
    /// For each file, where its lines begin.
    lines: Vec<Vec<usize>>,
    inputs: Inputs,
}

impl Prepared {
    /// Reads files. What cannot be read is told by [`Prepared::unreadable`]. `variables` are values for variables of dashboards,
    /// which count more than those in the files.
    pub fn new(files: Vec<File>, variables: &BTreeMap<String, String>) -> Self {
        let inputs = Inputs::of(&files, variables);
        let lines = files.iter().map(|file| tree::line_starts(&file.text)).collect();
        Self { files, lines, inputs }
    }

    /// Line and column of a byte of a file, from 1, the column in characters.
    fn position(&self, file: usize, at: usize) -> (usize, usize) {
        let (text, lines) = (&self.files[file].text, &self.lines[file]);
        let line = lines.partition_point(|start| *start <= at).max(1);
        let start = lines.get(line - 1).copied().unwrap_or(0);
        (line, text.get(start..at).map_or(0, |before| before.chars().count()) + 1)
    }

    /// The files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The files that could not be read, and why.
    pub fn unreadable(&self) -> impl Iterator<Item = (&File, &InputError)> {
        self.inputs.unreadable.iter().map(|(index, error)| (&self.files[*index], error))
    }
}

/// How bad something is. Ordered, the least bad first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// May not be what is meant, or cannot be checked.
    Warning,
    /// Does not work.
    Error,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It is PromQL.
    Syntax,
    /// Metrics exist.
    UnknownMetric,
    /// Labels exist.
    UnknownLabel,
    /// Labels have the values that are asked for.
    UnknownValue,
    /// `le` is a boundary.
    BucketBoundary,
    /// `rate` and `increase` are of counters.
    RateOfGauge,
    /// `deriv` and `delta` are not of counters.
    DeltaOfCounter,
    /// `histogram_quantile` gets buckets with their `le`.
    HistogramQuantile,
    /// Series are there.
    AbsentSeries,
    /// The level of the collector is high enough.
    Level,
    /// Metrics will stay.
    Deprecated,
    /// Everything could be checked.
    Unverifiable,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Syntax,
        Self::UnknownMetric,
        Self::UnknownLabel,
        Self::UnknownValue,
        Self::BucketBoundary,
        Self::RateOfGauge,
        Self::DeltaOfCounter,
        Self::HistogramQuantile,
        Self::AbsentSeries,
        Self::Level,
        Self::Deprecated,
        Self::Unverifiable,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownMetric => "unknown-metric",
            Self::UnknownLabel => "unknown-label",
            Self::UnknownValue => "unknown-value",
            Self::BucketBoundary => "bucket-boundary",
            Self::RateOfGauge => "rate-of-gauge",
            Self::DeltaOfCounter => "delta-of-counter",
            Self::HistogramQuantile => "histogram-quantile",
            Self::AbsentSeries => "absent-series",
            Self::Level => "level",
            Self::Deprecated => "deprecated",
            Self::Unverifiable => "unverifiable",
        }
    }

    /// What holds where it finds nothing.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Syntax => "The expression is PromQL.",
            Self::UnknownMetric => "The metric exists under this name.",
            Self::UnknownLabel => "The series have this label.",
            Self::UnknownValue => "The label can have this value.",
            Self::BucketBoundary => "The histogram has a bucket with this boundary.",
            Self::RateOfGauge => "rate and increase are of counters.",
            Self::DeltaOfCounter => "deriv and delta are of what is no counter.",
            Self::HistogramQuantile => "histogram_quantile gets buckets, with their label le.",
            Self::AbsentSeries => "The series is there when it is needed.",
            Self::Level => "The metric is there at the level of the collector.",
            Self::Deprecated => "The metric will stay.",
            Self::Unverifiable => "Everything could be checked.",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Where the end is, as `line`.
    pub end_line: usize,
    /// Where the end is, as `column`.
    pub end_column: usize,
    /// Where in the file's tree: `groups[0].rules[1].expr`. Empty where the file is an expression.
    pub path: String,
    /// What people call it: the title of a panel, the name of an alert.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was checked.
    pub rule: Rule,
    /// The contract that it does not fit.
    pub contract: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line of the expression, with variables filled in.
    pub excerpt: String,
    /// From which of its characters on it is meant, from 0, and how many are.
    pub caret: (usize, usize),
    /// What makes it right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Edit>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By place.
    pub findings: Vec<Finding>,
    /// How many expressions were checked.
    pub expressions: usize,
    /// How many names in them are of something else than a collector.
    pub foreign: usize,
    /// How many expressions are in another language than PromQL.
    pub other_languages: usize,
}

/// Holds files against a contract.
#[derive(Debug)]
pub struct Linter<'a> {
    target: Target<'a>,
    known: Known<'a>,
    others: &'a Others,
    options: Options,
}

impl<'a> Linter<'a> {
    /// A linter against `target`. `others` are asked about names that it does not have.
    pub fn new(target: Target<'a>, others: &'a Others, options: Options) -> Self {
        let known = Known::of(&target);
        Self { target, known, others, options }
    }

    /// What is wrong in the files.
    pub fn lint(&self, prepared: &Prepared) -> Report {
        rules::check(self, prepared)
    }
}

/// The contracts, of those that are given, against which nothing in the files is an error, in one line; nothing when
/// there are none.
pub fn fitting(prepared: &Prepared, targets: &[Target<'_>], options: &Options) -> Option<String> {
    let others = Others::of(targets);
    let fits =
        |target: &Target<'_>| rules::fits(&Linter::new(target.clone(), &others, options.clone()), prepared);
    let fitting: Vec<usize> = (0..targets.len()).filter(|index| fits(&targets[*index])).collect();
    (!fitting.is_empty()).then(|| others.listed(&fitting))
}

impl Report {
    /// How many findings are this bad.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Without what `other` has found too, whatever the contract.
    pub fn beyond(mut self, other: &Self) -> Self {
        let key = |finding: &Finding| {
            (finding.file.clone(), finding.line, finding.column, finding.path.clone(), finding.rule)
        };
        let known: std::collections::BTreeSet<_> = other.findings.iter().map(key).collect();
        self.findings.retain(|finding| !known.contains(&key(finding)));
        self
    }
}

#[cfg(test)]
mod tests;
