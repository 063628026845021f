//! Builds this program with everything in it, optimised, and becomes it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The profile of the root Cargo.toml for the project's own tasks.
const PROFILE: &str = "tasks";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    #[error("cargo could not build xtask")]
    Build,
    #[error("cannot tell where this program is")]
    Place(#[source] io::Error),
    #[error("cannot run {program}")]
    Exec {
        program: String,
        #[source]
        source: io::Error,
    },
}

/// Returns only when it fails.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    let error = become_optimised(arguments);
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    // When nobody reads the standard error, the exit code still tells.
    let _unread = writeln!(io::stderr(), "error: {error}{cause}");
    ExitCode::FAILURE
}

fn become_optimised(arguments: &[OsString]) -> Error {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "--quiet", "--profile", PROFILE, "--package", "xtask"];
    match Command::new(cargo).args(build).status() {
        Ok(status) if status.success() => {}
        Ok(_) => return Error::Build,
        Err(source) => return Error::Cargo(source),
    }
    let own = match std::env::current_exe() {
        Ok(own) => own,
        Err(source) => return Error::Place(source),
    };
    // This is <target>/debug/xtask; cargo wrote <target>/tasks/xtask.
    let target = own.parent().and_then(Path::parent).unwrap_or_else(|| Path::new("target"));
    let program = target.join(PROFILE).join("xtask");
    let source = Command::new(&program).arg("bench").args(arguments).exec();
    Error::Exec { program: program.display().to_string(), source }
}
