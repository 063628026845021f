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
        "featuregate",
        "completion",
        "contract",
        "help",
        "send",
        "--config",
        "--set",
        "--feature-gates",
        "--version",
    ] {
        assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
    }
    assert_eq!(help.stderr, "");
    assert_eq!(run(&["help"]).stdout, help.stdout);
    let of_command = run(&["help", "print-config"]);
    assert!(of_command.stdout.contains("--format") && of_command.code() == 0, "{of_command:?}");
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
fn a_wrong_command_line_is_told_in_the_words_of_the_go_collector() {
    let cases: &[(&[&str], &str)] = &[
        (&["valdate"], "unknown command \"valdate\" for \"etalon\"\n\nDid you mean this?\n\tvalidate"),
        (&["--confg"], "unknown flag: --confg\n\nDid you mean this?\n\t--config"),
        (&["validate", "-x"], "unknown shorthand flag: -x"),
        (&["-config", "a.yaml"], "unknown shorthand flag: -c"),
        (&["--config"], "flag needs an argument: --config"),
        (&["components", "--config", "a.yaml"], "unknown flag: --config"),
        (&["--config", "a.yaml", "components"], "unknown flag: --config"),
        (&["print-config", "--format", "xml"], "unrecognized print format: xml"),
        (&["print-config", "--mode", "open"], "invalid mode \"open\": modes are: redacted, unredacted"),
        (&["featuregate", "no.such.gate"], "feature \"no.such.gate\" not found"),
        (&["--set", "a.b"], "invalid argument \"a.b\" for \"--set\" flag: missing equal sign"),
    ];
    for (arguments, wanted) in cases {
        let failed = run(arguments);
        assert_eq!((failed.code(), failed.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(failed.stderr.starts_with(&format!("Error: {wanted}")), "{arguments:?}: {}", failed.stderr);
    }
}

#[test]
fn flags_may_stand_before_and_after_a_command() {
    let configuration = format!("yaml:{}", forwarding_to("  debug:", "debug"));
    let (format, set) = ("--format=json", "exporters.debug.sampling_initial=7");
    let after = run(&["print-config", format, "--config", &configuration, "--set", set]);
    let before = run(&["--set", set, "--config", &configuration, "print-config", format]);
    assert_eq!(after.code(), 0, "{}", after.stderr);
    assert!(after.stdout.contains("\"sampling_initial\": 7"), "{}", after.stdout);
    assert_eq!(before.stdout, after.stdout);
}

#[test]
fn each_shell_gets_a_completion_script() {
    for shell in ["bash", "fish", "powershell", "zsh"] {
        let script = run(&["completion", shell]);
        assert_eq!(script.code(), 0, "{}", script.stderr);
        for word in ["etalon", "print-config", "feature-gates"] {
            assert!(script.stdout.contains(word), "{word} is not in the script for {shell}");
        }
    }
}

#[test]
fn featuregate_lists_the_gates_and_tells_of_one() {
    let table = run(&["featuregate"]);
    assert_eq!(table.code(), 0);
    let mut lines = table.stdout.lines();
    let header: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["ID", "Enabled", "Stage", "Description"]);
    let ids: Vec<&str> = lines.filter_map(|line| line.split("  ").next()).collect();
    assert!(ids.is_sorted() && ids.contains(&"service.AllowNoPipelines"), "{ids:?}");
    let gate = run(&["featuregate", "confmap.enableMergeAppendOption"]);
    let labels: Vec<&str> =
        gate.stdout.lines().filter_map(|line| line.split_once(": ")).map(|(label, _)| label).collect();
    assert_eq!(labels, ["Feature", "Enabled", "Stage", "Description", "From Version"]);
    assert!(gate.stdout.contains("Enabled: false\nStage: Alpha\n"), "{}", gate.stdout);
}

#[test]
fn a_gate_does_what_it_says_or_says_why_not() {
    let base = format!("yaml:{}", forwarding_to("  nop:\n  debug:", "nop"));
    let site = "yaml:service::pipelines::logs::exporters: [nop, debug]";
    let print = ["print-config", "--format=json", "--config", &base, "--config", site];
    let exporters = |gates: &str| {
        let printed = run(&[&print[..], &["--feature-gates", gates]].concat());
        let tree: Value = serde_json::from_str(&printed.stdout).unwrap_or_else(|_| panic!("{printed:?}"));
        tree["service"]["pipelines"]["logs"]["exporters"].clone()
    };
    let append = "yaml:service::pipelines::logs::exporters: [debug]";
    let print_append = ["print-config", "--format=json", "--config", &base, "--config", append];
    let appended = run(&[&print_append[..], &["--feature-gates=+confmap.enableMergeAppendOption"]].concat());
    let tree: Value = serde_json::from_str(&appended.stdout).unwrap();
    assert_eq!(tree["service"]["pipelines"]["logs"]["exporters"], serde_json::json!(["nop", "debug"]));
    assert_eq!(
        exporters("confmap.enableMergeAppendOption"),
        serde_json::json!(["nop", "debug"]),
        "no duplicates"
    );

    let none = ["validate", "--config", "yaml:receivers: {nop: }"];
    assert!(run(&none).stderr.contains("service must have at least one pipeline"));
    assert_eq!(run(&[&none[..], &["--feature-gates", "service.AllowNoPipelines"]].concat()).code(), 0);

    let valid = ["validate", "--config", &base];
    for (gates, code, wanted) in [
        ("pdata.useProtoPooling", 0, "has no effect in this distribution."),
        ("service.partialReload", 0, "is stable and already enabled."),
        ("-service.partialReload", 1, "is stable, can not be disabled: a reload always keeps"),
        ("service.profilesSupport", 1, "can not be enabled: the signal profiles is not supported yet"),
        ("-service.profilesSupport", 0, ""),
        (
            "service.AllowNoPipelines,,x",
            1,
            "empty feature gate identifier at index 1; no such feature gate \"x\"",
        ),
    ] {
        let ended = run(&[&valid[..], &["--feature-gates", gates]].concat());
        assert_eq!(ended.code(), code, "{gates}: {ended:?}");
        assert!(ended.stderr.contains(wanted), "{gates}: {ended:?}");
    }
}

#[test]
fn a_pipeline_of_profiles_names_the_gate() {
    let configuration =
        forwarding_to("  nop:", "nop") + "    profiles: {receivers: [otlp], exporters: [nop]}\n";
    let failed = run(&["validate", "--config", &format!("yaml:{configuration}")]);
    assert_eq!(failed.code(), 1);
    assert!(
        failed.stderr.contains("gated under the \"service.profilesSupport\" feature gate"),
        "{}",
        failed.stderr
    );
}

#[test]
fn an_unknown_feature_gate_is_an_error_that_names_the_valid_ones() {
    let failed = run(&["--feature-gates", "no.such.gate"]);
    assert_eq!(failed.code(), 1);
    assert!(
        failed.stderr.starts_with(
            "Error: invalid argument \"no.such.gate\" for \"--feature-gates\" flag: no such feature gate \"no.such.gate\". valid gates: ["
        ),
        "{}",
        failed.stderr
    );
}

#[test]
fn components_lists_what_is_built_in_as_yaml() {
    let components = run(&["components"]);
    assert_eq!(components.code(), 0);
    for line in ["buildinfo:", "receivers:", "exporters:", "connectors:", "providers:"] {
        assert!(
            components.stdout.lines().any(|found| found == line),
            "{line} is not in\n{}",
            components.stdout
        );
    }
    let names: Vec<&str> =
        components.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("- name: ")).collect();
    for name in ["otlp", "debug", "nop", "otlp_grpc", "otlp_http", "forward"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for pair in ["logs-to-logs: Stable", "logs-to-metrics: Undefined", "traces-to-traces: Stable"] {
        assert!(components.stdout.lines().any(|line| line.trim() == pair), "{pair} is not in it");
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
fn print_config_writes_durations_for_people_in_yaml_and_in_nanoseconds_in_json() {
    let exporter =
        "  otlp_http: {endpoint: 'http://backend:4318', timeout: 90s, sending_queue: {enabled: false}}";
    let configuration = format!("yaml:{}", forwarding_to(exporter, "otlp_http"));
    let yaml = run(&["print-initial-config", "--format=yaml", "--config", &configuration]);
    assert!(yaml.stdout.contains("    timeout: 1m30s\n"), "{}", yaml.stdout);
    assert!(yaml.stdout.contains("    sending_queue: {enabled: false}\n"), "{}", yaml.stdout);
    assert!(yaml.stdout.ends_with("\n\n"), "a blank line follows");
    let json = run(&["print-config", "--format=json", "--config", &configuration]);
    assert!(json.stdout.contains("\"timeout\": 90000000000"), "{}", json.stdout);
}

#[test]
fn print_config_validates_unless_told_otherwise() {
    let invalid = forwarding_to("  nop:", "nop").replace("exporters: [nop]", "exporters: []");
    let invalid = format!("yaml:{invalid}");
    let refused = run(&["print-config", "--config", &invalid]);
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.starts_with("Error: invalid configuration:"), "{}", refused.stderr);
    for mode in ["redacted", "Unredacted"] {
        let printed = run(&["print-config", "--validate=false", "--mode", mode, "--config", &invalid]);
        assert_eq!(printed.code(), 0, "{}", printed.stderr);
        assert!(printed.stdout.contains("exporters: []"), "{}", printed.stdout);
    }
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
