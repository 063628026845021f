//! Builds this program with another of its features, and leaves the task to it: what takes long to compile is
//! compiled for the tasks that need it.

use std::error::Error;
use std::io;
use std::process::{Command, ExitStatus};

#[derive(Debug, thiserror::Error)]
enum AgainError {
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    #[error("cargo xtask {0}: {1}")]
    Failed(String, ExitStatus),
}

/// Runs `cargo xtask` with these arguments, built with this feature alone.
pub(crate) fn with(feature: &str, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut again = Command::new(cargo);
    again.args(["run", "--quiet", "--package=xtask", "--no-default-features", "--features", feature, "--"]);
    match again.args(arguments).status().map_err(AgainError::Cargo)? {
        status if status.success() => Ok(()),
        status => Err(AgainError::Failed(arguments.join(" "), status).into()),
    }
}
