//! The alerts that users of the Go collector took from its documentation and that stopped to fire.

use super::*;

const ALERTS: &str = r#"groups:
  - name: collector
    rules:
      - alert: ExporterErrors
        expr: rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
        for: 15m
      - alert: ReceiverErrors
        expr: rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
        for: 5m
      - alert: QueueNearCapacity
        expr: sum(otelcol_exporter_queue_size{exporter="googlecloud"}) / sum(otelcol_exporter_queue_capacity{exporter="googlecloud"}) > 0.8
        for: 5m
"#;

#[test]
fn before_the_suffixes_the_alerts_never_fired() {
    check(
        "rules.yaml",
        ALERTS,
        "otelcol@0.118",
        &expect![[r#"
            rules.yaml:5:20: error[unknown-metric]: otelcol@0.118: there is no metric "otelcol_exporter_send_failed_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_send_failed_spans
              = in groups[0].rules[0].expr ("ExporterErrors")
            rules.yaml:8:20: error[unknown-metric]: otelcol@0.118: there is no metric "otelcol_receiver_refused_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_receiver_refused_spans
              = in groups[0].rules[1].expr ("ReceiverErrors")
            3 expressions against otelcol@0.118: 2 errors, 0 warnings, 0 notes
        "#]],
    );
}

#[test]
fn with_a_configured_reader_they_fired() {
    check(
        "rules.yaml",
        ALERTS,
        "otelcol@0.128/explicit",
        &expect![[r#"
        rules.yaml:5:20: note[absent-series]: otelcol@0.128/explicit: otelcol_exporter_send_failed_spans_total has no series before the first request of the signal
          | rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
          |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = rate and increase do not see what comes with the first sample
          = in groups[0].rules[0].expr ("ExporterErrors")
        rules.yaml:8:20: note[absent-series]: otelcol@0.128/explicit: otelcol_receiver_refused_spans_total has no series before the first request of the signal
          | rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
          |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = rate and increase do not see what comes with the first sample
          = in groups[0].rules[1].expr ("ReceiverErrors")
        3 expressions against otelcol@0.128/explicit: 0 errors, 0 warnings, 2 notes
    "#]],
    );
}

#[test]
fn with_the_unit_in_the_name_they_stopped() {
    check(
        "rules.yaml",
        ALERTS,
        "otelcol@0.130/explicit",
        &expect![[r#"
            rules.yaml:5:20: error[unknown-metric]: otelcol@0.130/explicit: there is no metric "otelcol_exporter_send_failed_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_send_failed_spans__spans__total
              = in groups[0].rules[0].expr ("ExporterErrors")
            rules.yaml:8:20: error[unknown-metric]: otelcol@0.130/explicit: there is no metric "otelcol_receiver_refused_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_receiver_refused_spans__spans__total
              = in groups[0].rules[1].expr ("ReceiverErrors")
            rules.yaml:11:19: error[unknown-metric]: otelcol@0.130/explicit: there is no metric "otelcol_exporter_queue_size"; it is in otelcol@0.118 and later, otelcol@0.118/explicit until 0.130, otelcol@0.130.1/explicit and later
              | sum(otelcol_exporter_queue_size{exporter="googlecloud"}) / sum(otelcol_exporter_queue_capacity{exporter="googlecloud"}) > 0.8
              |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_queue_size__batches_
              = in groups[0].rules[2].expr ("QueueNearCapacity")
            rules.yaml:11:78: error[unknown-metric]: otelcol@0.130/explicit: there is no metric "otelcol_exporter_queue_capacity"; it is in otelcol@0.118 and later, otelcol@0.118/explicit until 0.130, otelcol@0.130.1/explicit and later
              | sum(otelcol_exporter_queue_size{exporter="googlecloud"}) / sum(otelcol_exporter_queue_capacity{exporter="googlecloud"}) > 0.8
              |                                                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_queue_capacity__batches_
              = in groups[0].rules[2].expr ("QueueNearCapacity")
            3 expressions against otelcol@0.130/explicit: 4 errors, 0 warnings, 0 notes
        "#]],
    );
}

#[test]
fn without_the_suffixes_they_stopped_again() {
    check(
        "rules.yaml",
        ALERTS,
        "otelcol@0.152/explicit",
        &expect![[r#"
            rules.yaml:5:20: error[unknown-metric]: otelcol@0.152/explicit: there is no metric "otelcol_exporter_send_failed_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_send_failed_spans
              = in groups[0].rules[0].expr ("ExporterErrors")
            rules.yaml:8:20: error[unknown-metric]: otelcol@0.152/explicit: there is no metric "otelcol_receiver_refused_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_receiver_refused_spans
              = in groups[0].rules[1].expr ("ReceiverErrors")
            3 expressions against otelcol@0.152/explicit: 2 errors, 0 warnings, 0 notes
        "#]],
    );
    check(
        "rules.yaml",
        ALERTS,
        "otelcol@0.152",
        &expect![[r#"
            rules.yaml:5:20: error[unknown-metric]: otelcol@0.152: there is no metric "otelcol_exporter_send_failed_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_send_failed_spans
              = in groups[0].rules[0].expr ("ExporterErrors")
            rules.yaml:8:20: error[unknown-metric]: otelcol@0.152: there is no metric "otelcol_receiver_refused_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_receiver_refused_spans
              = in groups[0].rules[1].expr ("ReceiverErrors")
            3 expressions against otelcol@0.152: 2 errors, 0 warnings, 0 notes
        "#]],
    );
}

#[test]
fn ours_says_what_to_write() {
    check(
        "rules.yaml",
        ALERTS,
        "etalon",
        &expect![[r#"
            rules.yaml:5:20: error[unknown-metric]: etalon: there is no metric "otelcol_exporter_send_failed_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_exporter_send_failed_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_send_failed_spans
              = in groups[0].rules[0].expr ("ExporterErrors")
            rules.yaml:8:20: error[unknown-metric]: etalon: there is no metric "otelcol_receiver_refused_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_receiver_refused_spans_total{job="opentelemetry-collector"}[5m]) > 0
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_receiver_refused_spans
              = in groups[0].rules[1].expr ("ReceiverErrors")
            3 expressions against etalon: 2 errors, 0 warnings, 0 notes
        "#]],
    );
}

#[test]
fn the_fixes_make_them_right() {
    let (prepared, report) = report("rules.yaml", ALERTS, "otelcol@0.152/explicit");
    let (text, number) = fixed(&prepared.files()[0], &report).unwrap();
    assert_eq!(number, 2);
    assert_eq!(text, ALERTS.replace("_total", ""));
    assert_eq!(told("rules.yaml", &text, "otelcol@0.152/explicit").matches("error[").count(), 0);
}

#[test]
fn names_that_recording_rules_define_are_known() {
    let rules = r#"groups:
  - name: collector
    rules:
      - record: otelcol_sent:rate5m
        expr: sum without (instance) (rate(otelcol_exporter_sent_spans[5m]))
      - alert: Nothing
        expr: otelcol_sent:rate5m == 0
      - alert: Other
        expr: otelcol_other:rate5m == 0
"#;
    check(
        "rules.yaml",
        rules,
        "otelcol@0.159",
        &expect![[r#"
            rules.yaml:9:15: warning[unknown-metric]: otelcol@0.159: there is no metric "otelcol_other:rate5m"
              | otelcol_other:rate5m == 0
              | ^^^^^^^^^^^^^^^^^^^^
              = a component from outside of the collector may have it
              = in groups[0].rules[2].expr ("Other")
            3 expressions against otelcol@0.159: 0 errors, 1 warning, 0 notes
        "#]],
    );
}

#[test]
fn every_style_of_a_yaml_text_has_its_caret_and_its_fix() {
    let rules = r#"namespace: team
groups:
- name: a
  rules:
  - alert: Block
    expr: |
      sum by (exporter) (
        rate(otelcol_exporter_sent_spans_total[5m])
      ) > 0
  - alert: Folded
    expr: >-
      rate(otelcol_exporter_sent_spans_total[5m])
      > 0
  - alert: Single
    expr: 'rate(otelcol_exporter_sent_spans_total{exporter=~".+"}[5m]) > 0'
  - alert: Double
    expr: "rate(otelcol_exporter_sent_spans_total{exporter=~\".+\"}[5m]) > 0"
  - alert: Plain
    expr: rate(otelcol_exporter_sent_spans_total[5m])
      > 0
---
groups:
- name: b
  rules:
  - alert: Second
    expr: otelcol_exporter_sent_spans_total > 0
"#;
    let (prepared, report) = report("rules.yaml", rules, "otelcol@0.159");
    let places: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}:{} {}", finding.line, finding.column, finding.title))
        .collect();
    assert_eq!(
        places,
        ["8:14 Block", "12:12 Folded", "15:17 Single", "17:17 Double", "19:16 Plain", "26:11 Second"]
    );
    assert_eq!(fixed(&prepared.files()[0], &report).unwrap(), (rules.replace("_total", ""), 6));
}

#[test]
fn what_is_no_yaml_or_no_rule_file_is_unreadable() {
    check(
        "rules.yaml",
        "groups: [\n",
        "otelcol@0.159",
        &expect![[r#"
        rules.yaml:2:1: not valid YAML: while parsing a node, did not find expected node content
        0 expressions against otelcol@0.159: 0 errors, 0 warnings, 0 notes
    "#]],
    );
    check(
        "values.yaml",
        "replicas: 1\n",
        "otelcol@0.159",
        &expect![[r#"
        values.yaml:1:1: this is no dashboard and no rule file: it has no expression
        0 expressions against otelcol@0.159: 0 errors, 0 warnings, 0 notes
    "#]],
    );
}

#[test]
fn the_versions_that_the_alerts_fit_are_listed() {
    let prepared = Prepared::new(
        vec![File { name: "rules.yaml".to_owned(), text: ALERTS.to_owned() }],
        &BTreeMap::new(),
    );
    let fitting = fitting(&prepared, &Target::of_go_collector().unwrap(), &Options::default());
    assert_eq!(fitting.unwrap(), "otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152");
}
