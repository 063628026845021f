//! `cargo xtask test`: the Rust tests, and the real SDKs against the built binary.
//!
//! Whatever a part needs is installed below the target directory; nothing outside it changes.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

const USAGE: &str = "\
Usage: cargo xtask test [PART]... [-- ARGUMENTS]

Runs all parts, or those that are named, and stops at the first failure:
  rust         cargo test --workspace
  sdk-python   the OpenTelemetry Python SDK against the built binary, and the book's applications
               (needs python3, 3.10 or later)

ARGUMENTS go to the one part that is named: to cargo test, or to pytest.";

/// The part's name, and what runs it.
const PARTS: [(&str, Part); 2] = [("rust", rust), ("sdk-python", sdk_python)];

type Part = fn(&Build, &[&str]) -> Result<(), TestError>;

/// What the parts share.
struct Build {
    root: PathBuf,
    target: PathBuf,
    binary: PathBuf,
}

/// Why the tests ended early.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error("cannot run {}", .0.to_string_lossy())]
    Run(OsString, #[source] io::Error),
    #[error("{0}: {1}")]
    Failed(String, ExitStatus),
    #[error(
        "sdk-python needs Python 3.10 or later as python3 on PATH; install it, or run cargo xtask test rust"
    )]
    NoPython(#[source] io::Error),
    #[error("python3 cannot make a virtual environment ({0}); on Debian: apt-get install python3-venv")]
    NoVenv(ExitStatus),
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("cannot read cargo's metadata")]
    Metadata(#[source] serde_json::Error),
    #[error("cargo has not told {0}")]
    Untold(&'static str),
}

/// Runs the parts that `arguments` name, and stops at the first failure.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut halves = arguments.splitn(2, |argument| *argument == "--");
    let named = halves.next().unwrap_or_default();
    let passed_on = halves.next().unwrap_or_default();
    if named.contains(&"--help") {
        say(USAGE);
        return Ok(());
    }
    let known = |name: &&str| PARTS.iter().any(|(part, _)| part == name);
    if !named.iter().all(known) || (!passed_on.is_empty() && named.len() != 1) {
        return Err(USAGE.into());
    }
    let build = Build::new()?;
    for (name, part) in PARTS.into_iter().filter(|(part, _)| named.is_empty() || named.contains(part)) {
        say(&format!("==> {name}"));
        part(&build, passed_on)?;
        say(&format!("==> {name}: passed"));
    }
    Ok(())
}

fn rust(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let mut command = cargo();
    command.args(["test", "--workspace"]).args(passed_on).env("ETALON_BIN", &build.binary);
    succeed(command.current_dir(&build.root))
}

fn sdk_python(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let tests = build.root.join("tests/sdk-python");
    let python = environment(&build.target.join("sdk-python"), &tests.join("requirements.txt"))?;
    let mut command = Command::new(&python);
    // Bytecode would be written beside the sources.
    command.args(["-B", "-m", "pytest"]).args(passed_on).env("ETALON_BIN", &build.binary);
    succeed(command.current_dir(tests))?;
    if !passed_on.is_empty() {
        return Ok(());
    }
    // The pages of the book that show an application.
    let mut pages = cargo();
    pages.args(["test", "--package=etalon-tests", "--test=book"]).env("ETALON_BIN", &build.binary);
    succeed(pages.env("ETALON_SDK_PYTHON", &python).current_dir(&build.root))
}

/// The Python of a virtual environment that has these requirements; made anew when they, or the
/// system's Python, have changed.
fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, TestError> {
    let python = folder.join("bin/python");
    let version = Command::new("python3").arg("--version").output().map_err(TestError::NoPython)?;
    let stamp = folder.join("made-from");
    let made_from = [version.stdout, read(requirements)?].concat();
    if fs::read(&stamp).is_ok_and(|stamp| stamp == made_from) {
        return Ok(python);
    }
    say(&format!("    making a virtual environment in {}", folder.display()));
    let mut venv = Command::new("python3");
    let status = status(venv.args(["-m", "venv", "--clear"]).arg(folder))?;
    if !status.success() {
        return Err(TestError::NoVenv(status));
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    succeed(install.arg("--requirement").arg(requirements))?;
    fs::write(&stamp, made_from).map_err(|error| TestError::Write(stamp, error))?;
    Ok(python)
}

impl Build {
    /// Builds the binary as `cargo build` does, and finds out where cargo puts things.
    fn new() -> Result<Self, TestError> {
        let mut metadata = cargo();
        metadata.args(["metadata", "--format-version=1", "--no-deps"]).stderr(Stdio::inherit());
        let metadata = succeed_with_output(&mut metadata)?;
        let metadata: Value = serde_json::from_slice(&metadata).map_err(TestError::Metadata)?;
        let path = |key| metadata[key].as_str().map(PathBuf::from).ok_or(TestError::Untold(key));
        let (root, target) = (path("workspace_root")?, path("target_directory")?);
        say("==> building etalon");
        let mut build = cargo();
        build.args(["build", "--package=etalon", "--bin=etalon", "--message-format=json-render-diagnostics"]);
        let messages = succeed_with_output(build.current_dir(&root).stderr(Stdio::inherit()))?;
        let binary = messages
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .ok_or(TestError::Untold("the path of the binary"))?;
        Ok(Self { root, target, binary })
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn read(path: &Path) -> Result<Vec<u8>, TestError> {
    fs::read(path).map_err(|error| TestError::Read(path.to_owned(), error))
}

fn succeed(command: &mut Command) -> Result<(), TestError> {
    match status(command)? {
        status if status.success() => Ok(()),
        status => Err(TestError::Failed(line(command), status)),
    }
}

fn succeed_with_output(command: &mut Command) -> Result<Vec<u8>, TestError> {
    let output = command.output().map_err(|error| TestError::Run(command.get_program().to_owned(), error))?;
    match output.status {
        status if status.success() => Ok(output.stdout),
        status => Err(TestError::Failed(line(command), status)),
    }
}

fn status(command: &mut Command) -> Result<ExitStatus, TestError> {
    say(&format!("    {}", line(command)));
    let program = command.get_program().to_owned();
    command.stdin(Stdio::null()).status().map_err(|error| TestError::Run(program, error))
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::print_stderr, reason = "a task reports to the person who runs it")]
fn say(text: &str) {
    eprintln!("{text}");
}
