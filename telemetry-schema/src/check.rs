//! Whether what a collector tells is what its contract declares.
//!
//! [`Input`] finds out what it is given and compares it with a contract: a scrape, an OTLP capture, or a log. Names, types,
//! attributes and their values are compared, as sets; what the numbers are does not matter. A capture and a log may be
//! of any length: what is kept of them does not grow with it.

mod attributes;
mod capture;
mod compare;
mod event;
mod findings;
mod input;
mod line;
mod log;
mod metric;
mod report;
mod rule;
mod scrape;
mod span;

pub use capture::Temporality;
pub use compare::{check, closest};
pub use findings::{Finding, MAX_FINDINGS, Report};
pub use input::{Against, Input, InputError, Kind, MAX_DOCUMENT_BYTES};
pub use report::{Format, Told, render};
pub use rule::Rule;
pub use scrape::{
    MAX_LINE_BYTES, MAX_MALFORMED, MAX_SCRAPE_BYTES, MAX_SERIES, Malformed, Scrape, ScrapeError,
    ScrapedFamily, ScrapedKind, Series,
};

#[cfg(test)]
mod tests;
