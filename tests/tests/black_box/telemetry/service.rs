//! What is told of the program itself.

use std::net::TcpListener;

use etalon_tests::{Etalon, run};

use crate::forwarding_to;

#[test]
fn the_build_that_is_told_is_that_of_the_command_line() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    let printed = run(&["--version"]).stdout;
    let version = printed.split_whitespace().last().expect("a version");
    let labels =
        [("version", version), ("os_type", std::env::consts::OS), ("host_arch", std::env::consts::ARCH)];
    assert_eq!(etalon.scrape().sum("etalon_build_info", &labels), Some(1.0), "{printed}");
}

#[test]
fn the_end_of_support_is_that_of_the_releases() {
    let releases = include_str!("../../../../support/releases.json");
    let releases: serde_json::Value = serde_json::from_str(releases).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let current = releases.as_array().unwrap().iter().find(|release| release["version"] == version);
    let promised = current.expect("this version")["supported_until"].as_str();
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    let told = etalon.scrape().sum("etalon_support_end_timestamp", &[]);
    match promised {
        None => assert_eq!(told, Some(0.0), "no date is promised"),
        // The code generator has a test of the very second.
        Some(day) => {
            assert!(told.is_some_and(|told| told > 0.0 && told % 86_400.0 == 0.0), "{day}: {told:?}");
        }
    }
}

#[test]
fn lines_that_sampling_leaves_out_are_counted() {
    // The alias is warned of once for each signal, and no other line that sampling may leave out comes twice. Of a
    // destination that only listens, nothing is told.
    let destination = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = destination.local_addr().unwrap();
    let exporter = format!("  otlp: {{endpoint: '{address}', tls: {{insecure: true}}}}");
    let configuration = format!("yaml:{}", forwarding_to(&exporter, "otlp"));
    let start = |more: &[&str]| {
        let arguments = [&["--config", configuration.as_str()], more].concat();
        Etalon::start_with(&arguments, tempfile::tempdir().unwrap())
    };
    let suppressed = |etalon: &Etalon| etalon.scrape().count("etalon_log_suppressed_lines");
    let warned = |etalon: &Etalon| {
        let is_warning = |line: &&serde_json::Value| {
            line["msg"].as_str().is_some_and(|text| text.contains("alias is deprecated"))
        };
        etalon.lines().iter().filter(is_warning).count()
    };
    let all = start(&[]);
    assert_eq!((warned(&all), suppressed(&all)), (3, 0));
    let sampled = start(&["--set", "service.telemetry.logs.sampling={initial: 1, thereafter: 0, tick: 1h}"]);
    assert_eq!(warned(&sampled), 1);
    assert_eq!(suppressed(&sampled), 2);
}
