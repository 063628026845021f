//! Each check, on bare expressions.

use super::*;

/// The first line of each finding, without the file.
fn found(expr: &str, contract: &str) -> Vec<String> {
    let (_, report) = report("a.promql", expr, contract);
    let line = |finding: &Finding| {
        let help = finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let word = format!("{:?}", finding.severity).to_lowercase();
        format!("{}: {word}[{}]: {}{help}", finding.column, finding.rule, finding.message)
    };
    report.findings.iter().map(line).collect()
}

fn check_all(expressions: &[&str], contract: &str, expected: &Expect) {
    let mut told = String::new();
    for expr in expressions {
        told.push_str(&format!("{expr}\n"));
        for line in found(expr, contract) {
            told.push_str(&format!("  {line}\n"));
        }
    }
    expected.assert_eq(&told);
}

#[test]
fn metrics_that_are_there_are_not_told_of() {
    for expr in [
        "rate(otelcol_receiver_accepted_spans[5m])",
        r#"sum by (exporter) (rate(otelcol_exporter_sent_spans{exporter="otlp"}[5m]))"#,
        r#"otelcol_exporter_queue_size{data_type="traces"} / on (job, instance, exporter) otelcol_exporter_queue_capacity"#,
        r#"{__name__=~"otelcol_exporter_sent_.+"}"#,
        "histogram_quantile(0.9, sum by (le) (rate(otelcol_processor_batch_batch_send_size_bucket[5m])))",
        r#"rate(otelcol_processor_batch_batch_send_size_bucket{le="1000"}[5m])"#,
        "up",
        "node_load1 + on (instance) target_info",
        "label_replace(otelcol_exporter_queue_size, \"x\", \"$1\", \"exporter\", \"(.*)\") == on (x) vector(1)",
        "topk(5, otelcol_process_memory_rss)",
    ] {
        assert_eq!(found(expr, "otelcol@0.159"), Vec::<String>::new(), "{expr}");
    }
}

