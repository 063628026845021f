//! `etalon explain`: what a configuration promises.

mod machine;
mod text;

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use etalon_service::Collector;
use etalon_service::explain::{Explanation, Machine, Severity};

use crate::args::ConfigArgs;
use crate::command::{CommandError, gates, runtime};
use crate::fetch::Network;
use crate::load::Loaded;
use crate::{Distribution, load};

/// The arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etalon explain --config collector.yaml
                                    To read
  etalon explain --config collector.yaml --deny danger
                                    In a pipeline: exits with 1 when something is dangerous
  etalon explain --config collector.yaml --memory 2GiB --format json
                                    For a machine with less memory than this one, to process

Nothing is started, no port is bound, and no queue is opened.")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Memory that the collector may have, in bytes or with KiB, MiB or GiB; this machine's where it is not given
    #[arg(long, value_name = "BYTES", value_parser = machine::parse_bytes)]
    memory: Option<u64>,
    /// Exit with 1 when there is advice of this severity or a higher one
    #[arg(long, value_enum, value_name = "SEVERITY")]
    deny: Option<Deny>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// To read
    Text,
    /// To process
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deny {
    Note,
    Warning,
    Danger,
}

/// What `--deny` does not let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("denied: {count} x {severity} or worse")]
pub(crate) struct Denied {
    count: usize,
    severity: Severity,
}

/// The text to print, and whether what it says is denied.
pub(crate) fn run(
    distribution: &Distribution,
    args: &ExplainArgs,
) -> Result<(String, Result<(), Denied>), CommandError> {
    let gates = gates(&args.config)?;
    let Loaded { config, .. } = load::valid(distribution, &args.config, &gates, &Network::default())?;
    // What cannot be built cannot be explained. Components may tie themselves to the runtime when they are created.
    let runtime = runtime()?;
    let inside = runtime.enter();
    Collector::build(&config, &distribution.factories, &distribution.build, &BTreeMap::new())?;
    drop(inside);
    let memory = args.memory.or_else(machine::memory);
    let machine = Machine { memory, file_system: &machine::file_system };
    let explanation = Explanation::of(&config, &distribution.factories, machine);
    let denied = args.deny.map_or(Ok(()), |deny| deny.judge(&explanation));
    let text = match args.format {
        Format::Text => text::of(&explanation),
        Format::Json => {
            let json = serde_json::to_string_pretty(&explanation).expect("texts and numbers can be written");
            format!("{json}\n")
        }
    };
    Ok((text, denied))
}

impl ExplainArgs {
    /// These, with the flags of the configuration that stand before the sub-command.
    pub(crate) fn after(self, before: ConfigArgs) -> Self {
        Self { config: before.and(self.config), ..self }
    }
}

impl Deny {
    fn judge(self, explanation: &Explanation) -> Result<(), Denied> {
        let severity = match self {
            Self::Note => Severity::Note,
            Self::Warning => Severity::Warning,
            Self::Danger => Severity::Danger,
        };
        match explanation.advice.iter().filter(|advice| advice.severity >= severity).count() {
            0 => Ok(()),
            count => Err(Denied { count, severity }),
        }
    }
}
