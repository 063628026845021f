//! The program, started to be read: what it serves and what it pushes.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::Result;

/// Longest time that an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer, in bytes.
const ANSWER_MAX: u64 = 16 << 20;

/// A pipeline with something of each kind: no data comes, so that all that is seen is there from the start. Nothing of it
/// is of the machine or of the moment.
const CONFIGURATION: &str = "yaml:{
  receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}},
  exporters: {otlp_grpc: {endpoint: '127.0.0.1:1', tls: {insecure: true}}, otlp_http: {endpoint: 'http://127.0.0.1:1'}},
  service: {
    telemetry: {
      resource: {service.instance.id: 00000000-0000-0000-0000-000000000000},
      logs: {encoding: json}},
    pipelines: {
      traces: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]},
      metrics: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]},
      logs: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}}}}";

/// A program that ends with this.
pub(super) struct Running {
    child: Child,
    /// Where it serves metrics; nothing when no reader asks it to.
    address: Option<String>,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts the program with a reader of its metrics, and waits until all of it is ready.
    pub(super) fn start(program: &Path, reader: &str) -> Result<Self> {
        let reader = format!("service.telemetry.metrics.readers=[{reader}]");
        let mut command = Command::new(program);
        command.args(["--config", CONFIGURATION, "--set", &reader]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("standard output is not piped")?;
        let stderr = child.stderr.take().ok_or("standard error is not piped")?;
        let mut running = Self { child, address: None, stdout: BufReader::new(stdout).lines() };
        let mut told = String::new();
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
            if parsed["event.name"] == "telemetry.metrics.listening" {
                running.address = parsed["endpoint"].as_str().map(str::to_owned);
            }
            if parsed["event.name"] == "service.ready" {
                return Ok(running);
            }
            told.push_str(&line);
            told.push('\n');
        }
        Err(format!("it does not become ready with the reader {reader}:\n{told}").into())
    }

    /// The next line that it writes to its standard output.
    pub(super) fn line(&mut self) -> Result<String> {
        Ok(self.stdout.next().ok_or("it writes no line")??)
    }

    /// The body of what is at `/metrics`.
    pub(super) fn metrics(&self, accept: &str) -> Result<String> {
        let address = self.address.as_deref().ok_or("it does not serve metrics")?;
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
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
