//! A dashboard as that of the OpenTelemetry operator was, which a move to 0.152 emptied: every counter lost its suffix, and
//! sixteen names were changed by hand.

use serde_json::json;

use super::*;

/// The names of its counters, with a reader that is configured.
fn counters() -> Vec<String> {
    let signals = ["spans", "metric_points", "log_records"];
    let per_signal = [
        "receiver_accepted",
        "receiver_refused",
        "exporter_sent",
        "exporter_send_failed",
        "exporter_enqueue_failed",
    ];
    let of_items =
        per_signal.iter().flat_map(|of| signals.map(|items| format!("otelcol_{of}_{items}_total")));
    of_items.chain(["otelcol_process_cpu_seconds_total".to_owned()]).collect()
}

fn dashboard() -> String {
    let panels = counters().into_iter().enumerate().map(|(id, name)| {
        let by = if name.contains("receiver") { "receiver" } else { "exporter" };
        let by = if name.contains("process") { String::new() } else { format!(" by ({by})") };
        let expr = format!("sum(rate({name}{{job=~\"$job\"}}[$__rate_interval])){by}");
        json!({"id": id, "type": "timeseries", "title": name, "targets": [{"refId": "A", "expr": expr}]})
    });
    let panels: Vec<_> = panels.collect();
    let job = json!({"name": "job", "type": "query", "query": "label_values(job)", "current": {"value": "collector"}});
    let dashboard =
        json!({"title": "Collector", "schemaVersion": 39, "templating": {"list": [job]}, "panels": panels});
    format!("{dashboard:#}\n")
}

fn errors(text: &str, contract: &str) -> usize {
    report("dashboard.json", text, contract).1.count(Severity::Error)
}

#[test]
fn it_was_right_until_the_suffixes_went() {
    let text = dashboard();
    assert_eq!(counters().len(), 16);
    for (contract, expected) in [
        ("otelcol@0.118", 16),
        ("otelcol@0.128/explicit", 0),
        ("otelcol@0.151/explicit", 0),
        ("otelcol@0.152", 16),
        ("otelcol@0.152/explicit", 16),
        ("current", 16),
    ] {
        assert_eq!(errors(&text, contract), expected, "{contract}");
    }
}

#[test]
fn what_was_mended_by_hand_is_mended_by_itself() {
    let text = dashboard();
    for contract in ["otelcol@0.152/explicit", "current"] {
        let (prepared, report) = report("dashboard.json", &text, contract);
        let (fixed, number) = fixed(&prepared.files()[0], &report).unwrap();
        assert_eq!((number, errors(&fixed, contract)), (16, 0), "{contract}: {fixed}");
    }
}
