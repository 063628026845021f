//! The crates depend on one another only as `collector/crate-edges.txt` says.

#![expect(clippy::unwrap_used, reason = "a test stops where its assumptions do not hold")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

type Edges = BTreeMap<String, BTreeSet<String>>;

#[test]
fn crates_depend_on_one_another_only_as_the_committed_list_says() {
    let allowed = allowed_edges();
    let mut problems = Vec::new();
    for (name, dependencies) in actual_edges() {
        let Some(allowed) = allowed.get(&name) else {
            problems.push(format!("{name} is not listed"));
            continue;
        };
        for dependency in dependencies.difference(allowed) {
            problems.push(format!("{name} must not depend on {dependency}"));
        }
    }
    assert!(problems.is_empty(), "see collector/crate-edges.txt:\n{}", problems.join("\n"));
}

#[test]
fn no_listed_edge_goes_up() {
    let mut above = BTreeSet::new();
    for (name, dependencies) in listed_in_order() {
        let up: Vec<_> = dependencies.iter().filter(|dependency| !above.contains(*dependency)).collect();
        assert!(up.is_empty(), "{name} is listed before what it depends on: {up:?}");
        above.insert(name);
    }
}

#[test]
fn only_the_telemetry_crate_can_name_an_instrument_of_opentelemetry() {
    let (_, others) = dependencies();
    for (name, dependencies) in others.iter().filter(|(name, _)| *name != "etalon-telemetry") {
        let found: Vec<_> = dependencies.iter().filter(|name| name.starts_with("opentelemetry")).collect();
        assert!(
            found.is_empty(),
            "{name} must not depend on {found:?}: what it tells is declared in telemetry-schema"
        );
    }
}

fn allowed_edges() -> Edges {
    listed_in_order().into_iter().collect()
}

fn listed_in_order() -> Vec<(String, BTreeSet<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/crate-edges.txt");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, dependencies) = line.split_once(':').expect("`crate: dependencies`");
            (name.to_owned(), dependencies.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

fn actual_edges() -> Edges {
    dependencies().0
}

/// What each crate depends on, without its tests: of ours, and of others.
fn dependencies() -> (Edges, Edges) {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name_of = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name_of).collect();
    let normal = |package: &Value| -> (BTreeSet<String>, BTreeSet<String>) {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        dependencies.filter(|d| d["kind"].is_null()).map(name_of).partition(|name| ours.contains(name))
    };
    let of_each = packages.iter().map(|package| (name_of(package), normal(package)));
    of_each.map(|(name, (of_ours, others))| ((name.clone(), of_ours), (name, others))).unzip()
}
