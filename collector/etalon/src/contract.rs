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
use etalon_telemetry_schema::check::InputError;

use crate::command::CommandError;

/// The exit status when a command could not do its work. With 1 it has done it, and something is wrong.
pub(crate) const CANNOT: u8 = 2;

/// What to do with contracts.
#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Print a contract: every metric, event and span, and what of them may be relied on
    Show(show::ShowArgs),
    /// Compare two contracts: what has changed, what that means, and which version it needs
    Diff(diff::DiffArgs),
    /// Check dashboards and alerts: whether what they ask for is there, under this name and with these labels
    Lint(lint::LintArgs),
    /// Check a collector: whether what it tells is what its contract declares
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
    Input {
        name: String,
        #[source]
        source: InputError,
    },
    #[error("{option} is for {of}, and this is {kind}")]
    WithoutEffect { option: &'static str, of: &'static str, kind: &'static str },
    #[error("{name} tells of a contract that this program does not have")]
    ToldVersion {
        name: String,
        #[source]
        source: UnknownContract,
    },
    /// It has been told how.
    #[error("what the collector has told does not fit the contract")]
    ToldDoesNotFit,
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
        matches!(self, Self::DoesNotFit | Self::ToldDoesNotFit | Self::Unreadable)
    }

    /// 1 when something was found wrong, which is not the same as that it could not be looked at.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Breaking { .. } | Self::DoesNotFit | Self::ToldDoesNotFit => ExitCode::FAILURE,
            _ => ExitCode::from(CANNOT),
        }
    }
}
