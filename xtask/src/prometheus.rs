//! A real Prometheus 3, for tests: built from its module below the target directory, without the service discoveries
//! that its documentation lets one leave out, which are most of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::command::{self, CommandError, Places};
use crate::go_collector::GoError;
use crate::tool;

/// 3.5, which has long-term support: modules of Prometheus count from 0.300.
const MODULE: &str = "github.com/prometheus/prometheus@v0.305.0";

/// What `make plugins` writes of an empty `plugins.yml`. Static targets need none, and files and HTTP are always there.
const PLUGINS: &str = "package plugins\n";

/// What `go mod download` tells.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: PathBuf,
}

/// The path of Prometheus; builds it when its version or Go's has changed.
///
/// That takes three minutes of CPU when Go's caches are empty.
pub(crate) fn build(places: &Places) -> Result<PathBuf, GoError> {
    let folder = places.target.join("prometheus");
    let made_from = [tool::GO.version()?.as_bytes(), MODULE.as_bytes(), PLUGINS.as_bytes()].concat();
    command::once(&folder, &made_from, || {
        command::say(&format!("    building Prometheus in {}", folder.display()));
        // Go checks it against the public database of checksums.
        let mut download = Command::new("go");
        download.args(["mod", "download", "-json", MODULE]).current_dir(&folder);
        let downloaded: Downloaded =
            serde_json::from_slice(&command::output(&mut download)?).map_err(GoError::Download)?;
        let source = folder.join("source");
        if source.exists() {
            fs::remove_dir_all(&source).map_err(|error| CommandError::Write(source.clone(), error))?;
        }
        copy(&downloaded.dir, &source)?;
        let plugins = source.join("plugins/plugins.go");
        fs::remove_file(&plugins)
            .and_then(|()| fs::write(&plugins, PLUGINS))
            .map_err(|error| CommandError::Write(plugins, error))?;
        let mut compile = Command::new("go");
        // Without the paths of this machine, Go's cache serves another copy of the repository too.
        compile.args(["build", "-buildvcs=false", "-trimpath", "-o", "../prometheus", "./cmd/prometheus"]);
        Ok::<(), GoError>(command::fetch(compile.current_dir(&source))?)
    })?;
    Ok(folder.join("prometheus"))
}

/// Copies a folder: Go's own copy of a module must not change.
fn copy(from: &Path, to: &Path) -> Result<(), CommandError> {
    let unreadable = |error| CommandError::Read(from.to_owned(), error);
    fs::create_dir_all(to).map_err(|error| CommandError::Write(to.to_owned(), error))?;
    for entry in fs::read_dir(from).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(unreadable)?.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| CommandError::Write(target, error))?;
        }
    }
    Ok(())
}
