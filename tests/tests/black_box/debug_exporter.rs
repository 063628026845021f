//! What the debug exporter prints.

use etalon_tests::{Etalon, post};
use serde_json::Value;

use crate::forwarding_to;

const SPAN: &str = r#"{"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "käserei"}}]},
    "scopeSpans": [{"scope": {"name": "scope", "version": "1.2"}, "spans": [{
        "traceId": "0123456789abcdef0123456789abcdef", "spanId": "fedcba9876543210", "name": "melt", "kind": 3,
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000",
        "attributes": [{"key": "degrees", "value": {"intValue": "42"}}]
    }]}]}]}"#;

/// Sends one span to a debug exporter and returns its lines: those of the log that it wrote.
fn printed(verbosity: &str) -> Vec<Value> {
    let etalon = Etalon::start(&forwarding_to(&format!("  debug: {{verbosity: {verbosity}}}"), "debug"));
    let answer = post(etalon.http(), "/v1/traces", "application/json", SPAN.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    etalon.wait_for_line("Traces");
    etalon.terminate();
    etalon.wait_for_line("Shutdown complete.");
    let lines = etalon.lines();
    assert_eq!(etalon.wait().code(), 0);
    lines.into_iter().filter(|line| line["otelcol.component.id"] == "debug").collect()
}

/// The message that holds the data, next to the one that counts it.
fn text(lines: &[Value]) -> String {
    let data: Vec<_> =
        lines.iter().filter_map(|line| line["msg"].as_str()).filter(|msg| msg.contains("melt")).collect();
    assert_eq!(data.len(), 1, "{lines:?}");
    data[0].to_owned()
}

fn assert_counted(lines: &[Value]) {
    let summary = lines.iter().find(|line| line["msg"] == "Traces").unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&summary["resource spans"], &summary["spans"]), (&Value::from(1), &Value::from(1)));
}

#[test]
fn basic_counts_what_arrives_and_shows_nothing_of_it() {
    let lines = printed("basic");
    assert_counted(&lines);
    assert!(lines.iter().all(|line| !line.to_string().contains("melt")), "{lines:?}");
}

#[test]
fn normal_shows_each_item_in_a_line() {
    let lines = printed("normal");
    assert_counted(&lines);
    let text = text(&lines);
    let line = text.lines().find(|line| line.contains("melt")).unwrap();
    assert_eq!(line, "melt 0123456789abcdef0123456789abcdef fedcba9876543210 degrees=42");
    assert!(text.contains("ResourceTraces #0 service.name=käserei"), "{text}");
    assert!(text.contains("ScopeTraces #0 scope@1.2"), "{text}");
}

#[test]
fn detailed_shows_every_field() {
    let lines = printed("detailed");
    assert_counted(&lines);
    let text = text(&lines);
    for wanted in [
        "ResourceSpans #0",
        "-> service.name: Str(käserei)",
        "InstrumentationScope scope 1.2",
        "Span #0",
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210",
        "melt",
        "Client",
        "2023-11-14 22:13:20 +0000 UTC",
        "2023-11-14 22:13:21 +0000 UTC",
        "-> degrees: Int(42)",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
}
