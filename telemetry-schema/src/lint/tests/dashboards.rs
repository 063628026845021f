//! Dashboards of Grafana.

use super::*;

const CLASSIC: &str = r#"{
  "title": "Collector",
  "templating": {"list": [
    {"type": "datasource", "name": "datasource", "query": "prometheus"},
    {"type": "query", "name": "exporter", "current": {"value": "$__all"}, "includeAll": true,
     "datasource": {"type": "prometheus", "uid": "${datasource}"},
     "definition": "label_values(otelcol_exporter_queue_size, exportr)",
     "query": {"query": "label_values(otelcol_exporter_queue_size, exportr)", "refId": "A"}},
    {"type": "constant", "name": "suffix", "query": "_total"},
    {"type": "custom", "name": "function", "query": "rate,increase", "options": []}
  ]},
  "annotations": {"list": [
    {"name": "Restarts", "datasource": {"type": "prometheus"}, "expr": "resets(otelcol_process_uptime_seconds[5m]) > 0"}
  ]},
  "panels": [
    {"type": "timeseries", "title": "Sent", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "targets": [
      {"refId": "A", "expr": "sum by (exporter) (\n  $function(otelcol_exporter_sent_spans${suffix}{exporter=~\"$exporter\"}[$__rate_interval])\n)"},
      {"refId": "B", "expr": "sum(rate(otelcol_exporter_sent_spans_total{exporter=~\"${exporter:regex}\"}[[[window]]]))"}
    ]},
    {"type": "row", "title": "More", "collapsed": true, "panels": [
      {"type": "stat", "title": "Queue \u00fc", "targets": [
        {"expr": "max(otelcol_exporter_queue_size{data_type=\"trace\"})"},
        {"expr": "max(otelcol_exporter_sent_spans_total)"}
      ]},
      {"type": "logs", "title": "Logs", "datasource": {"type": "loki"}, "targets": [{"expr": "{app=\"otelcol\"} |= `error`"}]}
    ]}
  ]
}
"#;

