//! What has been released, and is never altered again.
//!
//! `released/releases.yaml` names every release with its day and the checksum of its `SHA256SUMS`; that file names every
//! other file of the release's folder with its checksum. [`load`] believes nothing that does not match.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use etalon_conf::{Node, Problems};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::contract::{AttributeRef, Contract};

/// Name of the list of releases.
pub const LIST: &str = "releases.yaml";
/// Name of the list of a release's files.
pub const SUMS: &str = "SHA256SUMS";
/// Name of the contract in a release's folder.
pub const CONTRACT: &str = "contract.json";
/// Name of what a program with only its configuration to tell of pushes over OTLP, as JSON, in a release's folder.
pub const OTLP: &str = "otlp.json";
/// Name of the events, one a line, in a release's folder.
pub const EVENTS: &str = "events.jsonl";
/// Name of the spans, one a line, in a release's folder.
pub const SPANS: &str = "spans.jsonl";
/// What names end with of what users were told of changes, in a release's folder.
pub const CHANGE_SUFFIX: &str = ".change.yaml";

/// A release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// The day on which it was frozen.
    pub date: Date,
    /// What it promised.
    pub contract: Contract,
}

/// `releases.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct List {
    /// The oldest first.
    pub releases: Vec<Listed>,
}

/// A release in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Of the contract; the name of its folder.
    pub version: Version,
    /// The day on which it was frozen.
    pub date: Date,
    /// SHA-256 of its `SHA256SUMS`, in hexadecimal digits.
    pub sha256: String,
    /// Whether somebody may have it already, so that it is not frozen again.
    #[serde(default)]
    pub published: bool,
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no day: write it as in 2026-11-30")]
pub struct NoDate(String);

/// Why the releases cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum ReleasedError {
    /// A file or a folder.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the list says.
    #[error("{0}")]
    List(Problems),
    /// A file is not what it was when it was released.
    #[error("{} has been altered: what is released stays as it is; restore it, and change the model instead", .0.display())]
    Altered(PathBuf),
    /// A file or a folder that no list names.
    #[error("{} is in no list: only `cargo xtask contract freeze` adds to what is released", .0.display())]
    Unlisted(PathBuf),
    /// A contract that this version cannot read any more.
    #[error("cannot understand {}", path.display())]
    Contract {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// The text of `SHA256SUMS` for these files.
pub fn sums<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let lines = files.into_iter().map(|(name, content)| format!("{}  {name}\n", checksum(content)));
    lines.collect::<Vec<_>>().concat()
}

/// What a release says for itself: names of files, and what they hold.
pub fn declared(contract: &Contract) -> Vec<(String, String)> {
    let attributes = |refs: &[AttributeRef]| -> Value {
        refs.iter()
            .map(|each| (each.key.clone(), json!(each.requirement_level)))
            .collect::<Map<_, _>>()
            .into()
    };
    let events = contract.events.values().map(|event| {
        let note = &event.annotations.contract;
        json!({
            "event.name": event.name,
            "severity": note.severity,
            "sampled": note.sampled,
            "stability": event.stability,
            "fields": attributes(&event.attributes),
        })
    });
    let spans = contract.spans.values().map(|span| {
        let note = &span.annotations.contract;
        json!({
            "type": span.id,
            "kind": span.kind,
            "name_pattern": note.name_pattern,
            "stability": span.stability,
            "attributes": attributes(&span.attributes),
            "events": note.events,
        })
    });
    let lines = |values: Vec<Value>| {
        let lines: Vec<String> = values.iter().map(|value| format!("{value}\n")).collect();
        lines.concat()
    };
    vec![
        (CONTRACT.to_owned(), contract.to_json()),
        (EVENTS.to_owned(), lines(events.collect())),
        (SPANS.to_owned(), lines(spans.collect())),
    ]
}

