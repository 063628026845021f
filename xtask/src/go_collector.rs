//! The real Go collector, for tests and the bench: built from its modules with its own builder, as
//! `tests/go-collector/builder.yaml` says, below the target directory.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::command::{self, CommandError, Places};

const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.159.0";

/// From this one on, Go can fetch the later one that a module asks for.
const OLDEST_GO: u32 = 21;

/// Why there is no Go collector.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GoError {
    #[error("needs Go 1.25 or later as go on PATH")]
    Missing(#[source] CommandError),
    #[error("needs Go 1.25 or later as go on PATH; this is {0}")]
    Old(String),
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// The path of the Go collector; builds it when the manifest, the builder or Go has changed.
///
/// That takes minutes when Go's caches are empty: it compiles some 900 packages.
pub(crate) fn build(places: &Places) -> Result<PathBuf, GoError> {
    let manifest = places.root.join("tests/go-collector/builder.yaml");
    let folder = places.target.join("go-collector");
    let sources = command::contents(std::slice::from_ref(&manifest))?;
    let made_from = [go_version()?.as_bytes(), BUILDER.as_bytes(), &sources].concat();
    command::once(&folder, &made_from, || {
        command::say(&format!("    building the Go collector in {}", folder.display()));
        let distribution = folder.join("distribution");
        if distribution.exists() {
            fs::remove_dir_all(&distribution).map_err(|error| CommandError::Write(distribution, error))?;
        }
        let mut builder = Command::new("go");
        builder.args(["run", BUILDER, "--config"]).arg(&manifest).current_dir(&folder);
        command::fetch(&mut builder).map_err(GoError::from)
    })?;
    Ok(folder.join("distribution/go-collector"))
}

/// What `go version` says, when it is one that will do.
pub(crate) fn go_version() -> Result<String, GoError> {
    let mut version = Command::new("go");
    version.args(["env", "GOVERSION", "GOOS", "GOARCH"]).stderr(Stdio::inherit());
    let version = command::output(&mut version).map_err(GoError::Missing)?;
    let version = String::from_utf8_lossy(&version).into_owned();
    match minor(&version) {
        Some(minor) if minor >= OLDEST_GO => Ok(version),
        _ => Err(GoError::Old(version.lines().next().unwrap_or_default().to_owned())),
    }
}

/// The 26 of `go1.26.8`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn the_minor_version_is_read_from_what_go_says() {
        assert_eq!(minor("go1.26.8\nlinux\namd64\n"), Some(26));
        assert_eq!(minor("go1.25rc1"), Some(25));
        assert_eq!(minor("go1.19"), Some(19));
        assert_eq!(minor("devel go1.27-abc"), None);
    }
}
