//! The checklist `tests/upstream-behaviours.md` has no empty row, and names what exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Behaviours that the tests of the Go collector assert.
const BEHAVIOURS: usize = 60;
/// What Go does by accident.
const ACCIDENTS: usize = 9;

struct Row {
    number: String,
    held_by: String,
}

impl Row {
    /// The names of tests: what stands between backticks and looks like a function of Rust.
    fn tests(&self) -> Vec<&str> {
        let is_name = |text: &&str| {
            text.contains('_')
                && text.chars().all(|char| char.is_ascii_lowercase() || char == '_' || char.is_ascii_digit())
        };
        self.held_by.split('`').skip(1).step_by(2).filter(is_name).collect()
    }

    /// The words of the row that tells of a deliberate difference.
    fn difference(&self) -> Option<&str> {
        let (_, rest) = self.held_by.split_once("difference: \"")?;
        rest.split_once('"').map(|(words, _)| words)
    }
}

#[test]
fn every_behaviour_has_a_row_with_a_test() {
    let rows = rows();
    let expected: Vec<String> =
        (1..=BEHAVIOURS).map(|n| n.to_string()).chain((1..=ACCIDENTS).map(|n| format!("A{n}"))).collect();
    assert_eq!(rows.iter().map(|row| row.number.clone()).collect::<Vec<_>>(), expected);
    let empty: Vec<_> = rows.iter().filter(|row| row.tests().is_empty()).map(|row| &row.number).collect();
    assert!(empty.is_empty(), "no test is named in {empty:?}");
}

#[test]
fn every_test_that_is_named_exists() {
    let known = tests_of_the_tree();
    assert!(known.len() > 500, "the sources are found: {}", known.len());
    let missing: Vec<String> = rows()
        .iter()
        .flat_map(|row| {
            row.tests().into_iter().map(|test| (row.number.clone(), test.to_owned())).collect::<Vec<_>>()
        })
        .filter(|(_, test)| !known.contains(test))
        .map(|(number, test)| format!("{number}: {test}"))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_difference_that_is_named_is_in_the_book() {
    let book = fs::read_to_string(root().join("book/src/differences.md")).unwrap();
    let firsts: Vec<&str> = book
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(first, _)| first)
        .collect();
    for row in rows() {
        if let Some(words) = row.difference() {
            assert!(firsts.contains(&words), "{}: no row {words:?} in differences.md", row.number);
        }
    }
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("tests/upstream-behaviours.md")).expect("the checklist");
    let cells = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.splitn(3, " | ").map(ToOwned::to_owned);
        Some(Row { number: cells.next()?, held_by: cells.nth(1)? })
    };
    text.lines().filter_map(cells).filter(|row| row.number != "#").collect()
}

/// The names of all functions that are marked as tests.
fn tests_of_the_tree() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["collector", "tests/src", "tests/tests"] {
        visit(&root().join(folder), &mut names);
    }
    names
}

fn visit(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source file is text");
            let mut marked = false;
            for line in source.lines().map(str::trim) {
                let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                if let Some((name, _)) = function.and_then(|rest| rest.split_once('(')).filter(|_| marked) {
                    names.insert(name.to_owned());
                    marked = false;
                } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    marked = true;
                }
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
