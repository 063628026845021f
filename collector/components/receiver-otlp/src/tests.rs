//! The receiver on real sockets: with tonic for gRPC, and bare HTTP.

mod configuration;
mod delivery;
mod forwarding;
mod memory;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etalon_component::{
    Batch, BoxError, BoxFuture, Budgets, BuildInfo, Component, Consumer, Host, Listening, Outcome, Settings,
    Stability,
};
use etalon_conf::{Check, Node};
use etalon_pdata::{LOGS, METRICS, Signal, TRACES};
use etalon_telemetry::Telemetry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;

const BOTH: &str = "protocols:\n  grpc:\n    endpoint: 127.0.0.1:0\n  http:\n    endpoint: 127.0.0.1:0\n";

/// What stands behind the receiver.
#[derive(Debug)]
struct Pipeline {
    batches: Mutex<Vec<Batch>>,
    /// What becomes of batches; nothing means a panic.
    outcome: Mutex<Option<Outcome>>,
    budgets: Mutex<Budgets>,
}

impl Pipeline {
    fn with(outcome: Outcome) -> Arc<Self> {
        Arc::new(Self {
            batches: Mutex::default(),
            outcome: Mutex::new(Some(outcome)),
            budgets: Mutex::default(),
        })
    }

    fn delivering() -> Arc<Self> {
        Self::with(Outcome::DELIVERED)
    }

    fn taken(&self) -> Vec<Batch> {
        std::mem::take(&mut self.batches.lock().unwrap())
    }

    fn answers(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap() = Some(outcome);
    }
}

impl Consumer for Pipeline {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        self.batches.lock().unwrap().push(batch);
        let outcome = self.outcome.lock().unwrap().clone();
        Box::pin(async move { outcome.expect("a panic, as asked") })
    }

    fn budgets(&self) -> Budgets {
        self.budgets.lock().unwrap().clone()
    }
}

/// A receiver in service.
struct Running {
    component: Arc<dyn Component>,
    listening: Vec<Listening>,
    telemetry: Telemetry,
}

impl Running {
    fn address(&self, protocol: &str) -> SocketAddr {
        let listening = self.listening.iter().find(|listening| listening.protocol == protocol);
        listening.unwrap().address.network().unwrap()
    }

    /// `accepted` and `refused` of a transport and a kind of items.
    fn counts(&self, transport: &str, items: &str) -> [u64; 2] {
        let text = self.telemetry.prometheus_text();
        ["accepted", "refused"].map(|verdict| {
            let series =
                format!("otelcol_receiver_{verdict}_{items}{{receiver=\"otlp\",transport=\"{transport}\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&series));
            line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
        })
    }
}

async fn try_start(yaml: &str, outputs: Vec<(Signal, Arc<dyn Consumer>)>) -> Result<Running, BoxError> {
    let factory = [TRACES, METRICS, LOGS]
        .into_iter()
        .fold(factory(), |factory, signal| factory.with_signal(signal, Stability::Stable));
    let config = factory.decode(&Node::parse("test.yaml", yaml)?)?;
    Check::run(&config)?;
    let telemetry = Telemetry::new(&[]);
    let settings = Settings {
        id: "otlp".parse()?,
        pipeline: None,
        build: BuildInfo { command: "etalon", description: "test", version: "0" },
        telemetry: telemetry.clone(),
        span: tracing::Span::none(),
    };
    let component = factory.create(settings, &config, outputs)?;
    let host = Host::new(mpsc::channel(1).0);
    component.start(&host).await?;
    Ok(Running { component, listening: host.listening(), telemetry })
}

async fn start(pipeline: &Arc<Pipeline>) -> Running {
    let outputs = [TRACES, METRICS, LOGS].map(|signal| (signal, pipeline.clone() as Arc<dyn Consumer>));
    try_start(BOTH, outputs.to_vec()).await.unwrap()
}

/// Status, header fields in lower case, body.
async fn post(address: SocketAddr, path: &str, content_type: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(received[..end].to_vec()).unwrap().to_lowercase();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head, received[end + 4..].to_vec())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}