/// All releases in `folder`, the oldest first. None when there is no list.
///
/// # Errors
/// Something cannot be read, or is not what was released.
pub fn load(folder: &Path) -> Result<Vec<Release>, ReleasedError> {
    let List { releases } = list(folder)?;
    let is_listed =
        |name: &str| name == LIST || releases.iter().any(|listed| listed.version.to_string() == name);
    if let Some(name) = names(folder)?.into_iter().find(|name| !is_listed(name)) {
        return Err(ReleasedError::Unlisted(folder.join(name)));
    }
    releases.iter().map(|listed| release(folder, listed)).collect()
}

/// The list in `folder`; empty when there is none.
///
/// # Errors
/// It cannot be read, or is not valid.
pub fn list(folder: &Path) -> Result<List, ReleasedError> {
    let path = folder.join(LIST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(List::default()),
        Err(source) => return Err(ReleasedError::Read { path, source }),
    };
    let node = Node::parse(&path.display().to_string(), &text).map_err(ReleasedError::List)?;
    node.decode().map_err(ReleasedError::List)
}

fn release(folder: &Path, listed: &Listed) -> Result<Release, ReleasedError> {
    let folder = folder.join(listed.version.to_string());
    let sums = read(&folder.join(SUMS))?;
    if checksum(&sums) != listed.sha256 {
        return Err(ReleasedError::Altered(folder.join(SUMS)));
    }
    let sums = String::from_utf8_lossy(&sums).into_owned();
    let sums: Vec<(&str, &str)> = sums.lines().filter_map(|line| line.split_once("  ")).collect();
    for (sum, name) in &sums {
        if checksum(&read(&folder.join(name))?) != *sum {
            return Err(ReleasedError::Altered(folder.join(name)));
        }
    }
    let is_listed = |name: &str| name == SUMS || sums.iter().any(|(_, listed)| *listed == name);
    if let Some(name) = names(&folder)?.into_iter().find(|name| !is_listed(name)) {
        return Err(ReleasedError::Unlisted(folder.join(name)));
    }
    let path = folder.join(CONTRACT);
    let text = read(&path)?;
    let contract = Contract::from_json(&String::from_utf8_lossy(&text));
    let contract = contract.map_err(|source| ReleasedError::Contract { path, source })?;
    Ok(Release { date: listed.date, contract })
}

fn read(path: &Path) -> Result<Vec<u8>, ReleasedError> {
    fs::read(path).map_err(|source| ReleasedError::Read { path: path.to_owned(), source })
}

/// What is in a folder, in order; nothing when there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, ReleasedError> {
    let unreadable = |source| ReleasedError::Read { path: folder.to_owned(), source };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// SHA-256 in hexadecimal digits.
pub fn checksum(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

impl Date {
    /// So many days after 1970-01-01.
    pub fn of_days(days: u32) -> Self {
        let since = time::Duration::days(days.into());
        let date = OffsetDateTime::UNIX_EPOCH.date().checked_add(since).unwrap_or(time::Date::MAX);
        let (year, month, day) = date.to_calendar_date();
        Self { year: u16::try_from(year).unwrap_or(u16::MAX), month: month.into(), day }
    }

    /// The same day of the next year; of the last of February, the first of March.
    pub fn next_year(self) -> Self {
        let year = self.year.saturating_add(1);
        if (self.month, self.day) == (2, 29) {
            Self { year, month: 3, day: 1 }
        } else {
            Self { year, ..self }
        }
    }
}

impl FromStr for Date {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Self, NoDate> {
        let bad = || NoDate(text.to_owned());
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let is_number =
                |part: &&str| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            let part = parts.next().filter(is_number)?;
            part.parse::<u16>().ok()
        };
        let (year, month, day) = (part(4), part(2), part(2));
        let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(bad()) };
        let (Ok(month), Ok(day)) = (u8::try_from(month), u8::try_from(day)) else { return Err(bad()) };
        let is_day = (1..=12).contains(&month) && (1..=31).contains(&day) && parts.next().is_none();
        if is_day { Ok(Self { year, month, day }) } else { Err(bad()) }
    }
}

impl TryFrom<String> for Date {
    type Error = NoDate;

    fn try_from(text: String) -> Result<Self, NoDate> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests;
