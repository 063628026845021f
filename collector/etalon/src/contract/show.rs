//! `etalon contract show`.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use etalon_conf::{Secrets, to_yaml};
use etalon_telemetry_schema::{catalog, weaver};

use super::{ContractError, markdown};
use crate::command::CommandError;

/// The arguments of `contract show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon contract show                        The contract of this program, to read
  etalon contract show --version /prometheus-suffixed
                                              The same with the names of another exposition
  etalon contract show --format json | jq '.metrics | keys'")]
pub(crate) struct ShowArgs {
    /// Which: current, or a release such as 0.1.0; after a slash, the exposition whose names are shown
    #[arg(long, value_name = "NAME", default_value = catalog::CURRENT)]
    version: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown, with the names as a Prometheus reader sees them
    Md,
    /// All of it, as JSON
    Json,
    /// All of it, as YAML
    Yaml,
    /// A resolved registry, as OpenTelemetry Weaver publishes one
    Weaver,
}

pub(super) fn run(args: &ShowArgs) -> Result<(), CommandError> {
    let (contract, exposition) = catalog::find(&args.version).map_err(ContractError::Unknown)?;
    let text = match args.format {
        Format::Md => markdown::contract(&contract, &exposition),
        Format::Json => contract.to_json(),
        // No field of a contract is a secret.
        Format::Yaml => to_yaml(&contract, Secrets::Exposed),
        Format::Weaver => format!("{:#}\n", weaver::resolved(&contract)),
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
