//! `collector/pdata/src/generated/`, of `proto/`: [`types`] makes the prost types, [`tables`] the wire tables.

mod tables;
mod types;

use std::fs;
use std::path::{Path, PathBuf};

use super::rust::formatted;
use super::{Generated, Result, root};

const TARGET: &str = "collector/pdata/src/generated";

pub(super) fn generate() -> Result<Vec<Generated>> {
    let proto = root().join("proto");
    let mut files = Vec::new();
    collect(&proto, &mut files)?;
    files.sort();
    let mut compiler = protox::Compiler::new([&proto])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files)?;

    let types = types::generate(compiler.file_descriptor_set())?;
    let tables = tables::generate(&compiler.descriptor_pool())?;
    Ok(vec![
        Generated { path: format!("{TARGET}/proto.rs"), content: formatted(&types)? },
        Generated { path: format!("{TARGET}/tables.rs"), content: formatted(&tables)? },
    ])
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