#[test]
fn a_classic_dashboard_is_checked_everywhere() {
    check(
        "collector.json",
        CLASSIC,
        "otelcol@0.159",
        &expect![[r#"
            collector.json:8:68: error[unknown-label]: otelcol@0.159: otelcol_exporter_queue_size has no label "exportr"
              | otelcol_exporter_queue_size exportr
              |                             ^^^^^^^
              = did you mean "exporter"?
              = in templating.list[1].query.query ("exporter")
            collector.json:13:80: error[unknown-metric]: otelcol@0.159: there is no metric "otelcol_process_uptime_seconds"
              | resets(otelcol_process_uptime_seconds[5m]) > 0
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = did you mean otelcol_process_uptime?
              = in annotations.list[0].expr ("Restarts")
            collector.json:17:64: error[unknown-metric]: otelcol@0.159: there is no metric "otelcol_exporter_sent_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              |   rate(otelcol_exporter_sent_spans_total{exporter=~".*"}[5m])
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_sent_spans
              = in panels[0].targets[0].expr ("Sent")
            collector.json:18:107: warning[unverifiable]: otelcol@0.159: the value of the variable $window is not in the file, so nothing is checked
              | sum(rate(otelcol_exporter_sent_spans_total{exporter=~"${exporter:regex}"}[[[window]]]))
              |                                                                           ^^^^^^^^^^
              = give it with --variable window=VALUE
              = in panels[0].targets[1].expr ("Sent")
            collector.json:22:63: error[unknown-value]: otelcol@0.159: data_type is never "trace": it is "logs", "metrics", "profiles", "traces"
              | max(otelcol_exporter_queue_size{data_type="trace"})
              |                                            ^^^^^
              = did you mean "traces"?
              = in panels[1].panels[0].targets[0].expr ("Queue ü")
            collector.json:23:23: error[unknown-metric]: otelcol@0.159: there is no metric "otelcol_exporter_sent_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | max(otelcol_exporter_sent_spans_total)
              |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_exporter_sent_spans
              = in panels[1].panels[0].targets[1].expr ("Queue ü")
            6 expressions against otelcol@0.159: 5 errors, 1 warning, 0 notes; 1 expression in other languages
        "#]],
    );
}

#[test]
fn only_names_that_stand_in_the_file_are_rewritten() {
    let (prepared, report) = report("collector.json", CLASSIC, "otelcol@0.159");
    let (text, number) = fixed(&prepared.files()[0], &report).unwrap();
    assert_eq!(number, 1);
    let expected =
        CLASSIC.replace("max(otelcol_exporter_sent_spans_total)", "max(otelcol_exporter_sent_spans)");
    assert_eq!(text, expected);
}

#[test]
fn a_dashboard_of_version_2_is_checked_too() {
    let dashboard = r#"{
  "apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {"name": "a"},
  "spec": {
    "title": "Collector",
    "variables": [
      {"kind": "QueryVariable", "spec": {"name": "receiver", "current": {"text": "All", "value": "$__all"},
        "query": {"kind": "DataQuery", "group": "prometheus", "spec": {"query": "label_values(otelcol_receiver_accepted_span, receiver)"}}}},
      {"kind": "ConstantVariable", "spec": {"name": "window", "query": "5m"}}
    ],
    "elements": {
      "panel-1": {"kind": "Panel", "spec": {"id": 1, "title": "Accepted", "data": {"kind": "QueryGroup", "spec": {"queries": [
        {"kind": "PanelQuery", "spec": {"refId": "A", "query": {"kind": "DataQuery", "group": "prometheus",
          "spec": {"expr": "rate(otelcol_receiver_accepted_spans{receiver=~\"$receiver\",transport=\"grpc\"}[$window])"}}}},
        {"kind": "PanelQuery", "spec": {"refId": "B", "query": {"kind": "DataQuery", "group": "loki",
          "spec": {"expr": "{app=\"a\"}"}}}},
        {"kind": "PanelQuery", "spec": {"refId": "C", "query": {"kind": "DataQuery", "group": "prometheus",
          "spec": {"expr": "rate(otelcol_receiver_accepted_spans_total[5m])"}}}}
      ]}}}}
    }
  }
}
"#;
    check(
        "v2.json",
        dashboard,
        "otelcol@0.159",
        &expect![[r#"
            v2.json:7:95: error[unknown-metric]: otelcol@0.159: there is no metric "otelcol_receiver_accepted_span"
              | otelcol_receiver_accepted_span receiver
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = did you mean otelcol_receiver_accepted_spans?
              = in spec.variables[0].spec.query.query ("receiver")
            v2.json:17:34: error[unknown-metric]: otelcol@0.159: there is no metric "otelcol_receiver_accepted_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152
              | rate(otelcol_receiver_accepted_spans_total[5m])
              |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = here it is otelcol_receiver_accepted_spans
              = in spec.elements.panel-1.spec.data.spec.queries[2].spec.query.spec.expr ("Accepted")
            3 expressions against otelcol@0.159: 2 errors, 0 warnings, 0 notes; 1 expression in other languages
        "#]],
    );
}

#[test]
fn what_is_no_json_or_no_dashboard_is_unreadable() {
    check(
        "a.json",
        "{\"panels\": [}",
        "otelcol@0.159",
        &expect![[r#"
        a.json:1:13: not valid JSON: expected a value
        0 expressions against otelcol@0.159: 0 errors, 0 warnings, 0 notes
    "#]],
    );
    check(
        "a.json",
        "{\"a\": 1}",
        "otelcol@0.159",
        &expect![[r#"
        a.json:1:1: this is no dashboard and no rule file: it has no expression
        0 expressions against otelcol@0.159: 0 errors, 0 warnings, 0 notes
    "#]],
    );
}

#[test]
fn a_program_gets_the_same_as_json_and_as_sarif() {
    let text = r#"{"panels": [{"title": "Sent", "targets": [{"expr": "rate(otelcol_exporter_sent_spans_total[5m])"}]}]}"#;
    let (prepared, report) = report("a.json", text, "otelcol@0.159");
    let contracts = vec!["otelcol@0.159".to_owned()];
    let told = Told { prepared: &prepared, report: &report, contracts, notes: vec!["a note".to_owned()] };
    expect![[r#"
        {
          "contracts": [
            "otelcol@0.159"
          ],
          "expressions": 1,
          "findings": [
            {
              "caret": [
                5,
                33
              ],
              "column": 58,
              "contract": "otelcol@0.159",
              "end_column": 91,
              "end_line": 1,
              "excerpt": "rate(otelcol_exporter_sent_spans_total[5m])",
              "file": "a.json",
              "fix": {
                "end": 90,
                "start": 57,
                "text": "otelcol_exporter_sent_spans"
              },
              "help": "here it is otelcol_exporter_sent_spans",
              "line": 1,
              "message": "there is no metric \"otelcol_exporter_sent_spans_total\"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152",
              "path": "panels[0].targets[0].expr",
              "rule": "unknown-metric",
              "severity": "error",
              "title": "Sent"
            }
          ],
          "foreign": 0,
          "notes": [
            "a note"
          ],
          "other_languages": 0,
          "unreadable": []
        }
    "#]].assert_eq(&render(&told, Format::Json));
    let sarif: serde_json::Value = serde_json::from_str(&render(&told, Format::Sarif)).unwrap();
    expect![[r#"
        [
          {
            "fixes": [
              {
                "artifactChanges": [
                  {
                    "artifactLocation": {
                      "uri": "a.json"
                    },
                    "replacements": [
                      {
                        "deletedRegion": {
                          "endColumn": 91,
                          "endLine": 1,
                          "startColumn": 58,
                          "startLine": 1
                        },
                        "insertedContent": {
                          "text": "otelcol_exporter_sent_spans"
                        }
                      }
                    ]
                  }
                ],
                "description": {
                  "text": "use otelcol_exporter_sent_spans"
                }
              }
            ],
            "level": "error",
            "locations": [
              {
                "logicalLocations": [
                  {
                    "fullyQualifiedName": "panels[0].targets[0].expr",
                    "name": "Sent"
                  }
                ],
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "a.json"
                  },
                  "region": {
                    "endColumn": 91,
                    "endLine": 1,
                    "startColumn": 58,
                    "startLine": 1
                  }
                }
              }
            ],
            "message": {
              "text": "otelcol@0.159: there is no metric \"otelcol_exporter_sent_spans_total\"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152; here it is otelcol_exporter_sent_spans"
            },
            "ruleId": "unknown-metric"
          }
        ]
    "#]].assert_eq(&format!("{:#}\n", sarif["runs"][0]["results"]));
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len(), Rule::ALL.len());
}

#[test]
fn a_variable_that_the_file_does_not_tell_can_be_given() {
    let text = r#"{
  "templating": {"list": [{"type": "query", "name": "suffix", "query": "label_names()"}]},
  "panels": [{"targets": [{"expr": "rate(otelcol_exporter_sent_spans${suffix}[5m])"}]}]
}"#;
    let file = || vec![File { name: "a.json".to_owned(), text: text.to_owned() }];
    let found = upstream::find("0.159", None).unwrap();
    let target = Target { name: found.name(), contract: found.contract, exposition: found.exposition };
    let rules = |variables: &[(&str, &str)]| {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let prepared = Prepared::new(file(), &variables);
        let report = Linter::new(target.clone(), &OTHERS, Options::default()).lint(&prepared);
        report.findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(&[]), [Rule::Unverifiable]);
    assert_eq!(rules(&[("suffix", "_total")]), [Rule::UnknownMetric]);
    assert_eq!(rules(&[("suffix", "")]), []);
}

#[test]
fn a_name_of_a_variable_may_have_a_space() {
    let text = r#"{
  "templating": {"list": [{"type": "query", "name": "span exporter", "query": "label_values(up, job)"}]},
  "panels": [{"targets": [{"expr": "rate(otelcol_exporter_sent_spans{exporter=~\"$span exporter\"}[5m])"}]}]
}"#;
    let (_, report) = report("a.json", text, "otelcol@0.159");
    assert_eq!(report.findings, []);
    assert_eq!(report.expressions, 2);
}
