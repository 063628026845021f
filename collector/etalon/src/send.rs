//! `etalon send`: sends samples to an OTLP endpoint and reports what comes back.
//!
//! It uses the very exporters that pipelines use, with queue and retries off, so that what works here
//! works there.

mod report;
mod sample;

use std::time::Duration;

use clap::{Args, ValueEnum};
use etalon_component::{Batch, BuildInfo, ComponentId, ExporterFactory, Host, Settings, Stage};
use etalon_conf::{Content, Node, Problems};
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use tokio::time::{Instant, MissedTickBehavior};

use crate::Distribution;
use report::{Answers, Report};

/// Longest time that the exporter may take to close its connections.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The arguments of `send`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon send                                               To a collector on this machine, over gRPC
  etalon send --protocol http                               The same over HTTP
  etalon send --endpoint https://otlp.example.com:4317 --header authorization='Bearer TOKEN'
  etalon send --signal logs --count 1000 --rate 100         1,000 log records, 100 a second

Exit status: 0 when everything was accepted, 1 when anything was not.")]
pub(crate) struct SendArgs {
    /// Where to send: host:port or a URL. https:// means TLS; http:// or no scheme means plaintext,
    /// unless a TLS option is given [default: 127.0.0.1:4317, or 127.0.0.1:4318 for HTTP]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// What to speak
    #[arg(long, value_enum, default_value_t = Protocol::Grpc)]
    protocol: Protocol,
    /// How to encode requests over HTTP
    #[arg(long, value_enum, default_value_t = Encoding::Proto)]
    encoding: Encoding,
    /// What to send; may be repeated or be a list with commas [default: all]
    #[arg(long = "signal", value_name = "SIGNAL", value_delimiter = ',')]
    signals: Vec<String>,
    /// How many requests of each signal to send, with one item each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// How many requests of each signal to send in a second [default: one after the other]
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// A header to send, NAME=VALUE; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// How to compress requests: none, gzip or zstd
    #[arg(long, default_value = "none")]
    compression: String,
    /// How long to wait for each answer, as in 5s or 500ms
    #[arg(long, default_value = "10s")]
    timeout: String,
    /// service.name of what is sent
    #[arg(long, default_value = "etalon-send")]
    service_name: String,
    /// Certificates that the server's must lead to, PEM [default: those of the system]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Client certificate, PEM
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<String>,
    /// Key of the client certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<String>,
    /// Name that the server's certificate must have
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Accept any certificate
    #[arg(long)]
    insecure_skip_verify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Grpc,
    Http,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Encoding {
    Proto,
    Json,
}

/// Why `send` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("unknown signal \"{0}\"; there are {1}")]
    UnknownSignal(String, String),
    #[error("--encoding json needs --protocol http")]
    EncodingOverGrpc,
    #[error("this distribution has no exporter of type {0}")]
    NoExporter(&'static str),
    #[error("{0}")]
    Config(Problems),
    #[error("cannot send {signal}")]
    Start {
        signal: Signal,
        #[source]
        source: etalon_component::BoxError,
    },
    #[error("cannot make a sample of {signal}")]
    Sample {
        signal: Signal,
        #[source]
        source: etalon_component::BoxError,
    },
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    #[error("{failed} of {total} requests were not accepted in full")]
    NotAccepted { failed: u64, total: u64 },
}

/// Sends what `args` say and prints what came back.
pub(crate) async fn run(distribution: &Distribution, args: &SendArgs) -> Result<(), SendError> {
    let signals = chosen(args, &distribution.factories.signals)?;
    let kind = match args.protocol {
        Protocol::Grpc if args.encoding == Encoding::Json => return Err(SendError::EncodingOverGrpc),
        Protocol::Grpc => "otlp_grpc",
        Protocol::Http => "otlp_http",
    };
    let factory = distribution.factories.exporter(kind).ok_or(SendError::NoExporter(kind))?;
    let mut report = Report::new(args.endpoint(), args.protocol_name());
    report.begin().map_err(SendError::Output)?;
    for signal in signals {
        let exporter = exporter(factory, args, signal, &distribution.build)?;
        let sent = send_all(&exporter, args, signal, &mut report).await;
        // What closing the connections says is of no use here: every answer has been reported.
        exporter.component.shutdown(Instant::now() + SHUTDOWN_TIMEOUT).await.ok();
        sent?;
    }
    report.verdict()
}

async fn send_all(
    exporter: &Stage,
    args: &SendArgs,
    signal: Signal,
    report: &mut Report,
) -> Result<(), SendError> {
    let (fatal, _) = tokio::sync::mpsc::channel(1);
    let host = Host::new(fatal);
    exporter.component.start(&host).await.map_err(|source| SendError::Start { signal, source })?;
    let mut pace = args.rate.map(|rate| {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        pace
    });
    let mut answers = Answers::of(signal);
    for number in 0..args.count {
        let payload = sample::payload(signal, &args.service_name, number)
            .map_err(|source| SendError::Sample { signal, source })?;
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let started = Instant::now();
        let outcome = exporter.consumer.consume(Batch::new(payload)).await;
        answers.add(&outcome, started.elapsed());
    }
    report.finish(&answers).map_err(SendError::Output)
}

fn chosen(args: &SendArgs, known: &[Signal]) -> Result<Vec<Signal>, SendError> {
    if args.signals.is_empty() {
        return Ok(known.to_vec());
    }
    let find = |name: &String| {
        known.iter().find(|signal| signal.name == name).copied().ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|signal| signal.name).collect();
            SendError::UnknownSignal(name.clone(), names.join(", "))
        })
    };
    args.signals.iter().map(find).collect()
}

