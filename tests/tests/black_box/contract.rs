//! `etalon contract`.

use etalon_tests::run;
use serde_json::Value;

#[test]
fn show_prints_the_contract_in_each_format() {
    let json = run(&["contract", "show", "--format", "json"]);
    assert_eq!((json.code(), json.stderr.as_str()), (0, ""));
    let contract: Value = serde_json::from_str(&json.stdout).unwrap();
    let metrics = contract["metrics"].as_object().unwrap();
    assert!(metrics.contains_key("otelcol_receiver_accepted_spans"), "{metrics:?}");

    let yaml = run(&["contract", "show", "--format", "yaml"]);
    let version = contract["version"].as_str().unwrap();
    assert!(yaml.stdout.starts_with(&format!("name: etalon\nversion: {version}\n")), "{}", yaml.stdout);

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
    assert_eq!((failed.code(), failed.stdout.as_str()), (1, ""));
    assert!(
        failed.stderr.starts_with(
            "Error: no contract is called \"curent\"; did you mean \"current\"?; known are current"
        ),
        "{}",
        failed.stderr
    );
}
