//! The tests that pytest runs: real peers, with one sink and one comparison for all of them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::{Build, TestError};
use crate::command::{self, CommandError};
use crate::tool::{self, ToolError};

/// Why there is no Python to run tests with.
#[derive(Debug, thiserror::Error)]
pub(super) enum PythonError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("python3 cannot make a virtual environment ({0}); on Debian: apt-get install python3-venv")]
    NoVenv(ExitStatus),
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// pytest in the folder `tests/<part>`; its program is the Python of the tests' own environment.
pub(super) fn pytest(build: &Build, part: &str, passed_on: &[&str]) -> Result<Command, TestError> {
    let tests = build.places.root.join("tests");
    let python =
        environment(&build.places.target.join("tests-python"), &tests.join("harness/requirements.txt"))?;
    let mut command = Command::new(&python);
    // Bytecode would be written beside the sources.
    command.args(["-B", "-m", "pytest"]).args(passed_on).env("ETALON_BIN", &build.binary);
    command.current_dir(tests.join(part));
    Ok(command)
}

/// The Python of a virtual environment that has these requirements; made anew when they, or the
/// system's Python, have changed.
fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, PythonError> {
    let mut made_from = command::contents(&[requirements.to_owned()])?;
    made_from.extend(tool::PYTHON.version()?.into_bytes());
    let python = folder.join("bin/python");
    command::once(folder, &made_from, || {
        command::say(&format!("    making a virtual environment in {}", folder.display()));
        let mut venv = Command::new("python3");
        let status = command::status(venv.args(["-m", "venv", "--clear"]).arg(folder))?;
        if !status.success() {
            return Err(PythonError::NoVenv(status));
        }
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.args(["--only-binary=:all:", "--requirement"]).arg(requirements);
        Ok(command::fetch(&mut install)?)
    })?;
    Ok(python)
}
