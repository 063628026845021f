//! `cargo xtask contract freeze`: writes a release down, which is never altered again.

use std::fs;
use std::path::Path;

use etalon_telemetry_schema::released::{CONTRACT, LIST, List, Listed, SUMS, checksum, list, sums};
use semver::Version;

use super::{Result, Tree, objections, scrape};
use crate::command::say;

/// What stands above the list.
const HEADER: &str = "\
# Releases of the contract. `cargo xtask contract freeze` writes here and into the folders, and nobody else: a test
# refuses anything that was altered.
";

/// Releases the contract, whose version must be this one.
pub(super) fn run(tree: &Tree, version: &str) -> Result<()> {
    let version: Version = version.parse()?;
    let folder = tree.released().join(version.to_string());
    let mut list = list(&tree.released())?;
    if folder.exists() || list.releases.iter().any(|listed| listed.version == version) {
        return Err(format!("{version} has been released: what is released stays as it is").into());
    }
    if version != tree.current.version {
        let said = &tree.current.version;
        return Err(format!("telemetry-schema/manifest.yaml says {said}, not {version}").into());
    }
    objections(&tree.review())?;

    let mut files = vec![(CONTRACT.to_owned(), tree.current.to_json().into_bytes())];
    for (exposition, text) in scrape::all(&tree.places, &tree.current)? {
        files.push((format!("{exposition}.txt"), text.into_bytes()));
    }
    let changes = tree.places.root.join("telemetry-schema/changes");
    for notice in &tree.notices {
        let text = fs::read(changes.join(&notice.id).with_extension("yaml"))?;
        files.push((format!("{}.change.yaml", notice.id), text));
    }
    let sums = sums(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())));
    let sha256 = checksum(sums.as_bytes());
    files.push((SUMS.to_owned(), sums.into_bytes()));
    write(&folder, &files)?;
    list.releases.push(Listed { version: version.clone(), date: tree.today, sha256 });
    write_list(&tree.released(), &list)?;
    for notice in &tree.notices {
        fs::remove_file(changes.join(&notice.id).with_extension("yaml"))?;
    }
    say(&format!("{version} is released; add it to CARRIED in telemetry-schema/src/catalog.rs, and commit"));
    Ok(())
}

fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

fn write_list(released: &Path, list: &List) -> Result<()> {
    let mut text = format!("{HEADER}releases:\n");
    for Listed { version, date, sha256 } in &list.releases {
        text.push_str(&format!("  - {{version: {version}, date: {date}, sha256: {sha256}}}\n"));
    }
    fs::write(released.join(LIST), text).map_err(|error| format!("cannot write {LIST}: {error}").into())
}
