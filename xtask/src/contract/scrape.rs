//! What the program answers to a reader of each exposition.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use etalon_telemetry_schema::{Contract, Escaping, Exposition};
use serde_json::Value;

use super::Result;
use crate::command::{Places, cargo, succeed};

/// Longest time that an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer, in bytes.
const ANSWER_MAX: u64 = 16 << 20;

/// A pipeline with something of each kind: no data comes, so that all that is seen is there from the start.
const CONFIGURATION: &str = "yaml:{
  receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}},
  exporters: {otlp_grpc: {endpoint: '127.0.0.1:1', tls: {insecure: true}}, otlp_http: {endpoint: 'http://127.0.0.1:1'}},
  service: {pipelines: {
    traces: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]},
    metrics: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]},
    logs: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}}}}";

/// A program that ends with this.
struct Running(Child);

/// Builds the program, and reads each exposition of it: its name, and what is served.
pub(super) fn all(places: &Places, contract: &Contract) -> Result<Vec<(String, String)>> {
    succeed(
        cargo().args(["build", "--quiet", "--package=etalon", "--bin=etalon"]).current_dir(&places.root),
    )?;
    let program = places.target.join("debug/etalon");
    let one = |exposition: &Exposition| {
        let mut command = Command::new(&program);
        command.args(["--config", CONFIGURATION, "--set", &reader(exposition)]);
        Ok((exposition.id.clone(), scrape(&mut command, exposition)?))
    };
    contract.expositions.iter().map(one).collect()
}

/// The flag that makes the program serve an exposition, on a port of the system's choice.
fn reader(exposition: &Exposition) -> String {
    let options = format!(
        "host: 127.0.0.1, port: 0, without_units: {}, without_type_suffix: {}, without_scope_info: {}",
        !exposition.unit_suffix,
        !exposition.type_suffix,
        exposition.scope_labels.is_empty(),
    );
    format!("service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{{options}}}}}}}}}]")
}

fn scrape(command: &mut Command, exposition: &Exposition) -> Result<String> {
    let logs = ["--set", "service.telemetry.logs.encoding=json"];
    let command = command.args(logs).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running(command.spawn()?);
    let stderr = running.0.stderr.take().ok_or("standard error is not piped")?;
    let (mut address, mut told) = (None, String::new());
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
        if parsed["msg"] == "Serving metrics" {
            address = parsed["endpoint"].as_str().map(str::to_owned);
        }
        if parsed["msg"].as_str().is_some_and(|message| message.starts_with("Everything is ready")) {
            break;
        }
        told.push_str(&line);
        told.push('\n');
    }
    let address = address.ok_or_else(|| format!("{} does not serve metrics:\n{told}", exposition.id))?;
    let accept = match exposition.escaping {
        Escaping::Underscores => "text/plain;version=0.0.4",
        Escaping::Utf8 => "text/plain;version=1.0.0;escaping=allow-utf-8",
    };
    get(&address, accept)
}

/// The body of what is at `/metrics`.
fn get(address: &str, accept: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_MAX).read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.lines().next().is_some_and(|line| line.contains(" 200 ")) => {
            Ok(body.to_owned())
        }
        _ => Err(format!("GET /metrics: {answer}").into()),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
