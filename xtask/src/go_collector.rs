//! The real Go collector, for tests and the bench: built from its modules with its own builder, as
//! `tests/go-collector/builder.yaml` says, below the target directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::command::{self, CommandError, Places};
use crate::tool::{self, ToolError};

const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.159.0";

/// Why something could not be built with Go.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GoError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("cannot read what go mod download says")]
    Download(#[source] serde_json::Error),
}

/// The path of the Go collector; builds it when the manifest, the builder or Go has changed.
///
/// That takes minutes when Go's caches are empty.
pub(crate) fn build(places: &Places) -> Result<PathBuf, GoError> {
    let manifest = places.root.join("tests/go-collector/builder.yaml");
    let folder = places.target.join("go-collector");
    let sources = command::contents(std::slice::from_ref(&manifest))?;
    let made_from = [tool::GO.version()?.as_bytes(), BUILDER.as_bytes(), &sources].concat();
    command::once(&folder, &made_from, || {
        command::say(&format!("    building the Go collector in {}", folder.display()));
        let distribution = folder.join("distribution");
        if distribution.exists() {
            fs::remove_dir_all(&distribution).map_err(|error| CommandError::Write(distribution, error))?;
        }
        let mut builder = Command::new("go");
        builder.args(["run", BUILDER, "--config"]).arg(&manifest).current_dir(&folder);
        command::fetch(&mut builder)
    })?;
    Ok(folder.join("distribution/go-collector"))
}
