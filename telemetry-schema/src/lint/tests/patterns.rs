//! Names that are given by a pattern.

use super::*;

fn found(expr: &str, contract: &str) -> (Vec<(Severity, String, Option<String>)>, Option<String>) {
    let (prepared, report) = report("query.promql", expr, contract);
    let fixed = fixed(&prepared.files()[0], &report).map(|(text, _)| text);
    let findings = report.findings.into_iter();
    (findings.map(|finding| (finding.severity, finding.message, finding.help)).collect(), fixed)
}

const CONTRACT: &str = "otelcol@0.159";

#[test]
fn each_name_of_a_list_that_has_moved_is_rewritten_where_it_stands() {
    let list =
        r#"{__name__=~"otelcol_exporter_sent_spans_total|otelcol_process_uptime_seconds_total", job="a"}"#;
    let (findings, fixed) = found(list, CONTRACT);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.iter().all(|(severity, ..)| *severity == Severity::Error));
    assert_eq!(
        fixed.as_deref(),
        Some(r#"{__name__=~"otelcol_exporter_sent_spans|otelcol_process_uptime", job="a"}"#)
    );
}

#[test]
fn a_list_with_the_old_name_beside_the_new_one_is_right() {
    let both = r#"{__name__=~"otelcol_exporter_sent_spans|otelcol_exporter_sent_spans_total"}"#;
    assert_eq!(found(both, CONTRACT), (Vec::new(), None));
    let (findings, fixed) = found(
        r#"{__name__=~"otelcol_exporter_sent_spans|otelcol_exporter_sent_log_records_total"}"#,
        CONTRACT,
    );
    assert!(matches!(&findings[..], [(Severity::Warning, ..)]), "{findings:?}");
    assert!(fixed.is_some_and(|fixed| fixed.ends_with("|otelcol_exporter_sent_log_records\"}")));
}

#[test]
fn a_pattern_that_means_one_metric_or_only_has_a_suffix_too_many_is_rewritten() {
    for (pattern, expected) in [
        ("otelcol_exporter_sent_.+_total", Some("otelcol_exporter_sent_.+")),
        ("otelcol_process_uptime_.*total", Some("otelcol_process_uptime")),
        ("otelcol_.*_(accepted|refused)_spans_total", Some("otelcol_.*_(accepted|refused)_spans")),
        ("otelcol_nothing_.*", None),
    ] {
        let query = |pattern: &str| format!("{{__name__=~\"{pattern}\"}}");
        let (findings, fixed) = found(&query(pattern), CONTRACT);
        let [(Severity::Error, message, help)] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(*message, format!("no metric matches {pattern:?}"));
        assert_eq!(fixed, expected.map(query), "{help:?}");
        if let Some(expected) = expected {
            assert_eq!(help.as_deref(), Some(format!("here it is {expected}").as_str()));
        }
    }
}

#[test]
fn a_pattern_that_may_mean_several_metrics_is_left_alone_and_told_so() {
    let (findings, fixed) = found(r#"{__name__=~"otelcol_(receiver|exporter)_.+_spans_total|x"}"#, CONTRACT);
    let help = findings[0].2.clone().unwrap_or_default();
    assert!(help.starts_with("here there are otelcol_exporter_"), "{help}");
    assert!(help.ends_with("which of them are meant is yours to say"), "{help}");
    assert_eq!(fixed, None);
}
