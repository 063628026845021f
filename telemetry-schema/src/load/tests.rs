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
    let model = "file_format: definition/2\nmetrics:\n  - name: etalon_a\n    brief: A.\n    instrument: counter\n    unit: s\n    levle: basic\n";
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
            model/a.yaml:3:10: attributes::0::key: kind: nothing has it: no metric, event, span or entity
               |
             3 |   - key: kind
               |          ^^^^
            model/a.yaml:7:10: attributes::1::key: kind: nothing has it: no metric, event, span or entity
               |
             7 |   - key: kind
               |          ^^^^
            model/a.yaml:15:18: events::0::attributes::0: a.b: no attribute is called "color"
                |
             15 |     attributes: [{
                |                  ^"#]],
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
    let metric = "  - name: etalon_a\n    brief: A.\n    instrument: counter\n    unit: s\n    stability: beta\n    attributes: [{ref: kind, requirement_level: required}]\n    annotations: {contract: {since: 0.1.0, level: basic, value_type: int, presence: at_start, recorded: at once, binding: {group: g, name: a, given: [kind]}}}\n";
    let kind = "  - key: kind\n    type: string\n    brief: Kind.\n    stability: beta\n    annotations: {contract: {domain: process}}\n";
    let model = format!("file_format: definition/2\nattributes:\n{kind}metrics:\n{metric}");
    check(
        &[("model/a.yaml", &model)],
        &expect![[r#"
            model/a.yaml:15:131: metrics::0::annotations::contract::binding::group: etalon_a: no group is called "g"
                |
             15 | group: g
                |        ^
            model/a.yaml:15:150: metrics::0::annotations::contract::binding::given: etalon_a: "kind" is given, and therefore an attribute of it and an enumeration
                |
             15 | given: [kind]}}}
                |        ^"#]],
    );
}