fn exporter(
    factory: &ExporterFactory,
    args: &SendArgs,
    signal: Signal,
    build: &BuildInfo,
) -> Result<Stage, SendError> {
    let config = factory.decode(&args.exporter_config()).map_err(SendError::Config)?;
    etalon_conf::Check::run(&config).map_err(SendError::Config)?;
    let settings = Settings {
        id: ComponentId::of_type(factory.kind()).expect("the type of a factory is an id"),
        pipeline: None,
        build: build.clone(),
        telemetry: Telemetry::new(&[]),
        span: tracing::Span::none(),
    };
    factory.create(settings, &config, signal).map_err(|source| SendError::Start { signal, source })
}

impl SendArgs {
    fn endpoint(&self) -> String {
        let default = match self.protocol {
            Protocol::Grpc => "http://127.0.0.1:4317",
            Protocol::Http => "http://127.0.0.1:4318",
        };
        let endpoint = self.endpoint.as_deref().unwrap_or(default);
        match endpoint.contains("://") {
            true => endpoint.to_owned(),
            false if self.has_tls_option() => format!("https://{endpoint}"),
            false => format!("http://{endpoint}"),
        }
    }

    fn has_tls_option(&self) -> bool {
        self.ca_file.is_some()
            || self.cert_file.is_some()
            || self.server_name.is_some()
            || self.insecure_skip_verify
    }

    fn protocol_name(&self) -> &'static str {
        match (self.protocol, self.encoding) {
            (Protocol::Grpc, _) => "gRPC",
            (Protocol::Http, Encoding::Proto) => "HTTP, protobuf",
            (Protocol::Http, Encoding::Json) => "HTTP, JSON",
        }
    }

    /// The configuration of the exporter that does what these arguments say.
    fn exporter_config(&self) -> Node {
        let endpoint = self.endpoint();
        let mut tls = Vec::new();
        if self.protocol == Protocol::Grpc {
            tls.push(entry("insecure", boolean(endpoint.starts_with("http://"))));
        }
        let files =
            [("ca_file", &self.ca_file), ("cert_file", &self.cert_file), ("key_file", &self.key_file)];
        for (key, value) in files.into_iter().chain([("server_name_override", &self.server_name)]) {
            tls.extend(value.as_deref().map(|value| entry(key, text(value))));
        }
        if self.insecure_skip_verify {
            tls.push(entry("insecure_skip_verify", boolean(true)));
        }
        let headers = self.headers.iter().map(|(name, value)| entry(name, text(value))).collect();
        let off = || map(vec![entry("enabled", boolean(false))]);
        let mut config = vec![
            entry("endpoint", text(&endpoint)),
            entry("tls", map(tls)),
            entry("headers", map(headers)),
            entry("compression", text(&self.compression)),
            entry("timeout", text(&self.timeout)),
            entry("sending_queue", off()),
            entry("retry_on_failure", off()),
        ];
        if self.encoding == Encoding::Json {
            config.push(entry("encoding", text("json")));
        }
        map(config)
    }
}

fn header(argument: &str) -> Result<(String, String), String> {
    let (name, value) = argument.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn text(value: &str) -> Node {
    Node::new(Content::String(value.to_owned()))
}

fn boolean(value: bool) -> Node {
    Node::new(Content::Bool(value))
}

fn map(entries: Vec<etalon_conf::Entry>) -> Node {
    Node::new(Content::Map(entries))
}

fn entry(key: &str, value: Node) -> etalon_conf::Entry {
    etalon_conf::Entry { key: key.to_owned(), origin: None, value }
}
