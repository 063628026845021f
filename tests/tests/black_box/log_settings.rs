//! `service.telemetry.logs`: each key, by what it changes about the lines of a start that fails.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use etalon_tests::{Finished, binary, eventually, free_port, run_in};
use serde_json::Value;

use crate::forwarding_to;

/// What a collector writes that starts with these settings, and ends because its metrics port is taken.
fn start_with(folder: &Path, settings: &str) -> Finished {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
    let exporter = "  otlp: {endpoint: 'localhost:1', tls: {insecure: true}}";
    let configuration = format!("yaml:{}", forwarding_to(exporter, "otlp"));
    let reader = format!(
        "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]",
        taken.local_addr().expect("it is bound").port()
    );
    let logs = format!("service.telemetry.logs={settings}");
    let ended = run_in(folder, &["--config", &configuration, "--set", &reader, "--set", &logs], &[]);
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("Error: "), "{}", ended.stderr);
    ended
}

/// The lines that are no error of the command.
fn lines(settings: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = start_with(folder.path(), settings);
    ended
        .stderr
        .lines()
        .filter(|line| line.contains('\t') || line.starts_with('{'))
        .map(ToOwned::to_owned)
        .collect()
}

fn starting(settings: &str) -> String {
    let lines = lines(settings);
    lines.iter().find(|line| line.contains("Starting etalon")).unwrap_or_else(|| panic!("{lines:?}")).clone()
}

#[test]
fn level_leaves_out_what_is_less_severe() {
    let is_there = |settings, what: &str| lines(settings).iter().any(|line| line.contains(what));
    assert!(is_there("{}", "Starting etalon"));
    assert!(is_there("{level: warn}", "alias is deprecated"));
    assert!(!is_there("{level: warn}", "Starting etalon"));
    assert!(!is_there("{level: error}", "alias is deprecated"));
}

#[test]
fn encoding_is_text_for_people_or_json() {
    let console = starting("{}");
    let columns: Vec<&str> = console.split('\t').collect();
    assert_eq!((columns[1], columns[3], columns.len()), ("info", "Starting etalon...", 5), "{console}");
    let json: Value = serde_json::from_str(&starting("{encoding: json}")).unwrap();
    assert_eq!((&json["level"], &json["msg"]), (&Value::from("info"), &Value::from("Starting etalon...")));
}

#[test]
fn disable_caller_leaves_out_the_place_in_the_code() {
    let caller = starting("{}").split('\t').nth(2).unwrap().to_owned();
    let (file, line) = caller.rsplit_once(':').unwrap();
    assert!(file.starts_with("etalon/") && line.parse::<u32>().is_ok(), "{caller}");
    assert!(!starting("{disable_caller: true}").contains(file));
    assert!(starting("{encoding: json}").contains("\"caller\":\"etalon/"));
}

#[test]
fn initial_fields_are_in_every_line() {
    let line: Value =
        serde_json::from_str(&starting("{encoding: json, initial_fields: {site: berlin, rack: 7}}")).unwrap();
    assert_eq!((&line["site"], &line["rack"]), (&Value::from("berlin"), &Value::from(7)));
}

#[test]
fn disable_zap_resource_leaves_out_the_resource() {
    assert!(starting("{}").contains("\"resource\":{\"service.instance.id\":"));
    assert!(!starting("{disable_zap_resource: true}").contains("resource"));
}

#[test]
fn sampling_thins_out_the_same_message() {
    let warnings =
        |settings| lines(settings).iter().filter(|line| line.contains("alias is deprecated")).count();
    assert_eq!(warnings("{}"), 3, "one for each signal");
    assert_eq!(warnings("{sampling: {initial: 1, thereafter: 0, tick: 1h}}"), 1);
    assert_eq!(warnings("{sampling: {initial: 1, thereafter: 2, tick: 1h}}"), 2);
    assert_eq!(
        warnings("{sampling: {initial: 1, thereafter: 0, tick: 1ns}}"),
        3,
        "each in a window of its own"
    );
    assert_eq!(warnings("{sampling: {enabled: false, initial: 1, thereafter: 0, tick: 1h}}"), 3);
}

#[test]
fn output_paths_are_streams_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let ended = start_with(folder.path(), "{output_paths: [stdout, one.log, 'file://two.log']}");
    let has_it = |text: &str| text.contains("Starting etalon...");
    assert!(has_it(&ended.stdout) && !has_it(&ended.stderr), "{ended:?}");
    for file in ["one.log", "two.log"] {
        assert!(has_it(&std::fs::read_to_string(folder.path().join(file)).unwrap()), "{file}");
    }
    let ended = start_with(folder.path(), "{output_paths: [no/such/folder/one.log]}");
    assert!(
        ended.stderr.contains("failed to create logger: cannot open \"no/such/folder/one.log\""),
        "{ended:?}"
    );
}

#[test]
fn error_output_paths_tell_that_a_line_could_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    start_with(folder.path(), "{output_paths: [/dev/full], error_output_paths: [errors.log]}");
    let errors = std::fs::read_to_string(folder.path().join("errors.log")).unwrap();
    assert!(errors.contains("write error: No space left on device"), "{errors}");
}

#[test]
fn no_line_carries_a_stack_trace_whatever_development_and_disable_stacktrace_say() {
    for settings in ["{development: true}", "{disable_stacktrace: false}", "{disable_stacktrace: true}"] {
        assert!(!lines(settings).concat().contains("stacktrace"), "{settings}");
    }
}

#[test]
fn processors_send_the_lines_besides() {
    let folder = tempfile::tempdir().unwrap();
    let ended = start_with(folder.path(), "{processors: [{batch: {exporter: {console: {}}}}]}");
    let sent: Value = serde_json::from_str(&ended.stdout).expect("one line of JSON");
    let records = &sent["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    let bodies = records.as_array().expect("records").iter().map(|record| &record["body"]["stringValue"]);
    for body in bodies {
        assert!(ended.stderr.contains(body.as_str().expect("text")), "{body} is written, too");
    }
}

#[test]
fn a_collector_whose_log_nobody_reads_runs_all_the_same() {
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let port = free_port();
    let configuration = format!("yaml:{}", forwarding_to("  nop:", "nop"));
    let mut child = Command::new(binary())
        .args(["--config", &configuration, "--set", "service.telemetry.metrics.level=none", "--set"])
        .arg(format!("receivers.otlp.protocols.http.endpoint=127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stderr(writer)
        .spawn()
        .expect("the binary can be run");
    eventually("that it listens", || TcpStream::connect(("127.0.0.1", port)).ok());
    let kill = format!("kill -TERM {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh can be run").success());
    assert_eq!(child.wait().expect("a child can be waited for").code(), Some(0));
}
