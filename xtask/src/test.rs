//! `cargo xtask test`: the Rust tests, and real peers against the built binary: the SDKs of other languages
//! and the Go collector.
//!
//! Whatever a part needs is installed below the target directory; outside it only the caches of the tools
//! change, as with cargo itself.

mod python;

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use self::python::PythonError;
use crate::command::{CommandError, Places, cargo, output, say, succeed};
use crate::go_collector::{self, GoError};

const USAGE: &str = "\
Usage: cargo xtask test [PART]... [-- ARGUMENTS]

Runs all parts, or those that are named, and stops at the first failure:
  rust           cargo test --workspace
  sdk-python     the OpenTelemetry Python SDK against the built binary, and the book's applications
                 (needs python3, 3.10 or later)
  go-collector   the Go collector before, behind and beside the built binary
                 (needs python3, and go, 1.25 or later)

ARGUMENTS go to the one part that is named: to cargo test, or to pytest.";

/// The part's name, and what runs it.
const PARTS: [(&str, Part); 3] = [("rust", rust), ("sdk-python", sdk_python), ("go-collector", go_collector)];

type Part = fn(&Build, &[&str]) -> Result<(), TestError>;

/// What the parts share.
struct Build {
    places: Places,
    binary: PathBuf,
}

/// Why the tests ended early.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Python(#[from] PythonError),
    #[error(transparent)]
    Go(#[from] GoError),
    /// With what to do about it: a part's needs are named where it is run.
    #[error("{part} failed; the parts after it have not run: {rest}")]
    Part {
        part: &'static str,
        rest: String,
        #[source]
        source: Box<TestError>,
    },
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
    let mut parts = PARTS.into_iter().filter(|(part, _)| named.is_empty() || named.contains(part));
    while let Some((name, part)) = parts.next() {
        say(&format!("==> {name}"));
        if let Err(source) = part(&build, passed_on) {
            let rest: Vec<_> = parts.map(|(name, _)| name).collect();
            let rest = if rest.is_empty() { "none".into() } else { rest.join(" ") };
            return Err(TestError::Part { part: name, rest, source: Box::new(source) }.into());
        }
        say(&format!("==> {name}: passed"));
    }
    Ok(())
}

fn rust(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let mut command = cargo();
    command.args(["test", "--workspace"]).args(passed_on).env("ETALON_BIN", &build.binary);
    Ok(succeed(command.current_dir(&build.places.root))?)
}

fn sdk_python(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let mut pytest = python::pytest(build, "sdk-python", passed_on)?;
    succeed(&mut pytest)?;
    if !passed_on.is_empty() {
        return Ok(());
    }
    // The pages of the book that show an application.
    let mut pages = cargo();
    pages.args(["test", "--package=etalon-tests", "--test=book"]).env("ETALON_BIN", &build.binary);
    pages.env("ETALON_SDK_PYTHON", pytest.get_program());
    Ok(succeed(pages.current_dir(&build.places.root))?)
}

fn go_collector(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let binary = go_collector::build(&build.places)?;
    let mut pytest = python::pytest(build, "go-collector", passed_on)?;
    Ok(succeed(pytest.env("GO_COLLECTOR_BIN", binary))?)
}

impl Build {
    /// Builds the binary as `cargo build` does, and finds out where cargo puts things.
    fn new() -> Result<Self, CommandError> {
        let places = Places::find()?;
        say("==> building etalon");
        let mut build = cargo();
        build.args(["build", "--package=etalon", "--bin=etalon", "--message-format=json-render-diagnostics"]);
        let messages = output(build.current_dir(&places.root).stderr(Stdio::inherit()))?;
        let binary = messages
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .ok_or(CommandError::Untold("the path of the binary"))?;
        Ok(Self { places, binary })
    }
}
