//! Builds this program with mdBook in it, and leaves the task to it.

use std::error::Error;
use std::io;
use std::process::{Command, ExitStatus};

#[derive(Debug, thiserror::Error)]
enum AgainError {
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    #[error("the book could not be rendered: {0}")]
    Failed(ExitStatus),
}

pub(super) fn render(is_shown: bool) -> Result<(), Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut again = Command::new(cargo);
    again.args(["run", "--quiet", "--package=xtask", "--no-default-features", "--features=book"]);
    again.args(["--", "book"]).args(is_shown.then_some("--open"));
    match again.status().map_err(AgainError::Cargo)? {
        status if status.success() => Ok(()),
        status => Err(AgainError::Failed(status).into()),
    }
}
