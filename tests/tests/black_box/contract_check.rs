//! `etalon contract check`.

use std::fs;
use std::net::SocketAddr;

use etalon_tests::{Etalon, Finished, HttpPeer, HttpReply, free_port, get, request, run};
use serde_json::Value;

use crate::forwarding_to;

const CLASSIC: &str = "text/plain;version=0.0.4";
const MODERN: &str = "text/plain;version=1.0.0;escaping=allow-utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

fn collector(options: &str) -> Etalon {
    let reader = format!("[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0{options}}}}}}}}}]");
    let exporters = "  otlp_http:\n    endpoint: http://127.0.0.1:1\n";
    Etalon::start_with_readers(&reader, &forwarding_to(exporters, "otlp_http"))
}

/// What is served to a client with this `Accept`.
fn scrape(from: SocketAddr, accept: &str) -> String {
    let head =
        format!("GET /metrics HTTP/1.1\r\nHost: {from}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    request(from, &head, &[]).expect("an answer").text()
}

/// Checks a text that is in a file.
fn check(text: impl AsRef<[u8]>, more: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scrape.txt");
    fs::write(&path, text).expect("a file can be written");
    run(&[&["contract", "check", &path.to_string_lossy()], more].concat())
}

#[test]
fn a_running_collector_fits_its_contract_in_each_exposition_and_format() {
    let suffixed = ", without_units: false, without_type_suffix: false, without_scope_info: false";
    for (options, exposition) in [("", "prometheus"), (suffixed, "prometheus-suffixed")] {
        let etalon = collector(options);
        let url = format!("http://{}/metrics", etalon.metrics());
        let of_url = run(&["contract", "check", &url]);
        assert_eq!((of_url.code(), of_url.stderr.as_str()), (0, ""), "{}", of_url.stdout);
        assert!(of_url.stdout.ends_with(&format!("/{exposition}: all fits\n")), "{}", of_url.stdout);
        for accept in [CLASSIC, MODERN, OPEN_METRICS] {
            let text = scrape(etalon.metrics(), accept);
            assert_eq!(text.ends_with("# EOF\n"), accept == OPEN_METRICS);
            let of_file = check(&text, &["--exposition", exposition, "--level", "detailed"]);
            assert_eq!(of_file.code(), 0, "{accept}: {}{}", of_file.stdout, of_file.stderr);
        }
    }
}

#[test]
fn each_forged_line_is_found_where_it_is() {
    let text = get(collector("").metrics(), "/metrics").text();
    for (from, to, rule) in [
        ("\notelcol_process_uptime ", "\notelcol_process_uptime = ", "malformed"),
        ("# HELP target_info", "otelcol_forged 1\n# HELP target_info", "undeclared-metric"),
        ("# TYPE otelcol_process_uptime counter\n", "# TYPE otelcol_process_uptime gauge\n", "type"),
        ("{result=\"applied\"} 0\n", "{result=\"refused\"} 0\n", "duplicate-series"),
        ("\notelcol_process_uptime ", "\notelcol_process_uptime{host=\"a\"} ", "undeclared-attribute"),
        ("\netalon_contract_info{version=\"", "\netalon_contract_info{release=\"", "missing-attribute"),
        ("{result=\"applied\"} 0\n", "{result=\"guessed\"} 0\n", "undeclared-value"),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        let forged = text.replacen(from, to, 1);
        let at = 1 + text.find(from).map_or(0, |at| text[..=at].matches('\n').count());
        let found = check(&forged, &["--format", "json"]);
        assert_eq!((found.code(), found.stderr.as_str()), (1, ""), "{rule}: {}", found.stdout);
        let report: Value = serde_json::from_str(&found.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings");
        let finding = findings.iter().find(|finding| finding["rule"] == rule);
        let finding = finding.unwrap_or_else(|| panic!("no {rule} in {report}"));
        let line = finding["line"].as_u64().expect("a line");
        // A line that tells the type is above its series, and the first of two series is the other one.
        assert!((at as u64..=at as u64 + 2).contains(&line), "{rule}: {at}, {finding}");
        let told = check(&forged, &[]);
        assert!(told.stdout.contains(&format!(":{line}: error[{rule}]: ")), "{}", told.stdout);
    }
}

#[test]
fn a_family_that_is_not_there_is_found_and_a_histogram_with_other_buckets() {
    let text = get(collector("").metrics(), "/metrics").text();
    let others: Vec<&str> = text.lines().filter(|line| !line.contains("etalon_config_reloads")).collect();
    let missing = check(others.join("\n"), &[]);
    assert!(missing.stdout.contains("scrape.txt: error[missing-metric]: etalon_config_reloads: it is not there\n  = expected: a counter that is there from the start\n"), "{}", missing.stdout);
    assert!(missing.stdout.ends_with(": 1 finding\n"), "{}", missing.stdout);

    let name = "otelcol_processor_batch_batch_send_size";
    let histogram = format!(
        "# TYPE {name} histogram\n{name}_bucket{{processor=\"batch\",le=\"+Inf\"}} 0\n{name}_sum{{processor=\"batch\"}} 0\n{name}_count{{processor=\"batch\"}} 0\n"
    );
    let other = check(histogram, &["--version", "otelcol@0.159"]);
    assert!(other.stdout.contains("scrape.txt:2: error[buckets]: "), "{}", other.stdout);
}

#[test]
fn the_version_is_the_one_that_the_collector_tells_unless_another_is_asked_for() {
    let newer = "etalon_contract_info{version=\"9.9.9\"} 1\n";
    let unknown = check(newer, &[]);
    assert_eq!((unknown.code(), unknown.stdout.as_str()), (2, ""));
    assert!(
        unknown
            .stderr
            .contains("tells of a contract that this program does not have: no contract is called \"9.9.9\""),
        "{}",
        unknown.stderr
    );
    let asked = check(newer, &["--version", "0.1.0/prometheus-suffixed"]);
    assert_eq!(asked.code(), 1);
    assert!(asked.stdout.contains(" against etalon 0.1.0/prometheus-suffixed: "), "{}", asked.stdout);
    let wrong = check(newer, &["--version", "0.1.0", "--exposition", "promethues"]);
    assert_eq!(wrong.code(), 2);
    assert!(wrong.stderr.contains("did you mean \"prometheus\"?"), "{}", wrong.stderr);
}

#[test]
fn what_is_only_there_above_the_level_is_not_missed() {
    let missing = |level| {
        let found = check("a 1\n", &["--version", "otelcol@0.159", "--level", level]);
        found.stdout.matches("error[missing-metric]").count()
    };
    assert!(missing("basic") < missing("normal"));
    assert!(missing("normal") <= missing("detailed"));
}

#[test]
fn what_cannot_be_read_is_told_with_a_status_of_its_own_and_without_a_password() {
    for (text, why) in [
        (&b""[..], "it is empty"),
        (b"# nothing", "there are no metrics of Prometheus in it"),
        (b"a 1\n\xff", "line 2 is not UTF-8"),
        (&b"x".repeat(70_000)[..], "line 1 is longer than 65536 bytes"),
        (&b"<p>\n".repeat(200)[..], "not metrics of Prometheus"),
    ] {
        let failed = check(text, &[]);
        assert_eq!((failed.code(), failed.stdout.as_str()), (2, ""));
        assert!(failed.stderr.contains(why), "{}", failed.stderr);
    }
    let missing = run(&["contract", "check", "missing.txt"]);
    assert_eq!(missing.code(), 2);
    assert!(missing.stderr.starts_with("Error: cannot read missing.txt: "), "{}", missing.stderr);
    // Standard input of the tests is empty.
    let empty = run(&["contract", "check", "-"]);
    assert_eq!(empty.code(), 2);
    assert_eq!(empty.stderr, "Error: cannot read standard input: it is empty\n");

    let port = free_port();
    let refused = run(&["contract", "check", &format!("http://user:secret@127.0.0.1:{port}/metrics")]);
    assert_eq!(refused.code(), 2);
    let told = format!("Error: cannot read http://127.0.0.1:{port}/metrics: cannot connect: ");
    assert!(refused.stderr.starts_with(&told), "{}", refused.stderr);
    let peer = HttpPeer::start();
    peer.always(HttpReply::status(404, &[], b""));
    let not_found = run(&["contract", "check", &format!("{}/metrics", peer.endpoint())]);
    assert_eq!(not_found.code(), 2);
    assert!(not_found.stderr.ends_with("status code: 404\n"), "{}", not_found.stderr);
}

/// What a collector pushes to standard output until it is stopped.
fn pushed() -> String {
    let readers = "[{periodic: {interval: 3600000, exporter: {console: {}}}}]";
    let exporters = "  otlp_http: {endpoint: 'http://127.0.0.1:1'}\n";
    Etalon::start_with_readers(readers, &forwarding_to(exporters, "otlp_http")).stop().stdout
}

#[test]
fn what_a_collector_pushes_fits_as_json_and_as_protobuf() {
    let capture = pushed().repeat(2);
    let fits = check(&capture, &[]);
    assert_eq!((fits.code(), fits.stderr.as_str()), (0, ""), "{}", fits.stdout);
    assert!(fits.stdout.starts_with("2 requests, "), "{}", fits.stdout);
    assert!(fits.stdout.ends_with("/otlp: all fits\n"), "{}", fits.stdout);
    let cumulative = check(&capture, &["--as", "otlp-json", "--temporality", "cumulative"]);
    assert_eq!(cumulative.code(), 0, "{}", cumulative.stdout);
    let delta = check(&capture, &["--temporality", "delta"]);
    assert_eq!(delta.code(), 1, "{}", delta.stdout);
    assert!(delta.stdout.contains(":1: error[temporality]: "), "{}", delta.stdout);

    let peer = HttpPeer::start();
    let otlp = format!("{{protocol: http/protobuf, endpoint: '{}'}}", peer.endpoint());
    let readers = format!("[{{periodic: {{interval: 3600000, exporter: {{otlp: {otlp}}}}}}}]");
    let exporters = "  otlp_http: {endpoint: 'http://127.0.0.1:1'}\n";
    Etalon::start_with_readers(&readers, &forwarding_to(exporters, "otlp_http")).stop();
    let binary = peer.arrived().remove(0).plain();
    for kind in [&[][..], &["--as", "otlp-metrics"]] {
        let fits = check(&binary, kind);
        assert_eq!(fits.code(), 0, "{}{}", fits.stdout, fits.stderr);
        assert!(fits.stdout.starts_with("1 request, "), "{}", fits.stdout);
    }
    let other = check(&binary, &["--as", "otlp-traces"]);
    assert_eq!(other.code(), 2, "{}", other.stdout);
    assert!(other.stderr.contains("it is no request of traces in protobuf: "), "{}", other.stderr);
}

#[test]
fn a_forged_push_is_found_on_its_line_and_shown_to_code_review() {
    let push = pushed();
    let forged = push.replacen("\"name\":\"otelcol_process_uptime\"", "\"name\":\"otelcol_process_up\"", 1);
    assert_ne!(push, forged);
    let found = check([push, forged].concat(), &["--format", "sarif"]);
    assert_eq!((found.code(), found.stderr.as_str()), (1, ""));
    let report: Value = serde_json::from_str(&found.stdout).expect("JSON");
    let [result] = &report["runs"][0]["results"].as_array().expect("results")[..] else { panic!("{report}") };
    assert_eq!(result["ruleId"], "undeclared-metric");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
}

#[test]
fn a_log_is_known_as_one_and_each_line_of_it_must_be_an_event() {
    let line = r#"{"level":"info","ts":"2026-11-20T08:30:00.125Z","msg":"hello","event.name":"hello.world"}"#;
    let found = check([line, line].join("\n"), &[]);
    assert_eq!(found.code(), 1, "{}", found.stderr);
    assert!(
        found
            .stdout
            .contains(":1: error[undeclared-event]: hello.world: the contract does not have it, 2 times\n"),
        "{}",
        found.stdout
    );
    let for_people = check("2026-11-20T08:30:00.125Z\tinfo\thello\n", &[]);
    assert_eq!(for_people.code(), 2);
    assert!(for_people.stderr.contains("service::telemetry::logs::encoding: json"), "{}", for_people.stderr);
}

#[test]
fn wrong_arguments_have_another_status_than_what_is_found() {
    for (arguments, why) in [
        (&["--version", "9.9.9"][..], "no contract is called \"9.9.9\""),
        (&["--as", "guess"], "invalid value 'guess'"),
        (&["--nothing"], "unknown flag: --nothing"),
        (&["--temporality", "delta"], "--temporality is for OTLP, and this is what Prometheus reads"),
        (&["--field", "a"], "--field is for a log, and this is what Prometheus reads"),
    ] {
        let failed = check("a 1\n", arguments);
        assert_eq!((failed.code(), failed.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(failed.stderr.starts_with(&format!("Error: {why}")), "{}", failed.stderr);
    }
    let log = check(r#"{"level":"info","msg":"m"}"#, &["--exposition", "prometheus"]);
    assert_eq!(log.code(), 2);
    assert_eq!(log.stderr, "Error: an exposition is for what Prometheus reads, and this is a log\n");
    for arguments in
        [&["show", "--version", "9.9.9"][..], &["diff", "a", "b"], &["diff"], &["lint"], &["guess"]]
    {
        assert_eq!(run(&[&["contract"], arguments].concat()).code(), 2, "{arguments:?}");
    }
    // As the Go collector has it.
    assert_eq!(run(&["components", "--nothing"]).code(), 1);
}
