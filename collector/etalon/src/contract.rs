//! `etalon contract`: what this collector and others say about themselves, and how that changes.
//!
//! Nothing here touches the network: the contracts are part of the program.

mod diff;
mod markdown;
mod show;

use clap::Subcommand;
use etalon_telemetry_schema::catalog::UnknownContract;

use crate::command::CommandError;

/// What to do with contracts.
#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Print a contract: every metric, event and span, and what of them may be relied on
    Show(show::ShowArgs),
    /// Compare two contracts: what has changed, what that means, and which version it needs
    Diff(diff::DiffArgs),
}

/// Why it could not be done, or what was found wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContractError {
    #[error(transparent)]
    Unknown(#[from] UnknownContract),
    #[error("{breaking} of {all} changes break what {old} promises")]
    Breaking { breaking: usize, all: usize, old: String },
}

pub(crate) fn run(command: &ContractCommand) -> Result<(), CommandError> {
    match command {
        ContractCommand::Show(args) => show::run(args),
        ContractCommand::Diff(args) => diff::run(args),
    }
}
