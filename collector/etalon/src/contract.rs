//! `etalon contract`: what this collector and others say about themselves, and how that changes.
//!
//! The contracts are part of the program: only `check` touches the network, when it is given a URL.

mod check;
mod diff;
mod lint;
mod markdown;
mod show;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use etalon_net::client;
use etalon_telemetry_schema::catalog::UnknownContract;
use etalon_telemetry_schema::check::ScrapeError;

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
    /// Check a running collector: whether the metrics that it serves are those that its contract declares
    Check(check::CheckArgs),
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
    #[error("cannot read {url}")]
    Fetch {
        url: String,
        #[source]
        source: client::FetchError,
    },
    #[error("cannot read {name}")]
    Scrape {
        name: String,
        #[source]
        source: ScrapeError,
    },
    #[error("{name} tells of a contract that this program does not have")]
    ToldVersion {
        name: String,
        #[source]
        source: UnknownContract,
    },
    /// It has been told how.
    #[error("the metrics do not fit the contract")]
    ScrapeDoesNotFit,
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
        ContractCommand::Check(args) => check::run(args),
    }
}

impl ContractError {
    /// Whether what is wrong has been printed already, as the result of the command.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::DoesNotFit | Self::ScrapeDoesNotFit | Self::Unreadable)
    }

    /// 2 when something could not be read, which is not the same as that it is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. }
            | Self::Fetch { .. }
            | Self::Scrape { .. }
            | Self::ToldVersion { .. }
            | Self::Unreadable => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}
