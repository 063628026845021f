//! What does not fit in a capture and in a log.

use std::collections::BTreeSet;

use etalon_pdata::{LOGS, METRICS, Signal, TRACES, json};
use serde_json::Value;

use super::super::*;
use crate::{Contract, Exposition, Level};

const CONTRACT: &str = include_str!("contract.json");

/// A push of metrics that fit.
const PUSH: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"etalon"}}]},"scopeMetrics":[{"scope":{"name":"etalon"},"metrics":[{"name":"sent","unit":"{item}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":"1","attributes":[{"key":"signal","value":{"stringValue":"logs"}}]}]}},{"name":"uptime","unit":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asDouble":1.5}]}},{"name":"queued","unit":"{item}","sum":{"aggregationTemporality":2,"dataPoints":[{"asInt":"1"}]}},{"name":"duration","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"1","sum":1,"explicitBounds":[0.5,1],"bucketCounts":["0","1","0"]}]}}]}]}]}"#;

/// A span that fits.
const TRACE: &str = r#"{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"etalon/exporter"},"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"export logs","kind":3,"attributes":[{"key":"signal","value":{"stringValue":"logs"}},{"key":"items","value":{"intValue":"3"}}],"events":[{"name":"retry"}]}]}]}]}"#;

/// An event that fits, over OTLP.
const RECORD: &str = r#"{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"etalon"},"logRecords":[{"eventName":"service.ready","severityNumber":9,"body":{"stringValue":"Ready."},"attributes":[{"key":"endpoint","value":{"stringValue":"a:1"}}]}]}]}]}"#;

/// The same in a log.
const LINE: &str = r#"{"level":"info","ts":"2026-11-20T08:30:00.125Z","caller":"a/b.rs:1","resource":{"service.name":"x"},"msg":"Ready","event.name":"service.ready","endpoint":"a:1","items":3,"ratio":0.5,"is_first":true,"signal":"logs","otelcol.component.id":"otlp"}"#;

fn contract() -> Contract {
    Contract::from_json(CONTRACT).unwrap()
}

