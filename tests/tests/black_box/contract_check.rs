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
        ("# HELP target_info", "otelcol_forged 1\n# HELP target_info", "undeclared-family"),
        ("# TYPE otelcol_process_uptime counter\n", "# TYPE otelcol_process_uptime gauge\n", "type"),
        ("{result=\"applied\"} 0\n", "{result=\"refused\"} 0\n", "duplicate-series"),
        ("\notelcol_process_uptime ", "\notelcol_process_uptime{host=\"a\"} ", "undeclared-label"),
        ("\netalon_contract_info{version=\"", "\netalon_contract_info{release=\"", "missing-label"),
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
    assert!(missing.stdout.contains("scrape.txt: error[missing-family]: etalon_config_reloads: it is not there\n  = expected: a counter that is there from the start\n"), "{}", missing.stdout);
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
    assert_eq!(wrong.code(), 1);
    assert!(wrong.stderr.contains("did you mean \"prometheus\"?"), "{}", wrong.stderr);
}

#[test]
fn what_is_only_there_above_the_level_is_not_missed() {
    let missing = |level| {
        let found = check("a 1\n", &["--version", "otelcol@0.159", "--level", level]);
        found.stdout.matches("error[missing-family]").count()
    };
    assert!(missing("basic") < missing("normal"));
    assert!(missing("normal") <= missing("detailed"));
}

#[test]
fn what_cannot_be_read_is_told_with_a_status_of_its_own_and_without_a_password() {
    for (text, why) in [
        (&b""[..], "there are no metrics of Prometheus in it"),
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
    assert!(empty.stderr.starts_with("Error: cannot read standard input: there are no"), "{}", empty.stderr);

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
