//! `etalon contract check`.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use etalon_net::client;
use etalon_telemetry_schema::check::{Format, MAX_SCRAPE_BYTES, Scrape, Told, check, closest, render};
use etalon_telemetry_schema::{Contract, Exposition, catalog};

use super::ContractError;
use super::lint::MetricsLevel;
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

Exit status: 0 when all fits, 1 when something does not, 2 when it cannot be read.")]
pub(crate) struct CheckArgs {
    /// What a collector serves to Prometheus, as text or OpenMetrics: a file, - for standard input, or a URL
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Which contract: current, a release such as 0.1.0, or otelcol@VERSION; after a slash, the exposition [default:
    /// the one that the collector says it keeps, or else current]
    #[arg(long, value_name = "NAME")]
    version: Option<String>,
    /// The exposition whose names are expected [default: the one that fits best]
    #[arg(long, value_name = "NAME")]
    exposition: Option<String>,
    /// The level of the collector's metrics
    #[arg(long, value_enum, default_value_t = MetricsLevel::Normal)]
    level: MetricsLevel,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Shown::Text)]
    format: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// For people
    Text,
    /// All of it, as JSON
    Json,
}

pub(super) fn run(args: &CheckArgs) -> Result<(), CommandError> {
    let name = name_of(&args.source);
    let scrape = Scrape::parse(&read(&args.source, &name)?);
    let scrape = scrape.map_err(|source| ContractError::Scrape { name: name.clone(), source })?;
    let (contract, exposition) = args.contract(&name, &scrape)?;
    let report = if args.picks_exposition() {
        check(&scrape, &contract, &exposition, args.level.into())
    } else {
        closest(&scrape, &contract, &exposition, args.level.into())
    };
    let told = Told { source: &name, scrape: &scrape, contract: &contract, report: &report };
    let format = match args.format {
        Shown::Text => Format::Text,
        Shown::Json => Format::Json,
    };
    io::stdout().write_all(render(&told, format).as_bytes())?;
    if report.findings.is_empty() { Ok(()) } else { Err(ContractError::ScrapeDoesNotFit.into()) }
}

impl CheckArgs {
    fn picks_exposition(&self) -> bool {
        self.exposition.is_some() || self.version.as_ref().is_some_and(|version| version.contains('/'))
    }

    fn contract(&self, name: &str, scrape: &Scrape) -> Result<(Contract, Exposition), ContractError> {
        let version = match (&self.version, scrape.contract_version()) {
            (Some(version), _) => version.as_str(),
            (None, Some(told)) => catalog::name_of_version(told)
                .map_err(|source| ContractError::ToldVersion { name: name.to_owned(), source })?,
            (None, None) => catalog::CURRENT,
        };
        Ok(match &self.exposition {
            Some(exposition) => catalog::find(&format!("{version}/{exposition}"))?,
            None => catalog::find(version)?,
        })
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

/// What a source has; one byte more than a scrape may have, at most.
fn read(source: &str, name: &str) -> Result<Vec<u8>, CommandError> {
    if is_url(source) {
        let runtime = runtime()?;
        let fetched = runtime.block_on(client::fetch(source, MAX_SCRAPE_BYTES));
        // The system's resolver of names cannot be interrupted.
        runtime.shutdown_background();
        return Ok(fetched.map_err(|source| ContractError::Fetch { url: name.to_owned(), source })?);
    }
    let read =
        if source == STDIN { at_most(io::stdin().lock()) } else { File::open(source).and_then(at_most) };
    Ok(read.map_err(|source| ContractError::Read { path: PathBuf::from(name), source })?)
}

fn at_most(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_SCRAPE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
