//! `etalon contract check`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use etalon_net::client;
use etalon_pdata::{LOGS, METRICS, TRACES};
use etalon_telemetry_schema::check::{
    Against, Format, Input, Kind, MAX_SCRAPE_BYTES, Temporality, Told, render,
};
use etalon_telemetry_schema::{Contract, Exposition, catalog};

use super::ContractError;
use super::lint::{MetricsLevel, Shown};
use crate::command::{CommandError, runtime};

/// The source that is standard input.
const STDIN: &str = "-";

/// The arguments of `contract check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon contract check http://127.0.0.1:8888/metrics
                                          Does a running collector tell what its contract declares?
  curl -s http://127.0.0.1:8888/metrics | etalon contract check -
  etalon contract check scrape.txt --version 0.1.0 --exposition prometheus-suffixed
                                          The same of a file, against this contract and with these names
  etalon contract check capture.jsonl     Of OTLP requests, as the Go collector's file exporter writes them
  etalon contract check collector.log     Of its log

Exit status: 0 when all fits, 1 when something does not, 2 when it cannot be read, or the arguments are wrong.")]
pub(crate) struct CheckArgs {
    /// What a collector has told: what it serves to Prometheus, OTLP requests, or its log in JSON. A file, - for standard
    /// input, or a URL
    #[arg(value_name = "SOURCE")]
    source: String,
    /// What it is [default: what it looks like]
    #[arg(long = "as", value_enum, value_name = "KIND")]
    kind: Option<AsKind>,
    /// Which contract: current, a release such as 0.1.0, or otelcol@VERSION; after a slash, the exposition [default:
    /// the one that the collector says it keeps, or else current]
    #[arg(long, value_name = "NAME")]
    version: Option<String>,
    /// Of a scrape, the exposition whose names are expected [default: the one that fits best]
    #[arg(long, value_name = "NAME")]
    exposition: Option<String>,
    /// The level of the collector's metrics
    #[arg(long, value_enum, default_value_t = MetricsLevel::Normal)]
    level: MetricsLevel,
    /// Of metrics of OTLP, since when they count [default: either will do]
    #[arg(long, value_enum, value_name = "PREFERENCE")]
    temporality: Option<AsTemporality>,
    /// Of a log, a field that the configuration adds to each line. May be repeated
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Shown::Text)]
    format: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AsKind {
    /// What a collector serves to Prometheus, as text or OpenMetrics
    Scrape,
    /// OTLP requests, as JSON, each on a line of its own
    OtlpJson,
    /// One request with metrics, as protobuf
    OtlpMetrics,
    /// One request with logs, as protobuf
    OtlpLogs,
    /// One request with traces, as protobuf
    OtlpTraces,
    /// A log, in JSON
    Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum AsTemporality {
    /// Since the start
    Cumulative,
    /// Since the last push
    Delta,
    /// Since the last push what is recorded when it happens, and since the start what is read when it is pushed
    LowMemory,
}

pub(super) fn run(args: &CheckArgs) -> Result<(), CommandError> {
    let name = name_of(&args.source);
    let unreadable = |source| ContractError::Input { name: name.clone(), source };
    let input = Input::open(open(&args.source, &name)?, args.kind.map(Kind::from)).map_err(unreadable)?;
    args.refuse_what_has_no_effect(input.kind())?;
    let (contract, exposition) = args.contract(&name, input.contract_version())?;
    let against = Against {
        contract: &contract,
        exposition: &exposition,
        or_closest: !args.picks_exposition(),
        level: args.level.into(),
        temporality: args.temporality.map(Temporality::from),
        fields: &args.fields,
    };
    let report = input.check(&against).map_err(unreadable)?;
    let told = Told { source: &name, contract: &contract, report: &report };
    let format = match args.format {
        Shown::Text => Format::Text,
        Shown::Json => Format::Json,
        Shown::Sarif => Format::Sarif,
    };
    io::stdout().write_all(render(&told, format).as_bytes())?;
    if report.fits() { Ok(()) } else { Err(ContractError::ToldDoesNotFit.into()) }
}

impl CheckArgs {
    fn picks_exposition(&self) -> bool {
        self.exposition.is_some() || self.version.as_ref().is_some_and(|version| version.contains('/'))
    }

    fn refuse_what_has_no_effect(&self, kind: Kind) -> Result<(), ContractError> {
        let is_of_otlp = matches!(kind, Kind::OtlpJson | Kind::Otlp(_));
        let without_effect = [
            (self.picks_exposition() && kind != Kind::Scrape, "an exposition", "what Prometheus reads"),
            (self.temporality.is_some() && !is_of_otlp, "--temporality", "OTLP"),
            (!self.fields.is_empty() && kind != Kind::Log, "--field", "a log"),
        ];
        let mut without_effect = without_effect.into_iter().filter(|(is_given, ..)| *is_given);
        let kind = match kind {
            Kind::Scrape => "what Prometheus reads",
            Kind::OtlpJson | Kind::Otlp(_) => "OTLP",
            Kind::Log => "a log",
        };
        match without_effect.next() {
            Some((_, option, of)) => Err(ContractError::WithoutEffect { option, of, kind }),
            None => Ok(()),
        }
    }

    fn contract(&self, name: &str, told: Option<String>) -> Result<(Contract, Exposition), ContractError> {
        let version = match (&self.version, told) {
            (Some(version), _) => version.as_str(),
            (None, Some(told)) => catalog::name_of_version(&told)
                .map_err(|source| ContractError::ToldVersion { name: name.to_owned(), source })?,
            (None, None) => catalog::CURRENT,
        };
        Ok(match &self.exposition {
            Some(exposition) => catalog::find(&format!("{version}/{exposition}"))?,
            None => catalog::find(version)?,
        })
    }
}

impl From<AsKind> for Kind {
    fn from(kind: AsKind) -> Self {
        match kind {
            AsKind::Scrape => Self::Scrape,
            AsKind::OtlpJson => Self::OtlpJson,
            AsKind::OtlpMetrics => Self::Otlp(METRICS),
            AsKind::OtlpLogs => Self::Otlp(LOGS),
            AsKind::OtlpTraces => Self::Otlp(TRACES),
            AsKind::Log => Self::Log,
        }
    }
}

impl From<AsTemporality> for Temporality {
    fn from(temporality: AsTemporality) -> Self {
        match temporality {
            AsTemporality::Cumulative => Self::Cumulative,
            AsTemporality::Delta => Self::Delta,
            AsTemporality::LowMemory => Self::LowMemory,
        }
    }
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// A source as it is told to people: without user and password.
fn name_of(source: &str) -> String {
    if source == STDIN {
        return "standard input".to_owned();
    }
    match source.split_once("://") {
        // A password may have a slash that should not be in it.
        Some((scheme, rest)) if is_url(source) => {
            let host_and_path = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
            format!("{scheme}://{host_and_path}")
        }
        _ => source.to_owned(),
    }
}

/// A source, to be read. Of a URL no more than a scrape may have is fetched.
fn open(source: &str, name: &str) -> Result<Box<dyn BufRead>, CommandError> {
    if is_url(source) {
        let runtime = runtime()?;
        let fetched = runtime.block_on(client::fetch(source, MAX_SCRAPE_BYTES));
        // The system's resolver of names cannot be interrupted.
        runtime.shutdown_background();
        let fetched = fetched.map_err(|source| ContractError::Fetch { url: name.to_owned(), source })?;
        return Ok(Box::new(Cursor::new(fetched)));
    }
    if source == STDIN {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(source);
    let file = file.map_err(|source| ContractError::Read { path: PathBuf::from(name), source })?;
    Ok(Box::new(BufReader::new(file)))
}
