//! The peers in other languages, made ready below the target directory, and pytest with each of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Build, TestError, python};
use crate::command::{self, CommandError};
use crate::{go_collector, prometheus, tool};

/// The Go collector before, behind and beside the built binary.
pub(super) fn go_collector(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let binary = go_collector::build(&build.places)?;
    let mut pytest = python::pytest(build, "go-collector", passed_on)?;
    Ok(command::succeed(pytest.env("GO_COLLECTOR_BIN", binary))?)
}

/// Prometheus 2 of the system, and Prometheus 3.
pub(super) fn prometheus(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let binary = prometheus::build(&build.places)?;
    let mut pytest = python::pytest(build, "prometheus", passed_on)?;
    Ok(command::succeed(pytest.env("PROMETHEUS_3_BIN", binary))?)
}

/// An application of the Go SDK.
pub(super) fn sdk_go(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let program = build.places.target.join("sdk-go/application");
    let mut compile = Command::new("go");
    compile.args(["build", "-o"]).arg(&program).arg(".");
    command::fetch(compile.current_dir(build.places.root.join("tests/sdk-go")))?;
    let mut pytest = python::pytest(build, "sdk-go", passed_on)?;
    Ok(command::succeed(pytest.env("SDK_GO", program))?)
}

/// An application of the JavaScript SDK.
pub(super) fn sdk_javascript(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let tests = build.places.root.join("tests/sdk-javascript");
    let folder = build.places.target.join("sdk-javascript");
    let locks = ["package.json", "package-lock.json"];
    let mut made_from = command::contents(&locks.map(|name| tests.join(name)))?;
    made_from.extend(tool::NODE.version()?.into_bytes());
    command::once(&folder, &made_from, || {
        for name in locks {
            copy(&tests.join(name), &folder.join(name))?;
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        command::fetch(install.current_dir(&folder))
    })?;
    // Node looks for modules beside the file that imports them.
    copy(&tests.join("application.mjs"), &folder.join("application.mjs"))?;
    let mut pytest = python::pytest(build, "sdk-javascript", passed_on)?;
    Ok(command::succeed(pytest.env("SDK_JAVASCRIPT", folder))?)
}

/// An application of the Java SDK.
pub(super) fn sdk_java(build: &Build, passed_on: &[&str]) -> Result<(), TestError> {
    let tests = build.places.root.join("tests/sdk-java");
    let folder = build.places.target.join("sdk-java");
    let mut made_from =
        command::contents(&[tests.join("pom.xml"), tests.join("src/main/java/Application.java")])?;
    made_from.extend(tool::JAVA.version()?.into_bytes());
    command::once(&folder, &made_from, || {
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", "--no-transfer-progress"]);
        maven.arg(format!("-Detalon.target={}", folder.display()));
        maven.args(["compile", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
        command::fetch(maven.current_dir(&tests))
    })?;
    let classpath = format!("{0}/classes:{0}/dependency/*", folder.display());
    let mut pytest = python::pytest(build, "sdk-java", passed_on)?;
    Ok(command::succeed(pytest.env("SDK_JAVA_CLASSPATH", classpath))?)
}

fn copy(from: &Path, to: &Path) -> Result<(), CommandError> {
    fs::copy(from, to).map_err(|error| CommandError::Write(to.to_owned(), error))?;
    Ok(())
}