fn checked(
    text: &[u8],
    kind: Option<Kind>,
    change: impl FnOnce(&mut Against<'_>),
) -> Result<Report, InputError> {
    let contract = contract();
    let exposition: Exposition = contract.expositions[0].clone();
    let mut against = Against {
        contract: &contract,
        exposition: &exposition,
        or_closest: true,
        level: Level::Detailed,
        temporality: None,
        fields: &[],
    };
    change(&mut against);
    Input::open(text, kind)?.check(&against)
}

fn found(text: &str) -> Vec<(Rule, Option<usize>, String, String)> {
    let report = checked(text.as_bytes(), None, |_| {}).unwrap_or_else(|error| panic!("{error}: {text}"));
    let told = |finding: Finding| (finding.rule, finding.line, finding.message, finding.expected);
    report.findings.into_iter().map(told).collect()
}

fn protobuf(signal: Signal, text: &str) -> Vec<u8> {
    json::decode(signal.request, text.as_bytes()).unwrap()
}

#[test]
fn what_the_contract_declares_fits_in_each_form() {
    let capture = [PUSH, TRACE, RECORD, PUSH].join("\n");
    for text in [PUSH, TRACE, RECORD, LINE, &capture] {
        assert_eq!(found(text), [], "{text}");
    }
    for (signal, text) in [(METRICS, PUSH), (TRACES, TRACE), (LOGS, RECORD)] {
        let binary = protobuf(signal, text);
        assert_eq!(Input::open(binary.as_slice(), None).unwrap().kind(), Kind::Otlp(signal));
        let report = checked(&binary, None, |_| {}).unwrap();
        assert_eq!((report.exposition.as_str(), report.findings), ("otlp", Vec::new()));
    }
    let report = checked(capture.as_bytes(), None, |_| {}).unwrap();
    let counts = [("requests", 4), ("metrics", 4), ("data points", 8), ("spans", 1), ("log records", 1)];
    assert_eq!(report.counts, counts);
    assert_eq!(checked(LINE.as_bytes(), None, |_| {}).unwrap().counts, [("lines", 1), ("events", 1)]);
}

#[test]
fn each_rule_finds_what_breaks_it_where_it_is_and_nothing_else() {
    let cases: &[(&str, &str, &str, Rule, &str)] = &[
        (
            PUSH,
            r#""name":"sent""#,
            r#""name":"gone""#,
            Rule::UndeclaredMetric,
            "the contract does not have it",
        ),
        (PUSH, r#""name":"queued""#, r#""name":"sent""#, Rule::MissingMetric, "it is not there"),
        (
            PUSH,
            r#""scope":{"name":"etalon"}"#,
            r#""scope":{"name":"etalons"}"#,
            Rule::Scope,
            "its scope is \"etalons\"",
        ),
        (PUSH, r#""isMonotonic":true,"#, "", Rule::Type, "it is a sum that grows and shrinks"),
        (
            PUSH,
            r#""histogram":{"aggregationTemporality":2"#,
            r#""exponentialHistogram":{"aggregationTemporality":2"#,
            Rule::Type,
            "it is an exponential histogram",
        ),
        (PUSH, r#""unit":"s""#, r#""unit":"ms""#, Rule::Unit, "its unit is \"ms\""),
        (PUSH, r#"2,"isMonotonic":true"#, r#"0,"isMonotonic":true"#, Rule::Temporality, "it is not told"),
        (
            PUSH,
            r#""sum":{"aggregationTemporality":2,"dataPoints""#,
            r#""sum":{"aggregationTemporality":1,"dataPoints""#,
            Rule::Temporality,
            "it is delta",
        ),
        (PUSH, r#""asInt":"1""#, r#""asDouble":1"#, Rule::ValueType, "its values are double"),
        (PUSH, r#""asDouble":1.5"#, r#""timeUnixNano":"1""#, Rule::ValueType, "its values are nothing"),
        (PUSH, r"[0.5,1]", r"[0.5,2]", Rule::Buckets, "its bounds are 0.5, 2"),
        (PUSH, r#"["0","1","0"]"#, r#"["0","1"]"#, Rule::Buckets, "it has 2 buckets"),
        (
            PUSH,
            r#""asDouble":1.5}"#,
            r#""asDouble":1.5},{"asDouble":2}"#,
            Rule::DuplicateSeries,
            "it is there again",
        ),
        (
            PUSH,
            r#"{"asDouble":1.5}"#,
            r#"{"asDouble":1.5,"attributes":[{"key":"host","value":{"stringValue":"a"}}]}"#,
            Rule::UndeclaredAttribute,
            "the contract does not have its host",
        ),
        (
            PUSH,
            r#","attributes":[{"key":"signal","value":{"stringValue":"logs"}}]"#,
            "",
            Rule::MissingAttribute,
            "it has no signal",
        ),
        (
            PUSH,
            r#""stringValue":"logs""#,
            r#""stringValue":"all""#,
            Rule::UndeclaredValue,
            "signal is \"all\"",
        ),
        (
            TRACE,
            "export logs",
            "export all logs",
            Rule::UndeclaredSpan,
            "no span of the contract has such a name",
        ),
        (TRACE, r#""kind":3"#, r#""kind":2"#, Rule::Kind, "its kind is server"),
        (TRACE, r#""intValue":"3""#, r#""stringValue":"3""#, Rule::AttributeType, "items is text"),
        (
            TRACE,
            r#"{"name":"retry"}"#,
            r#"{"name":"panic"}"#,
            Rule::UndeclaredEvent,
            "it has the event \"panic\"",
        ),
        (
            TRACE,
            r#""key":"items""#,
            r#""key":"number""#,
            Rule::UndeclaredAttribute,
            "the contract does not have its number",
        ),
        (RECORD, "service.ready", "service.red", Rule::UndeclaredEvent, "the contract does not have it"),
        (RECORD, r#""eventName":"service.ready","#, "", Rule::UndeclaredEvent, "it has no event.name"),
        (RECORD, r#""severityNumber":9"#, r#""severityNumber":13"#, Rule::Severity, "its severity is warn"),
        (LINE, r#""level":"info""#, r#""level":"error""#, Rule::Severity, "its severity is error"),
        (LINE, r#""event.name":"service.ready","#, "", Rule::UndeclaredEvent, "it has no event.name"),
        (LINE, r#""endpoint":"a:1","#, "", Rule::MissingAttribute, "it has no endpoint"),
        (LINE, r#""endpoint":"a:1""#, r#""endpoint":null"#, Rule::AttributeType, "endpoint is nothing"),
        (LINE, r#""items":3"#, r#""items":3.5"#, Rule::AttributeType, "items is a number"),
        (
            LINE,
            r#""otelcol.component.id":"otlp""#,
            r#""otelcol.component.id":1"#,
            Rule::AttributeType,
            "otelcol.component.id is a whole number",
        ),
        (
            LINE,
            r#""otelcol.component.id":"otlp""#,
            r#""otelcol.other":"otlp""#,
            Rule::UndeclaredAttribute,
            "the contract does not have its otelcol.other",
        ),
        (LINE, r#""ratio":0.5"#, r#""ratio":"half""#, Rule::AttributeType, "ratio is text"),
        (LINE, r#""signal":"logs""#, r#""signal":1"#, Rule::UndeclaredValue, "signal is 1"),
        (
            LINE,
            r#""signal":"logs""#,
            r#""signal":"logs","reason":"x""#,
            Rule::UndeclaredAttribute,
            "the contract does not have its reason",
        ),
    ];
    let mut rules = BTreeSet::from([Rule::Malformed]);
    for (good, from, to, rule, message) in cases {
        assert!(good.contains(from), "{from}");
        let text = format!("{good}\n{}\n", good.replacen(from, to, 1));
        // A metric that is in the other push is not missed.
        let line = (*rule != Rule::MissingMetric).then_some(2);
        let text = if line.is_some() { text } else { good.replacen(from, to, 1) };
        let found = found(&text);
        let of_rule: Vec<_> = found.iter().filter(|(found, ..)| found == rule).collect();
        assert!(of_rule.iter().any(|(_, at, told, _)| *at == line && told == message), "{rule}: {found:?}");
        // What comes of another thing is another rule's.
        let alone = found.iter().all(|(found, ..)| found == rule);
        let comes_with = [Rule::MissingMetric, Rule::Scope, Rule::Type];
        assert!(alone || comes_with.contains(rule), "{rule}: {found:?}");
        rules.insert(*rule);
    }
    assert_eq!(rules, Rule::ALL.into_iter().collect(), "each rule has a case");
}

#[test]
fn a_line_below_info_need_not_be_an_event_but_fits_if_it_is_one() {
    let nameless = [
        LINE.replace(r#""event.name":"service.ready","#, "").replace("info", "debug"),
        RECORD
            .replace(r#""eventName":"service.ready","#, "")
            .replace(r#""severityNumber":9"#, r#""severityNumber":5"#),
    ];
    for text in nameless {
        assert_eq!(found(&text), [], "{text}");
    }
    let named = found(&LINE.replace("info", "debug"));
    assert_eq!(named.iter().map(|(rule, ..)| *rule).collect::<Vec<_>>(), [Rule::Severity]);
}

#[test]
fn the_temporality_is_that_of_the_reader_when_it_is_said() {
    let delta = PUSH.replace(
        r#""aggregationTemporality":2,"isMonotonic""#,
        r#""aggregationTemporality":1,"isMonotonic""#,
    );
    let delta = delta
        .replace(r#""histogram":{"aggregationTemporality":2"#, r#""histogram":{"aggregationTemporality":1"#);
    let low_memory = delta.replacen(
        r#""name":"uptime","unit":"s","sum":{"aggregationTemporality":1"#,
        r#""name":"uptime","unit":"s","sum":{"aggregationTemporality":2"#,
        1,
    );
    let all = [
        (Temporality::Cumulative, PUSH),
        (Temporality::Delta, &delta),
        (Temporality::LowMemory, &low_memory),
    ];
    for (_, text) in all {
        assert_eq!(found(text), []);
        for (temporality, fitting) in all {
            let report = checked(text.as_bytes(), None, |against| against.temporality = Some(temporality));
            let findings = report.unwrap().findings;
            assert_eq!(findings.is_empty(), text == fitting, "{temporality:?}: {findings:?}");
            assert!(findings.iter().all(|finding| finding.rule == Rule::Temporality));
        }
    }
}

#[test]
fn a_metric_above_the_level_is_not_missed_and_none_where_there_are_no_metrics() {
    let only_sent = PUSH
        .replace(r#""name":"queued""#, r#""name":"sent""#)
        .replace(r#""name":"uptime""#, r#""name":"sent""#);
    let missing = |level| {
        let report = checked(only_sent.as_bytes(), None, |against| against.level = level).unwrap();
        report.findings.iter().filter(|finding| finding.rule == Rule::MissingMetric).count()
    };
    assert_eq!((missing(Level::Basic), missing(Level::Normal), missing(Level::Detailed)), (0, 1, 2));
    assert_eq!(found(TRACE), []);
}

#[test]
fn what_other_programs_tell_is_left_alone_and_counted() {
    let other = PUSH.replace("\"etalon\"", "\"shop\"");
    let report = checked([PUSH, &other].join("\n").as_bytes(), None, |_| {}).unwrap();
    assert_eq!((report.findings, report.foreign), (Vec::new(), 4));
    let error = checked(other.as_bytes(), None, |_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is nothing of etalon in it; 4 metrics, spans and log records of others are"
    );
}

#[test]
fn a_field_that_the_configuration_adds_is_no_finding_when_it_is_named() {
    let line = LINE.replacen('{', r#"{"team":"a","#, 1);
    assert_eq!(found(&line).len(), 1);
    let fields = vec!["team".to_owned()].leak();
    assert!(checked(line.as_bytes(), None, |against| against.fields = fields).unwrap().fits());
}

#[test]
fn a_finding_is_told_once_with_how_often_it_is_and_no_more_are_kept_than_the_limit() {
    let bad = LINE.replacen("\"info\"", "\"warn\"", 1);
    let report = checked([LINE, &bad, &bad, &bad].join("\n").as_bytes(), None, |_| {}).unwrap();
    let [finding] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!((finding.line, finding.times), (Some(2), 3));

    let many: Vec<String> = (0..MAX_FINDINGS + 7)
        .map(|number| LINE.replace("service.ready", &format!("service.{number}")))
        .collect();
    let report = checked(many.join("\n").as_bytes(), None, |_| {}).unwrap();
    assert_eq!((report.findings.len(), report.left_out), (MAX_FINDINGS, 7));
    let contract = contract();
    let told = Told { source: "log", contract: &contract, report: &report };
    let text = render(&told, Format::Text);
    assert!(text.contains("note: only the first 1000 findings are listed; there are 7 more\n"), "{text}");
    assert!(text.ends_with("1007 lines against etalon 0.1.0/log: 1007 findings\n"), "{text}");
}

#[test]
fn a_line_that_is_cut_is_found_and_the_rest_is_compared() {
    for (good, expected) in [
        (PUSH, "a whole request as JSON, on a line of its own"),
        (LINE, "a line of JSON, with level and msg"),
    ] {
        let text = [good, &good[..40], good].join("\n");
        let found = found(&text);
        let [(Rule::Malformed, Some(2), _, told)] = &found[..] else { panic!("{found:?}") };
        assert!(told.starts_with(expected), "{told}");
    }
    let wrong = PUSH.replacen(r#""asInt":"1""#, r#""asInt":[]"#, 1);
    let told = &found(&[PUSH, &wrong].join("\n"))[0].3;
    assert!(
        told.starts_with("a request of metrics; resourceMetrics[0].scopeMetrics[0].metrics[0]"),
        "{told}"
    );
    // The last word of a process that failed.
    assert_eq!(found(&format!("{LINE}\nError: it did not work\n")), []);
}

#[test]
fn a_report_is_written_for_people_for_programs_and_for_code_review() {
    let bad = LINE.replacen("\"info\"", "\"warn\"", 1);
    let (report, contract) = (checked(bad.as_bytes(), None, |_| {}).unwrap(), contract());
    let told = Told { source: "a log", contract: &contract, report: &report };
    assert_eq!(
        render(&told, Format::Text),
        "a log:1: error[severity]: service.ready: its severity is warn\n  = expected: info\n1 line, 1 event against etalon 0.1.0/log: 1 finding\n"
    );
    let json: Value = serde_json::from_str(&render(&told, Format::Json)).unwrap();
    assert_eq!((&json["counts"]["lines"], &json["findings"][0]["rule"]), (&1.into(), &"severity".into()));
    let sarif: Value = serde_json::from_str(&render(&told, Format::Sarif)).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "severity");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"a%20log".into(), &1.into())
    );
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Rule::ALL.len());
}
