//! `etalon contract`: what this collector and others say about themselves, and how that changes.
//!
//! Nothing here touches the network: the contracts are part of the program.

mod diff;
mod lint;
mod markdown;
mod show;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Check dashboards and alerts: whether what they ask for is there, under this name and with these labels
    Lint(lint::LintArgs),
}

/// Why it could not be done, or what was found wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContractError {
    #[error(transparent)]
    Unknown(#[from] UnknownContract),
    #[error("{breaking} of {all} changes break what {old} promises")]
    Breaking { breaking: usize, all: usize, old: String },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It has been told how.
    #[error("the files do not fit the contract")]
    DoesNotFit,
    /// It has been told why.
    #[error("not every file could be read")]
    Unreadable,
}

pub(crate) fn run(command: &ContractCommand) -> Result<(), CommandError> {
    match command {
        ContractCommand::Show(args) => show::run(args),
        ContractCommand::Diff(args) => diff::run(args),
        ContractCommand::Lint(args) => lint::run(args),
    }
}

impl ContractError {
    /// Whether what is wrong has been printed already, as the result of the command.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::DoesNotFit | Self::Unreadable)
    }

    /// 2 when something could not be read, which is not the same as that it is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } | Self::Unreadable => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}
