//! `etalon contract lint`.

use etalon_tests::run;
use serde_json::Value;

const SUFFIXED: &str = "rate(otelcol_exporter_sent_spans_total[5m])";

/// A folder with a rule file that asks for [`SUFFIXED`], and the path of the file.
fn rules() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yaml");
    let rules =
        format!("groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: {SUFFIXED} == 0\n");
    std::fs::write(&path, rules).expect("a file can be written");
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn lint_says_by_its_status_whether_files_fit_do_not_or_cannot_be_read() {
    let (folder, path) = rules();
    let fits = run(&["contract", "lint", &path, "--contract", "otelcol@0.128/explicit"]);
    assert_eq!((fits.code(), fits.stderr.as_str()), (0, ""), "{}", fits.stdout);

    let does_not = run(&["contract", "lint", &path]);
    assert_eq!((does_not.code(), does_not.stderr.as_str()), (1, ""));
    assert!(
        does_not.stdout.starts_with(&format!(
            "{path}:5:20: error[unknown-metric]: current: there is no metric \"otelcol_exporter_sent_spans_total\""
        )),
        "{}",
        does_not.stdout
    );

    let broken = folder.path().join("broken.yaml").display().to_string();
    std::fs::write(&broken, "groups: [").unwrap();
    let broken = run(&["contract", "lint", &broken, &path]);
    assert_eq!((broken.code(), broken.stderr.as_str()), (2, ""));
    assert!(broken.stdout.contains("broken.yaml:2:1: not valid YAML: "), "{}", broken.stdout);
    assert!(broken.stdout.contains("rules.yaml:5:20: error"), "{}", broken.stdout);

    let missing = run(&["contract", "lint", "missing.yaml"]);
    assert_eq!((missing.code(), missing.stdout.as_str()), (2, ""));
    assert!(missing.stderr.starts_with("Error: cannot read missing.yaml: "), "{}", missing.stderr);
}

#[test]
fn lint_tells_what_breaks_on_a_move_and_nothing_else_twice() {
    let (_folder, path) = rules();
    let moved =
        run(&["contract", "lint", &path, "--contract", "otelcol@0.128/explicit", "--against", "current"]);
    assert_eq!(moved.code(), 1);
    assert_eq!(moved.stdout.matches("error[").count(), 1, "{}", moved.stdout);
    assert!(moved.stdout.contains("error[unknown-metric]: current: "), "{}", moved.stdout);

    let both = run(&["contract", "lint", &path, "--contract", "otelcol@0.152", "--against", "current"]);
    assert_eq!(both.stdout.matches("error[").count(), 1, "{}", both.stdout);
}

#[test]
fn lint_rewrites_files_when_it_is_asked_to_and_only_then() {
    let (_folder, path) = rules();
    let before = std::fs::read_to_string(&path).unwrap();
    run(&["contract", "lint", &path]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);

    let fixed = run(&["contract", "lint", &path, "--fix"]);
    assert_eq!(fixed.code(), 0, "{}", fixed.stdout);
    assert!(fixed.stdout.contains(&format!("note: names rewritten in {path}: 1\n")), "{}", fixed.stdout);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before.replace("_total", ""));
}

#[test]
fn lint_checks_expressions_of_the_command_line_and_prints_for_programs() {
    let args = ["contract", "lint", "--expr", SUFFIXED, "--format", "json"];
    let report: Value = serde_json::from_str(&run(&args).stdout).unwrap();
    assert_eq!(report["findings"][0]["rule"], "unknown-metric");
    assert_eq!(report["contracts"][0], "current");

    let args = ["contract", "lint", "--expr", SUFFIXED, "--format", "sarif"];
    let report: Value = serde_json::from_str(&run(&args).stdout).unwrap();
    assert_eq!(report["version"], "2.1.0");
    assert_eq!(report["runs"][0]["results"][0]["ruleId"], "unknown-metric");
}

#[test]
fn lint_takes_the_level_the_labels_and_the_variables_of_the_user() {
    let found = |more: &[&str]| {
        let expr = r#"rate(otelcol_exporter_enqueue_size_count{team="a", exporter=~"${x}"}[5m])"#;
        let args = ["contract", "lint", "--contract", "otelcol@0.159", "--format", "json", "--expr", expr];
        let report: Value = serde_json::from_str(&run(&[&args, more].concat()).stdout).unwrap();
        let rules = report["findings"].as_array().unwrap().iter();
        rules.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]), ["unverifiable"]);
    assert_eq!(found(&["--variable", "x=otlp"]), ["level", "unknown-label"]);
    assert_eq!(found(&["--variable", "x=otlp", "--level", "detailed"]), ["unknown-label"]);
    let all = ["--variable", "x=otlp", "--level", "detailed", "--target-label", "team"];
    assert_eq!(found(&all), Vec::<String>::new());
}
