//! Whether the tests have seen all that the telemetry contract promises: each stable metric with another value than zero,
//! and each stable event.
//!
//! The test programs note what the collectors that they start tell (`tests/src/witness.rs`). A test that was left out has
//! noted nothing, so that notes are compared only when all tests were run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{self, CommandError, Places};

/// The environment variable that tells the test programs where to put notes.
pub(super) const FOLDER: &str = "ETALON_TELEMETRY_NOTES";

/// What is not seen, and why: `metric NAME: reason`, a line each.
const WAIVERS: &str = "tests/telemetry-not-seen.txt";

/// What tests promise to have seen, and have not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CoverageError {
    #[error("cannot read {}", .0.display())]
    Contract(PathBuf, #[source] serde_json::Error),
    #[error("no scenario of the tests produces, with another value than zero:\n  {}\nlet one do so, or say in {WAIVERS} why none can", .0.join("\n  "))]
    NotSeen(Vec<String>),
    #[error("{WAIVERS} excuses what needs no excuse:\n  {}", .0.join("\n  "))]
    Excused(Vec<String>),
    #[error("{WAIVERS}:{0}: not a line of the form metric NAME: reason, or event NAME: reason")]
    Waiver(usize),
}

/// An empty folder for notes.
pub(super) fn begin(places: &Places) -> Result<PathBuf, CommandError> {
    let folder = places.target.join("telemetry-notes");
    let failed = |error| CommandError::Write(folder.clone(), error);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    Ok(folder)
}

/// Compares the notes with the contract.
pub(super) fn compare(places: &Places, folder: &Path) -> Result<(), super::TestError> {
    let path = places.root.join("telemetry-schema/resolved/current.json");
    let contract: Value = serde_json::from_slice(&command::contents(std::slice::from_ref(&path))?)
        .map_err(|error| CoverageError::Contract(path, error))?;
    let waivers = waivers(&text(&places.root.join(WAIVERS))?)?;
    let mut noted = BTreeSet::new();
    let unreadable = |error| CommandError::Read(folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let notes = text(&entry.map_err(unreadable)?.path())?;
        noted.extend(notes.lines().map(str::to_owned));
    }
    let coverage = Coverage { declared: declared(&contract), noted, waivers };
    for what in coverage.unstable() {
        command::say(&format!("    not seen, and not stable: {what}"));
    }
    Ok(coverage.check()?)
}

struct Coverage {
    /// Whether it is stable.
    declared: BTreeMap<String, bool>,
    noted: BTreeSet<String>,
    waivers: BTreeSet<String>,
}

impl Coverage {
    fn not_seen(&self) -> impl Iterator<Item = (&String, bool)> {
        let not_seen = self.declared.iter().filter(|(what, _)| !self.noted.contains(*what));
        not_seen.filter(|(what, _)| !self.waivers.contains(*what)).map(|(what, stable)| (what, *stable))
    }

    /// What is not seen and may be so.
    fn unstable(&self) -> Vec<&String> {
        self.not_seen().filter(|(_, stable)| !stable).map(|(what, _)| what).collect()
    }

    fn check(&self) -> Result<(), CoverageError> {
        let not_seen: Vec<String> =
            self.not_seen().filter(|(_, stable)| *stable).map(|(what, _)| what.clone()).collect();
        if !not_seen.is_empty() {
            return Err(CoverageError::NotSeen(not_seen));
        }
        let needless = |what: &&String| self.noted.contains(*what) || !self.declared.contains_key(*what);
        let needless: Vec<String> = self.waivers.iter().filter(needless).cloned().collect();
        if needless.is_empty() { Ok(()) } else { Err(CoverageError::Excused(needless)) }
    }
}

fn text(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| CommandError::Read(path.to_owned(), error))
}

/// What a contract declares, as notes have it.
fn declared(contract: &Value) -> BTreeMap<String, bool> {
    let of_kind = |kind: &'static str, all: &str| {
        let all = contract[all].as_object().into_iter().flatten();
        let all: Vec<(String, bool)> =
            all.map(|(name, one)| (format!("{kind} {name}"), one["stability"] == "stable")).collect();
        all
    };
    of_kind("metric", "metrics").into_iter().chain(of_kind("event", "events")).collect()
}

fn waivers(text: &str) -> Result<BTreeSet<String>, CoverageError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let waiver = |(index, line): (usize, &str)| match line.split_once(": ") {
        Some((what, reason))
            if what.starts_with("metric ") | what.starts_with("event ") && !reason.trim().is_empty() =>
        {
            Ok(what.to_owned())
        }
        _ => Err(CoverageError::Waiver(index + 1)),
    };
    lines.map(waiver).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(noted: &[&str], excused: &[&str]) -> Coverage {
        let contract = serde_json::json!({
            "metrics": {"a": {"stability": "stable"}, "b": {"stability": "beta"}},
            "events": {"c": {"stability": "stable"}},
        });
        let set = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Coverage { declared: declared(&contract), noted: set(noted), waivers: set(excused) }
    }

    #[test]
    fn what_is_stable_is_seen_or_excused_and_what_is_not_is_told() {
        assert!(coverage(&["metric a", "event c"], &[]).check().is_ok());
        assert_eq!(coverage(&["metric a", "event c"], &[]).unstable(), ["metric b"]);
        assert!(coverage(&["metric a"], &["event c"]).check().is_ok());
        let Err(CoverageError::NotSeen(what)) = coverage(&["event a", "metric b"], &[]).check() else {
            panic!()
        };
        assert_eq!(what, ["event c", "metric a"]);
    }

    #[test]
    fn an_excuse_has_a_reason_and_is_for_what_is_declared_and_not_seen() {
        for excused in ["metric a", "metric gone"] {
            let result = coverage(&["metric a", "event c"], &[excused]).check();
            assert!(matches!(result, Err(CoverageError::Excused(what)) if what == [excused]));
        }
        let read = waivers("# why\n\nmetric a: it needs a TPM\n").unwrap();
        assert_eq!(read, BTreeSet::from(["metric a".to_owned()]));
        for wrong in ["metric a", "metric a: ", "span a: x", "a: x"] {
            assert!(matches!(waivers(&format!("\n{wrong}")), Err(CoverageError::Waiver(2))), "{wrong}");
        }
    }
}
