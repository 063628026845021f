//! What users are told of a change: the files of `changes/`.
//!
//! Each is named after its id, and tells of one decision: which changes belong to it, why, what it does to whom, and what
//! to do. They are loaded with every problem at once, each with its place.

use std::path::Path;

use etalon_conf::{Node, Problem, Problems};
use serde::{Deserialize, Serialize};

use crate::diff::{Change, Verdict};
use crate::load::{LoadError, read, yaml_files};

/// What users are told of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// The name of its file, without `.yaml`.
    pub id: String,
    /// What the gravest of its changes is.
    pub kind: Kind,
    /// Paths of the changes, as the detector tells them, or what such paths begin with. `*` stands for one part.
    pub what: Vec<String>,
    /// Why it changes.
    pub reason: String,
    /// Who notices, and how.
    pub user_impact: String,
    /// What they do about it.
    pub migration: String,
}

/// What a change is to users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What worked goes on working.
    #[default]
    Additive,
    /// What worked may not work any more.
    Breaking,
}

impl Notice {
    /// Whether it tells of this change.
    pub fn covers(&self, change: &Change) -> bool {
        self.what.iter().any(|pattern| matches(pattern, &change.path))
    }

    /// Those of `what` that no change is meant by.
    pub fn orphans<'a>(&'a self, changes: &'a [Change]) -> impl Iterator<Item = &'a str> {
        let is_orphan = |pattern: &&String| !changes.iter().any(|change| matches(pattern, &change.path));
        self.what.iter().filter(is_orphan).map(String::as_str)
    }
}

impl Kind {
    /// The kind of the gravest of these.
    pub fn of<'a>(changes: impl Iterator<Item = &'a Change>) -> Self {
        let gravest = changes.map(|change| change.verdict).max();
        if gravest >= Some(Verdict::Breaking) { Self::Breaking } else { Self::Additive }
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = path.split("::");
    pattern.split("::").all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

/// The notices of a folder, in the order of their names; none when there is no folder.
///
/// # Errors
/// A file that cannot be read, or all that is wrong in the files.
pub fn load(folder: &Path) -> Result<Vec<Notice>, LoadError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let (mut notices, mut problems) = (Vec::new(), Vec::new());
    for path in yaml_files(folder)? {
        let text = read(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match parse(&path.display().to_string(), &text, &name) {
            Ok(notice) => notices.push(notice),
            Err(found) => problems.extend(found.iter().cloned()),
        }
    }
    match Problems::of(problems) {
        None => Ok(notices),
        Some(problems) => Err(LoadError::Invalid(problems)),
    }
}

fn parse(file: &str, text: &str, id: &str) -> Result<Notice, Problems> {
    let node = Node::parse(file, text)?;
    let notice: Notice = node.decode()?;
    let mut problems = Vec::new();
    let mut problem = |key: &str, message: String| {
        let place = node.get(key).unwrap_or(&node).origin().cloned();
        problems.push(Problem::new(key, message).with_origin(place));
    };
    if notice.id != id {
        problem("id", format!("must be {id:?}, as the file is called"));
    }
    if node.get("kind").is_none() {
        problem("kind", "must be additive or breaking".to_owned());
    }
    if notice.what.is_empty() {
        problem("what", "must list paths of changes, as `cargo xtask contract check` prints them".to_owned());
    }
    let texts =
        [("reason", &notice.reason), ("user_impact", &notice.user_impact), ("migration", &notice.migration)];
    for (key, _) in texts.into_iter().filter(|(_, text)| text.trim().is_empty()) {
        problem(key, "must be told".to_owned());
    }
    Problems::of(problems).map_or(Ok(notice), Err)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::needless_raw_string_hashes, reason = "the snapshots are written by expect-test")]

    use expect_test::expect;

    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_place() {
        let text =
            "id: queue\nkind: breaking\nwhat: []\nreason: ''\nuser_impact: Alerts.\nmigartion: None.\n";
        expect![[r#"
            queue-unit.yaml:6:1: unknown key "migartion"; did you mean "migration"?
               |
             6 | migartion
               | ^^^^^^^^^"#]]
        .assert_eq(&parse("queue-unit.yaml", text, "queue-unit").unwrap_err().to_string());
        let text = "id: queue\nwhat: []\nreason: ''\nuser_impact: Alerts.\n";
        let told = parse("queue-unit.yaml", text, "queue-unit").unwrap_err().to_string();
        for wanted in [
            "queue-unit.yaml:1:5: id: must be \"queue-unit\", as the file is called",
            "kind: must be additive or breaking",
            "queue-unit.yaml:2:7: what: must list paths of changes",
            "queue-unit.yaml:3:9: reason: must be told",
            "migration: must be told",
        ] {
            assert!(told.contains(wanted), "{wanted} is not in\n{told}");
        }
        assert!(!told.contains("user_impact: "), "{told}");
    }

    #[test]
    fn a_path_is_meant_by_what_it_begins_with() {
        assert!(matches("metrics::a", "metrics::a::unit"));
        assert!(matches("metrics::*::exposed::suffixed", "metrics::a::exposed::suffixed::name"));
        assert!(matches("metrics::a.b", "metrics::a.b"));
        assert!(!matches("metrics::a", "metrics::ab::unit"));
        assert!(!matches("metrics::a::unit", "metrics::a"));
    }
}
