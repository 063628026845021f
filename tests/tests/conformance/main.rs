//! OTLP's rules, one test per rule: `s01_…` to `s34_…` bind the server, `c01_…` to `c18_…` the client,
//! `p01_…` to `p16_…` are stated by the comments of the messages.
//!
//! Each test drives the built binary. Where the project has decided otherwise than the rule, the test
//! asserts what the book says, and its comment says why.

mod client;
mod proto;
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The rules: a letter, and how many there are.
const RULES: [(char, u8); 3] = [('s', 34), ('c', 18), ('p', 16)];

#[test]
fn every_rule_has_a_test() {
    let tested = rules_tested(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance"));
    for (letter, count) in RULES {
        let all: BTreeSet<_> = (1..=count).map(|number| format!("{letter}{number:02}")).collect();
        let found: BTreeSet<_> = tested.iter().filter(|rule| rule.starts_with(letter)).cloned().collect();
        assert_eq!(found, all, "the left are tested, the right must be");
    }
}

/// The rules that functions marked as tests are named after, in all sources of a folder.
fn rules_tested(folder: &Path) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the tests have sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rules.extend(rules_tested(&path));
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source file is text");
        let mut marked = false;
        for line in source.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("fn ").filter(|_| marked) {
                rules.extend(rule(name));
            }
            marked = line == "#[test]";
        }
    }
    rules
}

/// The rule at the front of a name: `s01` of `s01_compression…`.
fn rule(name: &str) -> Option<String> {
    let (rule, _) = name.split_once('_')?;
    let mut characters = rule.chars();
    let letter = characters.next()?;
    let known = RULES.iter().any(|(known, _)| *known == letter);
    (known && rule.len() == 3 && characters.all(|digit| digit.is_ascii_digit())).then(|| rule.to_owned())
}

#[test]
fn a_rule_is_read_from_the_front_of_a_name() {
    assert_eq!(rule("s01_compression() {").as_deref(), Some("s01"));
    for other in ["start_01()", "s1_x()", "s012_x()", "x01_y()", "s01()"] {
        assert_eq!(rule(other), None, "{other}");
    }
}
