//! Each rule finds the change that it is for, and nothing else does.
//!
//! A case breaks a contract that is right, and names all that must be found. Two contracts are broken: a snapshot that
//! has something of every kind, and the tree's own.

mod history;
mod rules;
mod tree;

use std::collections::BTreeSet;

use super::*;
use crate::contract::{Attribute, AttributeKind, AttributeRef, Event, Member, Metric, Requirement, Span};

/// What a change must be found as.
type Expected<'a> = (&'a str, Rule, Verdict, Bump);

/// A contract that is broken in one way.
struct Case {
    name: &'static str,
    breaks: fn(&mut Contract),
    expected: &'static [Expected<'static>],
}

fn snapshot() -> Contract {
    Contract::from_json(include_str!("snapshot.json")).expect("the snapshot is a contract")
}

fn found(changes: &[Change]) -> Vec<Expected<'_>> {
    changes.iter().map(|change| (&*change.path, change.rule, change.verdict, change.bump)).collect()
}

/// Runs cases on the snapshot, and returns the rules that they have met.
fn run(cases: &[Case]) -> BTreeSet<Rule> {
    let old = snapshot();
    let mut failures = Vec::new();
    let mut met = BTreeSet::new();
    for Case { name, breaks, expected } in cases {
        let mut new = old.clone();
        breaks(&mut new);
        let changes = compare(&old, &new);
        let found = found(&changes);
        if found != *expected {
            failures.push(format!("{name}:\n  found {found:#?}\n  not {expected:#?}"));
        }
        met.extend(changes.iter().map(|change| change.rule));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    met
}

fn metric<'a>(contract: &'a mut Contract, name: &str) -> &'a mut Metric {
    contract.metrics.get_mut(name).expect("a metric of the snapshot")
}

fn event(contract: &mut Contract) -> &mut Event {
    contract.events.get_mut("data.dropped").expect("the event of the snapshot")
}

fn span(contract: &mut Contract) -> &mut Span {
    contract.spans.get_mut("export").expect("the span of the snapshot")
}

fn attribute<'a>(contract: &'a mut Contract, key: &str) -> &'a mut Attribute {
    contract.attributes.get_mut(key).expect("an attribute of the snapshot")
}

fn members(contract: &mut Contract) -> &mut Vec<Member> {
    match &mut attribute(contract, "reason").kind {
        AttributeKind::Enum { members } => members,
        AttributeKind::Primitive(_) => panic!("reason is an enumeration"),
    }
}

fn reference(key: &str, requirement_level: Requirement) -> AttributeRef {
    AttributeRef { key: key.to_owned(), requirement_level }
}

/// Gives a part of a map another name.
fn rename<P>(map: &mut std::collections::BTreeMap<String, P>, old: &str, new: &str) {
    let part = map.remove(old).expect("a part of the snapshot");
    map.insert(new.to_owned(), part);
}

#[test]
fn the_same_contract_has_not_changed() {
    assert_eq!(compare(&snapshot(), &snapshot()), []);
    assert_eq!(required_bump(&[]), Bump::None);
}

#[test]
fn the_order_of_attributes_and_of_members_says_nothing() {
    let mut new = snapshot();
    metric(&mut new, "failed").attributes.reverse();
    members(&mut new).reverse();
    assert_eq!(compare(&snapshot(), &new), []);
}

#[test]
fn a_successor_that_never_was_there_is_no_change() {
    let mut both = snapshot();
    both.metrics.remove("limiter_accepted");
    assert_eq!(compare(&both, &both), []);
}

#[test]
fn a_bump_is_of_the_number_to_the_right_before_1_0_0() {
    let next = |bump: Bump, version: &str| bump.from(&version.parse().unwrap()).to_string();
    for (bump, before, after) in [
        (Bump::None, "0.3.4", "1.3.4"),
        (Bump::Patch, "0.3.5", "1.3.5"),
        (Bump::Minor, "0.3.5", "1.4.0"),
        (Bump::Major, "0.4.0", "2.0.0"),
    ] {
        let same = |version: &str| if bump == Bump::None { version.to_owned() } else { next(bump, version) };
        assert_eq!((next(bump, "0.3.4").as_str(), same("1.3.4").as_str()), (before, after), "{bump}");
    }
}

#[test]
fn a_change_is_told_in_a_line() {
    let mut new = snapshot();
    metric(&mut new, "uptime").unit = "ms".to_owned();
    let told: Vec<String> = compare(&snapshot(), &new).iter().map(ToString::to_string).collect();
    let expected = [
        "metrics::uptime::unit: s → ms (thresholds and axes are in another unit)",
        "metrics::uptime::exposed::suffixed::name: uptime_seconds_total → uptime_milliseconds_total (queries of its name find nothing)",
    ];
    assert_eq!(told, expected);
}
