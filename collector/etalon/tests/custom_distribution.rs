//! Runs the example distribution: its processor is listed, configured, and does its work.

#![expect(clippy::unwrap_used, reason = "a test stops where its assumptions do not hold")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Cargo builds the examples before the tests of a package, and puts them beside the tests' folder.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/custom_distribution")
}

/// A running process, killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts the example with its own file, on ports that the system chooses, and returns that of OTLP/HTTP.
fn start(settings: &[&str]) -> (Running, u16) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/custom_distribution.yaml");
    let mut command = Command::new(example());
    command.args(["--config", file]);
    let ours = [
        "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
        "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
        "service.telemetry={logs: {encoding: json}, metrics: {level: none}}",
    ];
    for setting in ours.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    let mut child = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut port = None;
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["msg"] == "Starting HTTP server" {
            port = line["endpoint"].as_str().unwrap().rsplit(':').next().unwrap().parse().ok();
        }
        if line["msg"] == "Everything is ready. Begin running and processing data." {
            break;
        }
    }
    (child, port.unwrap())
}

/// Posts a request with this many spans, and returns the answer.
fn post_spans(port: u16, spans: usize) -> String {
    let span = r#"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"s"}"#;
    let body =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, vec![span; spans].join(","));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_processor_is_listed_under_the_name_of_the_distribution() {
    let output = Command::new(example()).arg("components").output().unwrap();
    let inventory = String::from_utf8(output.stdout).unwrap();
    assert!(inventory.contains("command: custom-distribution"), "{inventory}");
    assert!(inventory.contains("name: items_max"), "{inventory}");
}

#[test]
fn the_processor_lets_small_requests_pass_and_rejects_large_ones() {
    let (_running, port) = start(&["processors.items_max.items=2"]);
    let accepted = post_spans(port, 2);
    assert!(accepted.starts_with("HTTP/1.1 200"), "{accepted}");
    let rejected = post_spans(port, 3);
    assert!(rejected.starts_with("HTTP/1.1 400"), "{rejected}");
    assert!(rejected.contains("this collector takes 2 at most; send smaller batches"), "{rejected}");
}

#[test]
fn the_configuration_of_the_processor_is_validated_like_any_other() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/custom_distribution.yaml");
    let command = ["validate", "--config", file, "--set", "processors.items_max.items=0"];
    let output = Command::new(example()).args(command).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("processors::items_max::items: must be positive"), "{error}");
}