#[test]
fn metrics_that_are_not_there_are_told_with_what_is() {
    check_all(
        &[
            "otelcol_exporter_sent_spans_total",
            "otelcol_exporter_sent_spans__spans__total",
            "otelcol_exporter_sent_span",
            "otelcol_processor_refused_spans",
            "otelcol_process_uptime_seconds_total",
            "otelcol_processor_batch_batch_send_size",
            "otelcol_processor_batch_batch_send_size_bytes_total",
            "otelcol_processor_filter_spans_filtered",
            r#"{__name__=~"otelcol_exporter_sent_.+_total"}"#,
            r#"{__name__="otelcol_exporter_sent_spans_total"}"#,
        ],
        "otelcol@0.159",
        &expect![[r#"
            otelcol_exporter_sent_spans_total
              1: error[unknown-metric]: there is no metric "otelcol_exporter_sent_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152; here it is otelcol_exporter_sent_spans
            otelcol_exporter_sent_spans__spans__total
              1: error[unknown-metric]: there is no metric "otelcol_exporter_sent_spans__spans__total"; it is in otelcol@0.130/explicit until 0.130.1; here it is otelcol_exporter_sent_spans
            otelcol_exporter_sent_span
              1: error[unknown-metric]: there is no metric "otelcol_exporter_sent_span"; did you mean otelcol_exporter_sent_spans?
            otelcol_processor_refused_spans
              1: error[unknown-metric]: there is no metric "otelcol_processor_refused_spans"; it is in otelcol@0.118 until 0.155, otelcol@0.118/explicit until 0.119, otelcol@0.152/explicit until 0.155; here it is otelcol_processor_memory_limiter_refused_spans
            otelcol_process_uptime_seconds_total
              1: error[unknown-metric]: there is no metric "otelcol_process_uptime_seconds_total"; it is in otelcol@0.119/explicit until 0.152; here it is otelcol_process_uptime
            otelcol_processor_batch_batch_send_size
              1: error[unknown-metric]: there is no metric "otelcol_processor_batch_batch_send_size"; it is a histogram: its series are otelcol_processor_batch_batch_send_size_bucket, otelcol_processor_batch_batch_send_size_sum and otelcol_processor_batch_batch_send_size_count
            otelcol_processor_batch_batch_send_size_bytes_total
              1: warning[unknown-metric]: there is no metric "otelcol_processor_batch_batch_send_size_bytes_total"; a component from outside of the collector may have it
            otelcol_processor_filter_spans_filtered
              1: warning[unknown-metric]: there is no metric "otelcol_processor_filter_spans_filtered"; a component from outside of the collector may have it
            {__name__=~"otelcol_exporter_sent_.+_total"}
              13: error[unknown-metric]: no metric matches "otelcol_exporter_sent_.+_total"; here it is otelcol_exporter_sent_.+
            {__name__="otelcol_exporter_sent_spans_total"}
              12: error[unknown-metric]: there is no metric "otelcol_exporter_sent_spans_total"; it is in otelcol@0.119/explicit until 0.130, otelcol@0.130.1/explicit until 0.152; here it is otelcol_exporter_sent_spans
        "#]],
    );
    check_all(
        &[
            "otelcol_processor_memory_limiter_refused_spans",
            "otelcol_exporter_in_flight_requests",
            "otelcol_processor_refused_spans",
        ],
        "otelcol@0.128/explicit",
        &expect![[r#"
            otelcol_processor_memory_limiter_refused_spans
              1: error[unknown-metric]: there is no metric "otelcol_processor_memory_limiter_refused_spans"; it is in otelcol@0.155 and later, otelcol@0.155/explicit and later; here it is otelcol_processor_refused_spans_total
            otelcol_exporter_in_flight_requests
              1: error[unknown-metric]: there is no metric "otelcol_exporter_in_flight_requests"; it is in otelcol@0.152 and later, otelcol@0.152/explicit and later; nothing takes its place
            otelcol_processor_refused_spans
              1: error[unknown-metric]: there is no metric "otelcol_processor_refused_spans"; it is in otelcol@0.118 until 0.155, otelcol@0.118/explicit until 0.119, otelcol@0.152/explicit until 0.155; here it is otelcol_processor_refused_spans_total
        "#]],
    );
}

#[test]
fn labels_that_are_not_there_are_told_with_what_is() {
    check_all(
        &[
            r#"otelcol_exporter_queue_size{service_name="a"}"#,
            r#"otelcol_exporter_queue_size{exportr="a"}"#,
            r#"otelcol_exporter_queue_size{receiver="a"}"#,
            r#"otelcol_exporter_queue_size{team="a"}"#,
            r#"otelcol_exporter_queue_size{receiver=""}"#,
            "sum by (receiver) (otelcol_exporter_queue_size)",
            "sum without (receiver) (otelcol_exporter_queue_size)",
            "sum by (data_type) (sum by (exporter) (otelcol_exporter_queue_size))",
            "otelcol_exporter_queue_size / on (processor) otelcol_exporter_queue_capacity",
            "otelcol_exporter_sent_spans * on (exporter) group_left (transport) otelcol_exporter_queue_size",
        ],
        "otelcol@0.159",
        &expect![[r#"
            otelcol_exporter_queue_size{service_name="a"}
              29: error[unknown-label]: otelcol_exporter_queue_size has no label "service_name"; it is in otelcol@0.118 until 0.149, otelcol@0.118/explicit until 0.119; if the scrape configuration adds it, say --target-label service_name
            otelcol_exporter_queue_size{exportr="a"}
              29: error[unknown-label]: otelcol_exporter_queue_size has no label "exportr"; did you mean "exporter"?
            otelcol_exporter_queue_size{receiver="a"}
              29: error[unknown-label]: otelcol_exporter_queue_size has no label "receiver"; it has exporter, data_type
            otelcol_exporter_queue_size{team="a"}
              29: warning[unknown-label]: otelcol_exporter_queue_size has no label "team"; right only if the scrape configuration adds it; then say --target-label team
            otelcol_exporter_queue_size{receiver=""}
            sum by (receiver) (otelcol_exporter_queue_size)
              9: error[unknown-label]: otelcol_exporter_queue_size has no label "receiver"; it has exporter, data_type
            sum without (receiver) (otelcol_exporter_queue_size)
              14: warning[unknown-label]: otelcol_exporter_queue_size has no label "receiver"; it has exporter, data_type
            sum by (data_type) (sum by (exporter) (otelcol_exporter_queue_size))
              9: error[unknown-label]: "data_type" is lost in the aggregation before
            otelcol_exporter_queue_size / on (processor) otelcol_exporter_queue_capacity
              35: error[unknown-label]: otelcol_exporter_queue_size has no label "processor"; it has exporter, data_type
              35: error[unknown-label]: otelcol_exporter_queue_capacity has no label "processor"; it has exporter, data_type
            otelcol_exporter_sent_spans * on (exporter) group_left (transport) otelcol_exporter_queue_size
              1: warning[absent-series]: otelcol_exporter_sent_spans has no series before the first request of the signal; without it the whole is empty: write (… or vector(0))
              57: error[unknown-label]: otelcol_exporter_queue_size has no label "transport"; it has exporter, data_type
        "#]],
    );
}

#[test]
fn values_that_a_label_never_has_are_told() {
    check_all(
        &[
            r#"otelcol_exporter_queue_size{data_type="trace"}"#,
            r#"otelcol_exporter_queue_size{data_type=~"traces|log"}"#,
            r#"otelcol_exporter_queue_size{data_type=~"spans.*"}"#,
            r#"otelcol_exporter_queue_size{data_type=~"(traces|metrics)"}"#,
            r#"otelcol_exporter_queue_size{data_type!="profile"}"#,
            r#"otelcol_exporter_queue_size{data_type=~".*"}"#,
            r#"otelcol_processor_batch_batch_send_size_bucket{le="1500"}"#,
            r#"otelcol_processor_batch_batch_send_size_bucket{le="1000.0"}"#,
            r#"otelcol_processor_batch_batch_send_size_bucket{le="+Inf"}"#,
        ],
        "otelcol@0.159",
        &expect![[r#"
            otelcol_exporter_queue_size{data_type="trace"}
              40: error[unknown-value]: data_type is never "trace": it is "logs", "metrics", "profiles", "traces"; did you mean "traces"?
            otelcol_exporter_queue_size{data_type=~"traces|log"}
              41: warning[unknown-value]: data_type is never "log": it is "logs", "metrics", "profiles", "traces"; did you mean "logs"?
            otelcol_exporter_queue_size{data_type=~"spans.*"}
              41: error[unknown-value]: data_type has no value that matches "spans.*": it has "logs", "metrics", "profiles", "traces"
            otelcol_exporter_queue_size{data_type=~"(traces|metrics)"}
            otelcol_exporter_queue_size{data_type!="profile"}
              41: warning[unknown-value]: data_type is never "profile": it is "logs", "metrics", "profiles", "traces"; did you mean "profiles"?
            otelcol_exporter_queue_size{data_type=~".*"}
            otelcol_processor_batch_batch_send_size_bucket{le="1500"}
              52: error[bucket-boundary]: no bucket ends at "1500": they end at 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000, 20000, 30000, 50000, 100000 and +Inf
            otelcol_processor_batch_batch_send_size_bucket{le="1000.0"}
            otelcol_processor_batch_batch_send_size_bucket{le="+Inf"}
        "#]],
    );
}

#[test]
fn functions_are_of_what_they_are_made_for() {
    check_all(
        &[
            "rate(otelcol_exporter_queue_size[5m])",
            "increase(otelcol_process_memory_rss[1h])",
            "deriv(otelcol_exporter_sent_spans[5m])",
            "delta(otelcol_exporter_sent_spans{exporter=\"a\"}[5m] offset 1h)",
            "rate(otelcol_processor_batch_batch_send_size_sum[5m])",
            "histogram_quantile(0.9, sum by (processor) (rate(otelcol_processor_batch_batch_send_size_bucket[5m])))",
            "histogram_quantile(0.9, sum without (le) (rate(otelcol_processor_batch_batch_send_size_bucket[5m])))",
            "histogram_quantile(0.9, sum by (le) (rate(otelcol_processor_batch_batch_send_size_count[5m])))",
            "histogram_quantile(0.9, sum by (le) (rate(otelcol_exporter_sent_spans[5m])))",
        ],
        "otelcol@0.159",
        &expect![[r#"
            rate(otelcol_exporter_queue_size[5m])
              1: error[rate-of-gauge]: otelcol_exporter_queue_size is a gauge, which goes down too: rate means nothing; use it as it is, or deriv or delta
            increase(otelcol_process_memory_rss[1h])
              1: error[rate-of-gauge]: otelcol_process_memory_rss is a gauge, which goes down too: increase means nothing; use it as it is, or deriv or delta
            deriv(otelcol_exporter_sent_spans[5m])
              1: error[delta-of-counter]: otelcol_exporter_sent_spans is a counter, which starts anew: deriv is wrong then; use rate or increase
            delta(otelcol_exporter_sent_spans{exporter="a"}[5m] offset 1h)
              1: error[delta-of-counter]: otelcol_exporter_sent_spans is a counter, which starts anew: delta is wrong then; use rate or increase
            rate(otelcol_processor_batch_batch_send_size_sum[5m])
            histogram_quantile(0.9, sum by (processor) (rate(otelcol_processor_batch_batch_send_size_bucket[5m])))
              25: error[histogram-quantile]: histogram_quantile needs the label le, which is lost here; add le to by, or take it out of without
            histogram_quantile(0.9, sum without (le) (rate(otelcol_processor_batch_batch_send_size_bucket[5m])))
              25: error[histogram-quantile]: histogram_quantile needs the label le, which is lost here; add le to by, or take it out of without
            histogram_quantile(0.9, sum by (le) (rate(otelcol_processor_batch_batch_send_size_count[5m])))
              33: error[unknown-label]: otelcol_processor_batch_batch_send_size has no label "le"; it has processor
              43: error[histogram-quantile]: otelcol_processor_batch_batch_send_size_count has no buckets; use otelcol_processor_batch_batch_send_size_bucket
            histogram_quantile(0.9, sum by (le) (rate(otelcol_exporter_sent_spans[5m])))
              33: error[unknown-label]: otelcol_exporter_sent_spans has no label "le"; it has exporter, server_address, server_port, url_path
              43: error[histogram-quantile]: otelcol_exporter_sent_spans has no buckets
        "#]],
    );
}

#[test]
fn series_that_may_not_be_there_are_told_where_that_matters() {
    check_all(
        &[
            "rate(otelcol_exporter_sent_spans[5m]) / (rate(otelcol_exporter_sent_spans[5m]) + rate(otelcol_exporter_send_failed_spans[5m]))",
            "rate(otelcol_exporter_sent_spans[5m]) + (rate(otelcol_exporter_send_failed_spans[5m]) or vector(0))",
            "rate(otelcol_exporter_sent_spans[5m]) / rate(otelcol_exporter_sent_metric_points[5m])",
            "absent(otelcol_exporter_sent_spans)",
            "rate(otelcol_process_uptime[5m]) / rate(otelcol_process_cpu_seconds[5m])",
        ],
        "otelcol@0.159",
        &expect![[r#"
            rate(otelcol_exporter_sent_spans[5m]) / (rate(otelcol_exporter_sent_spans[5m]) + rate(otelcol_exporter_send_failed_spans[5m]))
              6: warning[absent-series]: otelcol_exporter_sent_spans has no series before the first request of the signal; without it the whole is empty: write (… or vector(0))
              47: warning[absent-series]: otelcol_exporter_sent_spans has no series before the first request of the signal; without it the whole is empty: write (… or vector(0))
              87: warning[absent-series]: otelcol_exporter_send_failed_spans has no series before the first failure; without it the whole is empty: write (… or vector(0))
            rate(otelcol_exporter_sent_spans[5m]) + (rate(otelcol_exporter_send_failed_spans[5m]) or vector(0))
              6: warning[absent-series]: otelcol_exporter_sent_spans has no series before the first request of the signal; without it the whole is empty: write (… or vector(0))
            rate(otelcol_exporter_sent_spans[5m]) / rate(otelcol_exporter_sent_metric_points[5m])
            absent(otelcol_exporter_sent_spans)
            rate(otelcol_process_uptime[5m]) / rate(otelcol_process_cpu_seconds[5m])
        "#]],
    );
}

#[test]
fn levels_and_deprecations_are_told() {
    check_all(
        &[
            "rate(otelcol_exporter_enqueue_size_count[5m])",
            "rate(otelcol_processor_batch_batch_send_size_count[5m])",
        ],
        "otelcol@0.159",
        &expect![[r#"
            rate(otelcol_exporter_enqueue_size_count[5m])
              6: warning[level]: otelcol_exporter_enqueue_size is there only at level detailed; set service::telemetry::metrics::level: detailed
            rate(otelcol_processor_batch_batch_send_size_count[5m])
        "#]],
    );
    check_all(
        &["rate(otelcol_processor_refused_spans[5m])"],
        "otelcol@0.118",
        &expect![[r#"
        rate(otelcol_processor_refused_spans[5m])
          6: warning[deprecated]: otelcol_processor_refused_spans is deprecated; later versions have otelcol_processor_memory_limiter_refused_spans
    "#]],
    );
}

#[test]
fn what_is_no_promql_is_told() {
    check_all(
        &["rate(otelcol_exporter_sent_spans)", "sum by (a) (b"],
        "otelcol@0.159",
        &expect![[r#"
        rate(otelcol_exporter_sent_spans)
          6: error[syntax]: rate takes a range vector, and this is an instant vector: add a range, such as [5m]
        sum by (a) (b
          13: error[syntax]: expected "," or ")", found the end of the expression
    "#]],
    );
}

#[test]
fn a_text_has_expressions_with_empty_lines_between() {
    let text = "# the first\nsum(up)\n\n\n# only a comment\n\nsum(\n  otelcol_exporter_sent_span\n)\n";
    check(
        "a.promql",
        text,
        "otelcol@0.159",
        &expect![[r#"
            a.promql:8:3: error[unknown-metric]: otelcol@0.159: there is no metric "otelcol_exporter_sent_span"
              |   otelcol_exporter_sent_span
              |   ^^^^^^^^^^^^^^^^^^^^^^^^^^
              = did you mean otelcol_exporter_sent_spans?
            2 expressions against otelcol@0.159: 1 error, 0 warnings, 0 notes; 1 metric of something else
        "#]],
    );
}

#[test]
fn a_target_label_that_is_named_is_right() {
    let text = r#"otelcol_exporter_queue_size{team="a"}"#.to_owned();
    let prepared = Prepared::new(vec![File { name: "a".to_owned(), text }], &BTreeMap::new());
    let found = upstream::find("0.159", None).unwrap();
    let target = Target { name: found.name(), contract: found.contract, exposition: found.exposition };
    let others = Others::default();
    let linter = |target_labels: Vec<String>| {
        Linter::new(target.clone(), &others, Options { target_labels, level: Level::Detailed })
            .lint(&prepared)
    };
    assert_eq!(linter(Vec::new()).findings.len(), 1);
    assert_eq!(linter(vec!["team".to_owned()]).findings, []);
}

#[test]
fn the_level_of_the_collector_is_taken_at_its_word() {
    let text = "rate(otelcol_exporter_enqueue_size_count[5m])".to_owned();
    let prepared = Prepared::new(vec![File { name: "a".to_owned(), text }], &BTreeMap::new());
    let found = upstream::find("0.159", None).unwrap();
    let target = Target { name: found.name(), contract: found.contract, exposition: found.exposition };
    let others = Others::default();
    let count = |level| {
        let options = Options { level, ..Options::default() };
        Linter::new(target.clone(), &others, options).lint(&prepared).findings.len()
    };
    assert_eq!((count(Level::Basic), count(Level::Normal), count(Level::Detailed)), (1, 1, 0));
}
