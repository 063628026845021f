//! Commands that tasks run: shown as a person would type them, and made again only when what they are
//! made from has changed.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

/// How often a command that fetches something is tried: registries have bad moments.
const ATTEMPTS: usize = 3;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("cannot run {}", .0.to_string_lossy())]
    Run(OsString, #[source] io::Error),
    #[error("{0}: {1}")]
    Failed(String, ExitStatus),
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("cannot read cargo's metadata")]
    Metadata(#[source] serde_json::Error),
    #[error("cargo has not told {0}")]
    Untold(&'static str),
}

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The root of the workspace.
    pub(crate) root: PathBuf,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
}

impl Places {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self, CommandError> {
        let mut metadata = cargo();
        metadata.args(["metadata", "--format-version=1", "--no-deps"]).stderr(Stdio::inherit());
        let metadata: Value =
            serde_json::from_slice(&output(&mut metadata)?).map_err(CommandError::Metadata)?;
        let path = |key| metadata[key].as_str().map(PathBuf::from).ok_or(CommandError::Untold(key));
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs `make` for `folder`, unless it has done so before with the same `made_from`. Returns whether it ran.
pub(crate) fn once<E: From<CommandError>>(
    folder: &Path,
    made_from: &[u8],
    make: impl FnOnce() -> Result<(), E>,
) -> Result<bool, E> {
    let stamp = folder.join("made-from");
    if fs::read(&stamp).is_ok_and(|stamp| stamp == made_from) {
        return Ok(false);
    }
    fs::create_dir_all(folder).map_err(|error| CommandError::Write(folder.to_owned(), error))?;
    // What fails half way is begun anew.
    if stamp.exists() {
        fs::remove_file(&stamp).map_err(|error| CommandError::Write(stamp.clone(), error))?;
    }
    make()?;
    fs::write(&stamp, made_from).map_err(|error| CommandError::Write(stamp, error))?;
    Ok(true)
}

/// The contents of files, one after the other.
pub(crate) fn contents(paths: &[PathBuf]) -> Result<Vec<u8>, CommandError> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(fs::read(path).map_err(|error| CommandError::Read(path.clone(), error))?);
    }
    Ok(all)
}

/// Runs a command that fetches something, more than once when it fails.
pub(crate) fn fetch(command: &mut Command) -> Result<(), CommandError> {
    for _ in 1..ATTEMPTS {
        match succeed(command) {
            Err(CommandError::Failed(line, status)) => say(&format!("    {line}: {status}; once more")),
            done => return done,
        }
    }
    succeed(command)
}

/// Runs a command that must succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<(), CommandError> {
    match status(command)? {
        status if status.success() => Ok(()),
        status => Err(CommandError::Failed(line(command), status)),
    }
}

/// Runs a command and tells how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, CommandError> {
    say(&format!("    {}", line(command)));
    let program = command.get_program().to_owned();
    command.stdin(Stdio::null()).status().map_err(|error| CommandError::Run(program, error))
}

/// What a command that must succeed writes to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, CommandError> {
    let program = command.get_program().to_owned();
    let output = command.output().map_err(|error| CommandError::Run(program, error))?;
    match output.status {
        status if status.success() => Ok(output.stdout),
        status => Err(CommandError::Failed(line(command), status)),
    }
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::print_stderr, reason = "a task reports to the person who runs it")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