#[test]
fn what_a_metric_must_have_depends_on_what_it_is() {
    let model = r#"file_format: definition/2
attributes:
  - {key: kind, type: string, brief: Kind., stability: beta, annotations: {contract: {domain: unbounded}}}
  - {key: spare, type: {members: [{id: a, value: a, brief: A., stability: beta}, {id: b, value: a, brief: B., stability: beta}]}, brief: Spare., stability: beta}
metrics:
  - name: otelcol_sent
    brief: Sent.
    instrument: histogram
    unit: s
    stability: stable
    attributes: [{ref: kind, requirement_level: recommended}, {ref: kidn, requirement_level: required}]
    deprecated: {reason: renamed, renamed_to: otelcol_snet}
    annotations:
      contract: {since: 0.2.0, removed_in: 0.1.0, level: basic, value_type: int, presence: at_start, recorded: once, invariants: [all], alert: rate(, upstream: {relation: same}}
  - name: process_sent
    brief: Sent.
    instrument: counter
    unit: s
    stability: beta
    annotations:
      contract: {since: 0.1.0, level: basic, value_type: int, buckets: [2, 1], presence: at_start, recorded: once, tests: [sent]}
"#;
    check(
        &[("model/a.yaml", model)],
        &expect![[r#"
            model/a.yaml:4:11: attributes::1::key: spare: nothing has it: no metric, event, span or entity
               |
             4 |   - {key: spare
               |           ^^^^^
            model/a.yaml:4:82: attributes::1::type::members::1: spare: has "a" already
               |
             4 | {
               | ^
            model/a.yaml:11:63: metrics::0::attributes::1: otelcol_sent: no attribute is called "kidn"; did you mean "kind"?
                |
             11 | {
                | ^
            model/a.yaml:14:17: metrics::0::annotations::contract::tests: otelcol_sent: a stable metric names a test of its meaning
                |
             14 |       contract: {
                |                 ^
            model/a.yaml:14:17: metrics::0::annotations::contract::how_to_use: otelcol_sent: a stable metric says how to use it
                |
             14 |       contract: {
                |                 ^
            model/a.yaml:14:17: metrics::0::annotations::contract::buckets: otelcol_sent: a histogram has buckets, and nothing else has
                |
             14 |       contract: {
                |                 ^
            model/a.yaml:14:131: metrics::0::annotations::contract::invariants::0: otelcol_sent: no invariant is called "all"
                |
             14 | all]
                | ^^^
            model/a.yaml:11:18: metrics::0::attributes::0: otelcol_sent: nothing bounds the values of "kind"
                |
             11 |     attributes: [{
                |                  ^
            model/a.yaml:11:49: metrics::0::attributes::0::requirement_level: otelcol_sent: "kind" of a stable metric is required or opt_in
                |
             11 | requirement_level: recommended}
                |                    ^^^^^^^^^^^
            model/a.yaml:14:144: metrics::0::annotations::contract::alert: otelcol_sent: is no PromQL: expected an expression, found the end of the expression
                |
             14 | alert: rate(
                |        ^^^^^
            model/a.yaml:14:161: metrics::0::annotations::contract::upstream: otelcol_sent: names a metric, or says that its relation to any is none
                |
             14 | upstream: {
                |           ^
            model/a.yaml:14:25: metrics::0::annotations::contract::since: otelcol_sent: 0.2.0 is after 0.1.0, which is the version of this contract
                |
             14 |       contract: {since: 0.2.0
                |                         ^^^^^
            model/a.yaml:12:17: metrics::0::deprecated: otelcol_sent: its new name "otelcol_snet" is not declared; did you mean "otelcol_sent"?
                |
             12 |     deprecated: {
                |                 ^
            model/a.yaml:12:17: metrics::0::deprecated: otelcol_sent: deprecated and deprecated_since go together
                |
             12 |     deprecated: {
                |                 ^
            model/a.yaml:14:44: metrics::0::annotations::contract::removed_in: otelcol_sent: only what is deprecated is removed, after deprecated_since
                |
             14 | removed_in: 0.1.0
                |             ^^^^^
            model/a.yaml:6:11: metrics::0::name: otelcol_sent: begins with otelcol_, but upstream names no metric of this name: call it etalon_…
               |
             6 |   - name: otelcol_sent
               |           ^^^^^^^^^^^^
            model/a.yaml:21:124: metrics::1::annotations::contract::tests::0: process_sent: "sent" is no test: write program::test
                |
             21 | sent]}
                | ^^^^
            model/a.yaml:21:72: metrics::1::annotations::contract::buckets: process_sent: a histogram has buckets, and nothing else has
                |
             21 | buckets: [
                |          ^
            model/a.yaml:21:72: metrics::1::annotations::contract::buckets: process_sent: buckets must grow
                |
             21 | buckets: [
                |          ^
            model/a.yaml:15:11: metrics::1::name: process_sent: must begin with etalon_, or with otelcol_ where upstream has it
                |
             15 |   - name: process_sent
                |           ^^^^^^^^^^^^"#]],
    );
}

#[test]
fn what_readers_would_see_twice_is_told() {
    let twice =
        "[{ref: server.port, requirement_level: required}, {ref: server_port, requirement_level: required}]";
    let of = |name: &str, instrument: &str, unit: &str, more: &str| {
        let labels = if name == "etalon_wait" { twice } else { "[]" };
        format!(
            "  - name: {name}\n    brief: A.\n    instrument: {instrument}\n    unit: {unit}\n    stability: beta\n    attributes: {labels}\n    annotations: {{contract: {{since: 0.1.0, level: basic, value_type: int, presence: at_start, recorded: once{more}}}}}\n"
        )
    };
    let key = |key: &str| {
        format!(
            "  - {{key: {key}, type: string, brief: Port., stability: beta, annotations: {{contract: {{domain: destination}}}}}}\n"
        )
    };
    let model = [
        "file_format: definition/2\nattributes:\n",
        &key("server.port"),
        &key("server_port"),
        "metrics:\n",
        &of("etalon_wait", "histogram", "s", ", buckets: [1]"),
        &of("etalon_wait.count", "gauge", "s", ""),
        &of("etalon_sent", "counter", "\"{item}\"", ""),
        &of("etalon_sent_total", "gauge", "\"1\"", ""),
        &of("etalon_uptime", "gauge", "s", ""),
        &of("etalon_uptime_seconds", "gauge", "\"1\"", ""),
    ]
    .concat();
    let preamble = "name: etalon\nexpositions: [{id: plain}, {id: suffixed, unit_suffix: true}]\n";
    check(
        &[("contract.yaml", preamble), ("model/a.yaml", &model)],
        &expect![[r#"
            model/a.yaml:6:11: metrics::0::name: etalon_wait: etalon_wait.count has samples called etalon_wait_count in plain, too
               |
             6 |   - name: etalon_wait
               |           ^^^^^^^^^^^
            model/a.yaml:11:17: metrics::0::attributes: etalon_wait: two labels are called server_port in plain
                |
             11 |     attributes: [
                |                 ^
            model/a.yaml:13:11: metrics::1::name: etalon_wait.count: etalon_wait has samples called etalon_wait_count in plain, too
                |
             13 |   - name: etalon_wait.count
                |           ^^^^^^^^^^^^^^^^^
            model/a.yaml:20:11: metrics::2::name: etalon_sent: etalon_sent_total has samples called etalon_sent_total in plain, too
                |
             20 |   - name: etalon_sent
                |           ^^^^^^^^^^^
            model/a.yaml:27:11: metrics::3::name: etalon_sent_total: etalon_sent has samples called etalon_sent_total in plain, too
                |
             27 |   - name: etalon_sent_total
                |           ^^^^^^^^^^^^^^^^^
            model/a.yaml:34:11: metrics::4::name: etalon_uptime: etalon_uptime_seconds has samples called etalon_uptime_seconds in suffixed, too
                |
             34 |   - name: etalon_uptime
                |           ^^^^^^^^^^^^^
            model/a.yaml:41:11: metrics::5::name: etalon_uptime_seconds: etalon_uptime has samples called etalon_uptime_seconds in suffixed, too
                |
             41 |   - name: etalon_uptime_seconds
                |           ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn what_an_event_and_a_span_must_have_depends_on_what_they_are() {
    let model = r#"file_format: definition/2
attributes:
  - {key: exporter, type: string, brief: Exporter., stability: beta, examples: [otlp_grpc]}
events:
  - name: Dropped
    brief: Items are lost.
    stability: stable
    attributes: [{ref: exporter, requirement_level: required}, {ref: exporter, requirement_level: required}]
    deprecated: {reason: renamed, renamed_to: data.droped}
    annotations: {contract: {since: 0.1.0, severity: warn, message: "", sampled: true, recorded: at once}}
  - name: data.dropped
    brief: Items are lost.
    stability: beta
    deprecated: {reason: obsoleted, note: Look at the metrics.}
    annotations: {contract: {since: 0.1.0, deprecated_since: 0.0.9, severity: error, message: Lost, sampled: true, recorded: at once}}
spans:
  - type: export
    kind: client
    name: {note: "export {exportr} of {exporter}"}
    brief: A request.
    stability: beta
    attributes: [{ref: exporter, requirement_level: required}]
    annotations: {contract: {since: 0.1.0, name_pattern: "export [a-z]+", status: never, recorded: from to, events: [retry, retry]}}
  - type: other
    kind: client
    name: {note: "export {exporter"}
    brief: A request.
    stability: stable
    annotations: {contract: {since: 0.1.0, name_pattern: "export (", status: never, recorded: from to}}
  - type: third
    kind: client
    name: {note: export}
    brief: A request.
    stability: beta
    annotations: {contract: {since: 0.1.0, name_pattern: "export (", status: never, recorded: from to}}
entities:
  - {type: service, brief: The collector., stability: beta, identity: []}
"#;
    check(
        &[("model/a.yaml", model)],
        &expect![[r#"
            model/a.yaml:5:11: events::0::name: Dropped: must be words in lower case, joined by dots
               |
             5 |   - name: Dropped
               |           ^^^^^^^
            model/a.yaml:8:64: events::0::attributes::1: Dropped: has "exporter" already
               |
             8 | {
               | ^
            model/a.yaml:10:29: events::0::annotations::contract::tests: Dropped: a stable event names a test of its meaning
                |
             10 |     annotations: {contract: {
                |                             ^
            model/a.yaml:10:29: events::0::annotations::contract::how_to_use: Dropped: a stable event says how to use it
                |
             10 |     annotations: {contract: {
                |                             ^
            model/a.yaml:9:17: events::0::deprecated: Dropped: its new name "data.droped" is not declared; did you mean "data.dropped"?
               |
             9 |     deprecated: {
               |                 ^
            model/a.yaml:9:17: events::0::deprecated: Dropped: deprecated and deprecated_since go together
               |
             9 |     deprecated: {
               |                 ^
            model/a.yaml:10:69: events::0::annotations::contract::message: Dropped: must say what has happened
                |
             10 | message: ""
                |          ^^
            model/a.yaml:10:82: events::0::annotations::contract::sampled: Dropped: a stable event is always told
                |
             10 | sampled: true
                |          ^^^^
            model/a.yaml:15:62: events::1::annotations::contract::deprecated_since: data.dropped: is before 0.1.0, since when it is there
                |
             15 | deprecated_since: 0.0.9
                |                   ^^^^^
            model/a.yaml:19:18: spans::0::name::note: export: {exportr} is no attribute of it; did you mean "exporter"?
                |
             19 |     name: {note: "export {exportr} of {exporter}"}
                |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            model/a.yaml:23:58: spans::0::annotations::contract::name_pattern: export: does not match "export exportr of otlp_grpc", which the template makes
                |
             23 | name_pattern: "export [a-z]+"
                |               ^^^^^^^^^^^^^^^
            model/a.yaml:23:125: spans::0::annotations::contract::events::1: export: has "retry" already
                |
             23 | retry]}}
                | ^^^^^
            model/a.yaml:29:29: spans::1::annotations::contract::tests: other: a stable span names a test of its meaning
                |
             29 |     annotations: {contract: {
                |                             ^
            model/a.yaml:29:29: spans::1::annotations::contract::how_to_use: other: a stable span says how to use it
                |
             29 |     annotations: {contract: {
                |                             ^
            model/a.yaml:26:18: spans::1::name::note: other: has a brace without its partner
                |
             26 |     name: {note: "export {exporter"}
                |                  ^^^^^^^^^^^^^^^^^^
            model/a.yaml:35:58: spans::2::annotations::contract::name_pattern: third: is no regular expression: regex parse error:\u000a    export (\u000a           ^\u000aerror: unclosed group
                |
             35 | name_pattern: "export ("
                |               ^^^^^^^^^^
            model/a.yaml:37:71: entities::0::identity: service: something must tell one from another
                |
             37 | identity: []}
                |           ^"#]],
    );
}
