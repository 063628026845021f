//! `cargo xtask contract freeze` and `publish`: writes a release down, which is not altered once it is published.

use std::fs;
use std::path::Path;

use etalon_telemetry_schema::released::{
    CHANGE_SUFFIX, LIST, List, Listed, SUMS, checksum, declared, list, sums,
};
use semver::Version;

use super::{Result, Tree, objections, observed};
use crate::command::{Places, say};

/// What stands above the list.
const HEADER: &str = "\
# Releases of the contract. `cargo xtask contract` writes here and into the folders, and nobody else: a test refuses
# anything that was altered. What is published is not frozen again.
";

/// Releases the contract, whose version must be this one.
pub(super) fn run(tree: &Tree, version: &str) -> Result<()> {
    let version: Version = version.parse()?;
    let list = list(&tree.released())?;
    if list.releases.iter().any(|listed| listed.version == version) {
        let told =
            "has been released: what is released stays as it is; add --again while it is not published";
        return Err(format!("{version} {told}").into());
    }
    freeze(tree, version, list)
}

/// Releases the contract as [`run`] does, in place of its last release, which is not published.
pub(super) fn again(places: &Places, version: &str) -> Result<()> {
    let version: Version = version.parse()?;
    let released = places.root.join("telemetry-schema/released");
    let mut list = list(&released)?;
    taken_back(&mut list, &version)?;
    // What users were to be told is told with the release that comes instead.
    for entry in fs::read_dir(released.join(version.to_string()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(id) = name.strip_suffix(CHANGE_SUFFIX) {
            fs::copy(&path, places.root.join(format!("telemetry-schema/changes/{id}.yaml")))?;
        }
    }
    let mut tree = Tree::load()?;
    tree.releases.retain(|release| release.contract.version != version);
    freeze(&tree, version, list)
}

/// Takes the release from the list, when it may be frozen anew.
fn taken_back(list: &mut List, version: &Version) -> Result<()> {
    match list.releases.pop() {
        Some(last) if last.version == *version && !last.published => Ok(()),
        Some(last) if last.version == *version => {
            Err(format!("{version} is published: what is published stays as it is").into())
        }
        _ => Err(format!("{version} is not the last release: only that is frozen again").into()),
    }
}

/// Writes the release down, and adds it to the list.
fn freeze(tree: &Tree, version: Version, mut list: List) -> Result<()> {
    if version != tree.current.version {
        let said = &tree.current.version;
        return Err(format!("telemetry-schema/manifest.yaml says {said}, not {version}").into());
    }
    objections(&tree.review())?;
    let root = &tree.places.root;
    if fs::read_to_string(root.join("telemetry-schema/resolved/current.json"))? != tree.current.to_json() {
        return Err("the program would carry another contract: run `cargo xtask codegen` first".into());
    }

    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, text) in declared(&tree.current).into_iter().chain(observed::all(&tree.places, &tree.current)?)
    {
        files.push((name, text.into_bytes()));
    }
    let changes = root.join("telemetry-schema/changes");
    for notice in &tree.notices {
        let text = fs::read(changes.join(&notice.id).with_extension("yaml"))?;
        files.push((format!("{}{CHANGE_SUFFIX}", notice.id), text));
    }
    let sums = sums(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())));
    let sha256 = checksum(sums.as_bytes());
    files.push((SUMS.to_owned(), sums.into_bytes()));
    write(&tree.released().join(version.to_string()), &files)?;
    list.releases.push(Listed { version: version.clone(), date: tree.today, sha256, published: false });
    write_list(&tree.released(), &list)?;
    for notice in &tree.notices {
        fs::remove_file(changes.join(&notice.id).with_extension("yaml"))?;
    }
    say(&format!("{version} is frozen; run `cargo xtask codegen`, which lets programs carry it, and commit"));
    Ok(())
}

/// Marks a release as published: from then on it is not frozen again.
pub(super) fn publish(places: &Places, version: &str) -> Result<()> {
    let version: Version = version.parse()?;
    let released = places.root.join("telemetry-schema/released");
    let mut list = list(&released)?;
    let Some(listed) = list.releases.iter_mut().find(|listed| listed.version == version) else {
        return Err(
            format!("{version} is not frozen: run `cargo xtask contract freeze {version}` first").into()
        );
    };
    listed.published = true;
    write_list(&released, &list)
}

/// Makes these the only files of a folder.
fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

fn write_list(released: &Path, list: &List) -> Result<()> {
    let mut text = format!("{HEADER}releases:\n");
    for Listed { version, date, sha256, published } in &list.releases {
        let published = if *published { ", published: true" } else { "" };
        text.push_str(&format!("  - {{version: {version}, date: {date}, sha256: {sha256}{published}}}\n"));
    }
    fs::write(released.join(LIST), text).map_err(|error| format!("cannot write {LIST}: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(published: bool) -> List {
        let listed = |version: &str, published| Listed {
            version: version.parse().unwrap(),
            date: "2026-11-30".parse().unwrap(),
            sha256: checksum(b""),
            published,
        };
        List { releases: vec![listed("0.1.0", true), listed("0.2.0", published)] }
    }

    #[test]
    fn only_the_last_release_is_frozen_again_and_only_while_it_is_not_published() {
        let told = |published, version: &str| {
            let mut list = list(published);
            taken_back(&mut list, &version.parse().unwrap()).map(|()| list.releases.len())
        };
        assert_eq!(told(false, "0.2.0").unwrap(), 1);
        let refused = |published, version| told(published, version).unwrap_err().to_string();
        assert_eq!(refused(true, "0.2.0"), "0.2.0 is published: what is published stays as it is");
        assert_eq!(refused(false, "0.1.0"), "0.1.0 is not the last release: only that is frozen again");
        assert_eq!(refused(false, "0.3.0"), "0.3.0 is not the last release: only that is frozen again");
    }

    #[test]
    fn the_list_is_written_as_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        write_list(folder.path(), &list(false)).unwrap();
        assert_eq!(etalon_telemetry_schema::released::list(folder.path()).unwrap(), list(false));
    }
}
