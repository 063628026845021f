//! Commands, flags and exit codes.

use std::net::TcpListener;

use etalon_tests::{Etalon, run};
use serde_json::Value;

use crate::forwarding_to;

#[test]
fn help_names_every_command_and_flag_and_exits_0() {
    let help = run(&["--help"]);
    assert_eq!(help.code(), 0);
    for word in [
        "validate",
        "components",
        "print-config",
        "send",
        "--config",
        "--set",
        "--feature-gates",
        "--version",
    ] {
        assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
    }
    assert_eq!(help.stderr, "");
}

#[test]
fn version_is_one_line_of_name_and_version() {
    let version = run(&["--version"]);
    assert_eq!(version.code(), 0);
    let numbers = version.stdout.trim_end().strip_prefix("etalon version ").expect("name and version");
    assert_eq!(numbers.split('.').count(), 3, "{numbers}");
    assert_eq!(run(&["-v"]).stdout, version.stdout);
}

#[test]
fn an_unknown_flag_and_an_unknown_command_are_errors() {
    for (arguments, wanted) in [(["--confg"], "--confg"), (["valdate"], "valdate")] {
        let failed = run(&arguments);
        assert_eq!(failed.code(), 1);
        assert_eq!(failed.stdout, "");
        assert!(failed.stderr.starts_with("Error: "), "{}", failed.stderr);
        assert!(failed.stderr.contains(wanted), "{}", failed.stderr);
    }
}

#[test]
fn a_set_without_a_value_is_an_error() {
    let failed = run(&["--set", "exporters.debug.verbosity"]);
    assert_eq!(failed.code(), 1);
    assert!(failed.stderr.contains("missing equal sign"), "{}", failed.stderr);
}

#[test]
fn an_unknown_feature_gate_is_an_error_that_names_the_valid_ones() {
    let failed = run(&["--feature-gates", "no.such.gate"]);
    assert_eq!(failed.code(), 1);
    assert!(
        failed.stderr.starts_with("Error: no such feature gate \"no.such.gate\". valid gates: ["),
        "{}",
        failed.stderr
    );
}

#[test]
fn components_lists_what_is_built_in_as_yaml() {
    let components = run(&["components"]);
    assert_eq!(components.code(), 0);
    for line in ["buildinfo:", "receivers:", "exporters:", "providers:"] {
        assert!(
            components.stdout.lines().any(|found| found == line),
            "{line} is not in\n{}",
            components.stdout
        );
    }
    let names: Vec<&str> =
        components.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("- name: ")).collect();
    for name in ["otlp", "debug", "nop", "otlp_grpc", "otlp_http"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert_eq!(run(&["components"]).stdout, components.stdout);
}

#[test]
fn validate_says_nothing_about_a_valid_configuration() {
    let configuration = format!("yaml:{}", forwarding_to("  debug:", "debug"));
    let valid = run(&["validate", "--config", &configuration]);
    assert_eq!((valid.code(), valid.stdout.as_str(), valid.stderr.as_str()), (0, "", ""));
}

#[test]
fn validate_binds_nothing() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = taken.local_addr().unwrap();
    let configuration = format!("yaml:{}", forwarding_to("  debug:", "debug"));
    let set = format!("receivers.otlp.protocols.grpc.endpoint={endpoint}");
    let valid = run(&["validate", "--config", &configuration, "--set", &set]);
    assert_eq!(valid.code(), 0, "{}", valid.stderr);
}

#[test]
fn print_config_fills_in_defaults_and_hides_secrets() {
    let exporters =
        "  otlp_grpc:\n    endpoint: backend:4317\n    headers: {authorization: Bearer verysecret}";
    let configuration = format!("yaml:{}", forwarding_to(exporters, "otlp_grpc"));
    let printed = run(&["print-config", "--config", &configuration]);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    assert!(!printed.stdout.contains("verysecret"), "{}", printed.stdout);
    assert!(printed.stdout.contains("[REDACTED]"), "{}", printed.stdout);
    assert!(printed.stdout.contains("endpoint: backend:4317"), "{}", printed.stdout);
    assert!(printed.stdout.contains("sending_queue:"), "{}", printed.stdout);
    let unredacted = run(&["print-config", "--mode", "unredacted", "--config", &configuration]);
    assert!(unredacted.stdout.contains("Bearer verysecret"), "{}", unredacted.stdout);
}

#[test]
fn what_print_config_prints_is_a_configuration_that_means_the_same() {
    let configuration =
        format!("yaml:{}", forwarding_to("  otlp_http:\n    endpoint: http://backend:4318", "otlp_http"));
    let printed = run(&["print-config", "--config", &configuration]);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    let again = run(&["print-config", "--config", &format!("yaml:{}", printed.stdout)]);
    assert_eq!(again.code(), 0, "{}", again.stderr);
    assert_eq!(again.stdout, printed.stdout);
}

#[test]
fn print_config_prints_json_when_asked() {
    let configuration = format!("yaml:{}", forwarding_to("  debug:", "debug"));
    let printed = run(&["print-config", "--format", "JSON", "--config", &configuration]);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    let tree: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!(tree["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"], "127.0.0.1:0");
    assert_eq!(tree["service"]["pipelines"]["traces"]["receivers"][0], "otlp");
}

#[test]
fn the_default_listens_where_otlp_is_expected() {
    let printed = run(&["print-config", "--format", "json"]);
    assert_eq!(printed.code(), 0, "{}", printed.stderr);
    let tree: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let protocols = &tree["receivers"]["otlp"]["protocols"];
    assert_eq!(protocols["grpc"]["endpoint"], "127.0.0.1:4317");
    assert_eq!(protocols["http"]["endpoint"], "127.0.0.1:4318");
    let reader = &tree["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"];
    assert_eq!((&reader["host"], &reader["port"]), (&Value::from("localhost"), &Value::from(8888)));
}

#[test]
fn send_reports_a_destination_that_is_not_there() {
    let endpoint = format!("127.0.0.1:{}", etalon_tests::free_port());
    for protocol in ["grpc", "http"] {
        let sent = run(&["send", "--protocol", protocol, "--endpoint", &endpoint, "--timeout", "5s"]);
        assert_eq!(sent.code(), 1, "{sent:?}");
        assert!(sent.stderr.contains("Error: "), "{sent:?}");
    }
}

#[test]
fn send_reports_what_a_collector_accepts() {
    let etalon = Etalon::start(&forwarding_to("  debug:", "debug"));
    for (protocol, address) in [("grpc", etalon.grpc()), ("http", etalon.http())] {
        let sent = run(&["send", "--protocol", protocol, "--endpoint", &address.to_string()]);
        assert_eq!(sent.code(), 0, "{sent:?}");
        for signal in ["traces", "metrics", "logs"] {
            assert!(sent.stdout.contains(signal), "{sent:?}");
        }
    }
    let scrape = etalon.scrape();
    for items in ["spans", "metric_points", "log_records"] {
        assert_eq!(scrape.count(&format!("otelcol_receiver_accepted_{items}")), 2, "{items}");
    }
    assert_eq!(etalon.stop().code(), 0);
}
