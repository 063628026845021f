#![allow(clippy::needless_raw_string_hashes, reason = "the snapshots are written by expect-test")]

use expect_test::{Expect, expect};

use super::*;

/// The problems of a folder with these files beside a manifest that is right, with names from the folder on.
fn problems(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("model")).unwrap();
    let defaults = [
        ("manifest.yaml", "schema_url: https://etalon.example/schemas/etalon/0.1.0\n"),
        ("contract.yaml", "name: etalon\nexpositions: [{id: prometheus}]\n"),
    ];
    for (name, text) in defaults.iter().chain(files) {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let told = load(folder.path()).unwrap_err().to_string();
    told.replace(&format!("{}/", folder.path().display()), "")
}

fn check(files: &[(&str, &str)], expected: &Expect) {
    expected.assert_eq(&problems(files));
}

#[test]
fn the_contract_of_the_tree_is_valid() {
    let contract = load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(contract.name, "etalon");
    assert!(contract.metrics.contains_key("otelcol_receiver_accepted_spans"));
}

#[test]
fn a_missing_and_an_unknown_key_are_told_with_their_places() {
    let model = "file_format: definition/2\nmetrics:\n  - name: a\n    brief: A.\n    instrument: counter\n    unit: s\n    levle: basic\n";
    check(
        &[("model/a.yaml", model)],
        &expect![[r#"
            model/a.yaml:3:5: metrics::0: the key "stability" is missing
               |
             3 |   - name
               |     ^
            model/a.yaml:7:5: metrics::0: unknown key "levle"; valid keys are "annotations", "attributes", "brief", "deprecated", "instrument", "name", "note", "stability" and "unit"
               |
             7 |     levle
               |     ^^^^^"#]],
    );
}

#[test]
fn what_is_referred_to_must_be_declared_once() {
    let attribute = "  - key: kind\n    type: string\n    brief: Kind.\n    stability: stable\n";
    let model = format!(
        "file_format: definition/2\nattributes:\n{attribute}{attribute}events:\n  - name: a.b\n    brief: A.\n    stability: beta\n    attributes: [{{ref: color, requirement_level: required}}]\n    annotations: {{contract: {{since: 0.1.0, severity: info, message: A, recorded: at once}}}}\n"
    );
    check(
        &[("model/a.yaml", &model)],
        &expect![[r#"
            model/a.yaml:7:5: attributes::1: kind is declared twice
               |
             7 |   - key
               |     ^
            model/a.yaml:12:5: events::0: no attribute is called "color"
                |
             12 |   - name
                |     ^"#]],
    );
}

#[test]
fn the_version_is_part_of_the_url_and_there_is_an_exposition() {
    let files =
        [("manifest.yaml", "schema_url: https://etalon.example\n"), ("contract.yaml", "name: etalon\n")];
    check(
        &files,
        &expect![[r#"
            manifest.yaml:1:13: schema_url: must end with a version, as in …/etalon/0.1.0: unexpected character 'e' while parsing major version number
               |
             1 | schema_url: https://etalon.example
               |             ^^^^^^^^^^^^^^^^^^^^^^
            contract.yaml:1:1: expositions: at least one must be declared
               |
             1 | name
               | ^"#]],
    );
}

#[test]
fn what_binds_a_metric_must_exist() {
    let metric = "  - name: a\n    brief: A.\n    instrument: counter\n    unit: s\n    stability: beta\n    attributes: [{ref: kind, requirement_level: required}]\n    annotations: {contract: {since: 0.1.0, level: basic, value_type: int, presence: at_start, recorded: at once, binding: {group: g, name: a, given: [kind]}}}\n";
    let kind = "  - key: kind\n    type: string\n    brief: Kind.\n    stability: beta\n    annotations: {contract: {domain: process}}\n";
    let model = format!("file_format: definition/2\nattributes:\n{kind}metrics:\n{metric}");
    check(
        &[("model/a.yaml", &model)],
        &expect![[r#"
        model/a.yaml:9:5: metrics::0: a: no group is called "g"
           |
         9 |   - name
           |     ^
        model/a.yaml:9:5: metrics::0: a: "kind" is given, and therefore an attribute of it and an enumeration
           |
         9 |   - name
           |     ^"#]],
    );
}
