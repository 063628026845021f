//! `cargo xtask test`: the Rust tests, and real peers against the built binary: the SDKs of other languages,
//! the Go collector and Prometheus.
//!
//! Whatever a part needs is installed below the target directory; outside it only the caches of the tools
//! change, as with cargo itself.

mod coverage;
mod peers;
mod python;

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use self::coverage::CoverageError;
use self::python::PythonError;
use crate::command::{CommandError, Places, cargo, output, say, succeed};
use crate::go_collector::GoError;
use crate::tool::{GO, JAVA, MAVEN, NODE, NPM, PROMETHEUS, PYTHON, Tool, ToolError};

const USAGE: &str = "\
Usage: cargo xtask test [PART]... [-- ARGUMENTS]

Runs all parts, or those that are named, and stops at the first failure:
  rust             cargo test --workspace, and whether it makes a collector tell all that is stable
  go-collector     the Go collector before, behind and beside the built binary (needs go, python3)
  prometheus       Prometheus of Debian, and 3.5, scrape the built binary (needs prometheus, go, python3)
  sdk-go           the OpenTelemetry Go SDK against the built binary (needs go, python3)
  sdk-java         the Java SDK (needs javac and mvn, python3)
  sdk-javascript   the JavaScript SDK (needs node and npm, python3)
  sdk-python       the Python SDK, and the book's applications (needs python3)

ARGUMENTS go to the one part that is named: to cargo test, or to pytest.";

/// A part of the tests.
struct Part {
    name: &'static str,
    needs: &'static [Tool],
    run: fn(&Build, &[&str]) -> Result<(), TestError>,
}

const PARTS: [Part; 7] = [
    Part { name: "rust", needs: &[], run: rust },
    Part { name: "go-collector", needs: &[GO, PYTHON], run: peers::go_collector },
    Part { name: "prometheus", needs: &[PROMETHEUS, GO, PYTHON], run: peers::prometheus },
    Part { name: "sdk-go", needs: &[GO, PYTHON], run: peers::sdk_go },
    Part { name: "sdk-java", needs: &[JAVA, MAVEN, PYTHON], run: peers::sdk_java },
    Part { name: "sdk-javascript", needs: &[NODE, NPM, PYTHON], run: peers::sdk_javascript },
    Part { name: "sdk-python", needs: &[PYTHON], run: sdk_python },
];

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
    #[error(transparent)]
    Coverage(#[from] CoverageError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("{part} failed; not run after it: {rest}")]
    Part {
        part: &'static str,
        rest: String,
        #[source]
        source: Box<TestError>,
    },
    #[error("{}\nThe rest can be run with: cargo xtask test {able}", missing.join("\n"))]
    Needs { missing: Vec<String>, able: String },
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
    let known = |name: &&str| PARTS.iter().any(|part| part.name == *name);
    if !named.iter().all(known) || (!passed_on.is_empty() && named.len() != 1) {
        return Err(USAGE.into());
    }
    let wanted = |part: &&Part| named.is_empty() || named.contains(&part.name);
    let parts: Vec<&Part> = PARTS.iter().filter(wanted).collect();
    check_needs(&parts)?;
    let build = Build::new()?;
    for (number, part) in parts.iter().enumerate() {
        say(&format!("==> {}", part.name));
        #[expect(clippy::disallowed_methods, reason = "a person is told how long it took")]
        let started = std::time::Instant::now();
        (part.run)(&build, passed_on).map_err(|source| TestError::Part {
            part: part.name,
            rest: names(&parts[number + 1..]),
            source: Box::new(source),
        })?;
        say(&format!("==> {}: passed in {} s", part.name, started.elapsed().as_secs()));
    }
    Ok(())
}

/// Before anything is built: minutes later is too late to say that a program is missing.
fn check_needs(parts: &[&Part]) -> Result<(), TestError> {
    let mut missing = Vec::new();
    let mut able = Vec::new();
    for part in parts {
        let unmet: Vec<ToolError> = part.needs.iter().filter_map(|tool| tool.version().err()).collect();
        if unmet.is_empty() {
            able.push(*part);
        }
        missing.extend(unmet.iter().map(|error| format!("{}: {error}", part.name)));
    }
    if missing.is_empty() { Ok(()) } else { Err(TestError::Needs { missing, able: names(&able) }) }
}

fn names(parts: &[&Part]) -> String {
    if parts.is_empty() {
        return "(none)".into();
    }
    parts.iter().map(|part| part.name).collect::<Vec<_>>().join(" ")
}

fn rust(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let mut command = cargo();
    command.args(["test", "--workspace"]).args(passed_on).env("ETALON_BIN", &build.binary);
    let notes = coverage::begin(&build.places)?;
    succeed(command.env(coverage::FOLDER, &notes).current_dir(&build.places.root))?;
    // With arguments, tests may have been left out.
    if passed_on.is_empty() { coverage::compare(&build.places, &notes) } else { Ok(()) }
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
