//! `etalon contract`.

use std::fs;
use std::path::Path;

use etalon_tests::run;
use serde_json::{Map, Value};

#[test]
fn show_prints_the_contract_in_each_format() {
    let json = run(&["contract", "show", "--format", "json"]);
    assert_eq!((json.code(), json.stderr.as_str()), (0, ""));
    let contract: Value = serde_json::from_str(&json.stdout).unwrap();
    let metrics = contract["metrics"].as_object().unwrap();
    assert!(metrics.contains_key("otelcol_receiver_accepted_spans"), "{metrics:?}");

    let yaml = run(&["contract", "show", "--format", "yaml"]);
    let version = contract["version"].as_str().unwrap();
    assert!(
        yaml.stdout.starts_with(&format!("name: etalon\nversion: {version}\nschema_url: ")),
        "{}",
        yaml.stdout
    );

    let registry: Value =
        serde_json::from_str(&run(&["contract", "show", "--format", "weaver"]).stdout).unwrap();
    assert_eq!(registry["file_format"], "resolved/2.0");
    assert_eq!(registry["schema_url"], contract["schema_url"]);
    let names = registry["registry"]["metrics"].as_array().unwrap().iter();
    assert!(names.map(|metric| metric["name"].as_str().unwrap()).eq(metrics.keys()), "{registry}");

    let page = run(&["contract", "show"]);
    assert!(page.stdout.starts_with(&format!("# Contract etalon {version}\n")), "{}", page.stdout);
    for metric in metrics.keys() {
        assert!(page.stdout.contains(&format!("### `{metric}` (")), "{metric} is not in\n{}", page.stdout);
    }
}

#[test]
fn show_names_metrics_as_the_exposition_that_was_asked_for_does() {
    let page = run(&["contract", "show", "--version", "current/prometheus-suffixed"]).stdout;
    assert!(page.contains("### `otelcol_receiver_accepted_spans_total` ("), "{page}");
    assert!(page.contains("- OTLP: `otelcol_receiver_accepted_spans`\n"), "{page}");
}

#[test]
fn show_says_which_contracts_there_are_when_it_does_not_know_the_name() {
    let failed = run(&["contract", "show", "--version", "curent"]);
    assert_eq!((failed.code(), failed.stdout.as_str()), (2, ""));
    assert!(
        failed.stderr.starts_with(
            "Error: no contract is called \"curent\"; did you mean \"current\"?; known are current"
        ),
        "{}",
        failed.stderr
    );
}

#[test]
fn diff_of_a_contract_and_itself_finds_nothing_and_succeeds() {
    let same = run(&["contract", "diff", "current", ""]);
    assert_eq!((same.code(), same.stderr.as_str()), (0, ""));
    assert!(same.stdout.ends_with(" are the same\n"), "{}", same.stdout);
}

#[test]
fn diff_tells_what_breaks_the_gravest_first_and_fails() {
    let diff = run(&["contract", "diff", "otelcol@0.118", "otelcol@0.119"]);
    assert_eq!(diff.code(), 1);
    let mut lines = diff.stdout.lines();
    let title = lines.next().unwrap();
    assert!(title.starts_with("otelcol 0.118.0 → otelcol 0.119.0: "), "{title}");
    let verdicts: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    let graveness =
        |verdict: &&str| ["forbidden", "breaking", "additive", "none"].iter().position(|v| v == verdict);
    assert!(verdicts.is_sorted_by_key(|verdict| graveness(verdict).unwrap()), "{verdicts:?}");
    let renamed = "metrics::otelcol_exporter_sent_spans::exposed::explicit::name: otelcol_exporter_sent_spans → otelcol_exporter_sent_spans_total (queries of its name find nothing)";
    assert!(diff.stdout.contains(renamed), "{}", diff.stdout);
    let broken = verdicts.iter().filter(|verdict| ["forbidden", "breaking"].contains(verdict)).count();
    let told = format!("Error: {broken} of {} changes break what otelcol@0.118 promises\n", verdicts.len());
    assert_eq!(diff.stderr, told);
}

#[test]
fn diff_is_data_and_a_table_too() {
    let arguments = ["contract", "diff", "otelcol@0.156", "otelcol@0.157", "--format"];
    let json = run(&[&arguments[..], &["json"]].concat());
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code(), &document["new"]["version"]), (1, &Value::from("0.157.0")));
    let changes = document["changes"].as_array().unwrap();
    let buckets = changes.iter().find(|change| change["rule"] == "buckets_changed").unwrap();
    assert_eq!((&buckets["verdict"], &buckets["stability"]), (&"breaking".into(), &"development".into()));

    let table = run(&[&arguments[..], &["md"]].concat());
    assert_eq!(table.code(), 1);
    let row = format!("| breaking | `{}` | [", buckets["path"].as_str().unwrap());
    assert!(table.stdout.contains(&row), "{row} is not in\n{}", table.stdout);
}

#[test]
fn diff_with_only_additions_succeeds() {
    let diff = run(&["contract", "diff", "otelcol@0.125", "otelcol@0.126", "--format", "json"]);
    let document: Value = serde_json::from_str(&diff.stdout).unwrap();
    assert_eq!((diff.code(), &document["bump"]), (0, &Value::from("minor")), "{}", diff.stdout);
}

#[test]
fn diff_of_an_exposition_tells_what_a_reader_sees_who_moves_from_it_to_another() {
    let diff = |new: &str| run(&["contract", "diff", "otelcol@0.151/default", new, "--format", "json"]);
    let moved: Value = serde_json::from_str(&diff("otelcol@0.151/explicit").stdout).unwrap();
    let changes = moved["changes"].as_array().unwrap();
    let is_renamed = |change: &Value| {
        change["path"] == "metrics::otelcol_exporter_sent_spans::exposed::default::name"
            && change["new"] == "otelcol_exporter_sent_spans_total"
    };
    assert!(changes.iter().any(is_renamed), "{changes:#?}");
    let stayed = diff("otelcol@0.151/default");
    assert_eq!(stayed.code(), 0, "{}", stayed.stdout);
}

#[test]
fn each_metric_of_the_go_collector_is_here_alike_or_the_book_says_that_it_is_not() {
    let metrics = |version: &str| -> Map<String, Value> {
        let shown = run(&["contract", "show", "--format", "json", "--version", version]).stdout;
        let contract: Value = serde_json::from_str(&shown).unwrap();
        contract["metrics"].as_object().unwrap().clone()
    };
    let (there, here) = (metrics("otelcol@0.159"), metrics("current"));
    let missing = named_as_missing();
    assert!(missing.len() > 5 && there.len() > 50, "{missing:?}");
    let is_missing = |name: &str| missing.iter().any(|pattern| matches(pattern, name));
    for (name, theirs) in &there {
        let Some(ours) = here.get(name) else {
            assert!(is_missing(name), "the book does not say that there is no {name}");
            continue;
        };
        assert!(!is_missing(name), "the book says that there is no {name}");
        assert_eq!(ours["instrument"], theirs["instrument"], "{name}");
        for field in ["value_type", "buckets"] {
            let of = |metric: &Value| metric["annotations"]["contract"][field].clone();
            assert_eq!(of(ours), of(theirs), "{name}: {field}");
        }
    }
    for pattern in &missing {
        assert!(there.keys().any(|name| matches(pattern, name)), "the Go collector has no {pattern}");
    }
}

/// The first column of the table of the book.
fn named_as_missing() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/use/from-go-collector.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, table) = page.split_once("## Metrics that are not here").expect("the section");
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Whether a name is what a pattern, with one `*` at most, stands for.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}
