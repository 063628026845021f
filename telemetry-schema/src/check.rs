//! Whether what a collector serves to Prometheus is what its contract declares.
//!
//! [`Scrape`] reads a scrape: the text format 0.0.4, also with quoted names, or `OpenMetrics` 1.0. [`check`] compares it
//! with a contract as one of its expositions shows it, as sets of names and values: what the numbers are does not matter.

mod compare;
mod line;
mod report;
mod scrape;

use std::fmt;

use serde::Serialize;

pub use compare::{Report, check, closest};
pub use report::{Format, Told, render};
pub use scrape::{
    MAX_LINE_BYTES, MAX_MALFORMED, MAX_SCRAPE_BYTES, MAX_SERIES, Malformed, Scrape, ScrapeError,
    ScrapedFamily, ScrapedKind, Series,
};

/// What is checked. Ordered as the findings of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Lines are of the format.
    Malformed,
    /// The contract has the family.
    UndeclaredFamily,
    /// Families that are there from the start are there.
    MissingFamily,
    /// The type of the family is that of the contract.
    Type,
    /// Each series is there once.
    DuplicateSeries,
    /// The contract has the labels.
    UndeclaredLabel,
    /// Labels that each series has are there.
    MissingLabel,
    /// Labels with listed values have one of them.
    UndeclaredValue,
    /// Histograms have the bounds of the contract.
    Buckets,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::UndeclaredFamily,
        Self::MissingFamily,
        Self::Type,
        Self::DuplicateSeries,
        Self::UndeclaredLabel,
        Self::MissingLabel,
        Self::UndeclaredValue,
        Self::Buckets,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UndeclaredFamily => "undeclared-family",
            Self::MissingFamily => "missing-family",
            Self::Type => "type",
            Self::DuplicateSeries => "duplicate-series",
            Self::UndeclaredLabel => "undeclared-label",
            Self::MissingLabel => "missing-label",
            Self::UndeclaredValue => "undeclared-value",
            Self::Buckets => "buckets",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Something that does not fit. Ordered by family, rule and series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Name of the family; empty for a line that is of none.
    pub family: String,
    /// What was checked.
    pub rule: Rule,
    /// The series, as it is written; empty where the whole family is meant.
    pub series: String,
    /// Where it is, from 1; nothing for what is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What was found.
    pub message: String,
    /// What was expected instead.
    pub expected: String,
}

#[cfg(test)]
mod tests;
