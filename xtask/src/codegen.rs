//! `cargo xtask codegen`: writes what is generated. [`proto`] makes code of `proto/`, [`telemetry`] makes code and
//! pages of the book of `telemetry-schema/`, [`mod@reference`] makes pages of the components and the command line,
//! [`failures`] and [`propagation`] of tables of the product.
//!
//! The written files are committed, so that building the product needs none of this. What is made of
//! files is behind the features `proto` and `telemetry`, and what needs the product behind `reference`: this program
//! runs itself again for that, so that it is made with the code that has just been written.

#[cfg(feature = "reference")]
mod failures;
#[cfg(any(feature = "reference", feature = "telemetry"))]
mod markdown;
#[cfg(feature = "reference")]
mod propagation;
#[cfg(feature = "proto")]
mod proto;
#[cfg(feature = "reference")]
mod reference;
#[cfg(any(feature = "proto", feature = "telemetry"))]
mod rust;
#[cfg(feature = "telemetry")]
mod support;
#[cfg(feature = "telemetry")]
mod telemetry;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A generated file.
#[derive(Clone)]
struct Generated {
    /// Relative to the root of the repository, with slashes.
    path: String,
    content: String,
}

/// Writes the files, or with `--check` compares them with what would be written.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let finish: fn(&[Generated]) -> Result<()> = match arguments {
        [] => write,
        ["--check"] => check,
        _ => return Err("usage: cargo xtask codegen [--check]".into()),
    };
    #[cfg(feature = "proto")]
    finish(&proto::generate()?)?;
    #[cfg(feature = "telemetry")]
    finish(&telemetry::generate()?)?;
    #[cfg(feature = "telemetry")]
    finish(&support::generate()?)?;
    #[cfg(feature = "reference")]
    finish(&[reference::generate()?, failures::generate(), propagation::generate()].concat())?;
    #[cfg(not(feature = "reference"))]
    crate::again::with("reference", &[&["codegen"], arguments].concat())?;
    Ok(())
}

fn write(files: &[Generated]) -> Result<()> {
    for Generated { path, content } in files {
        let target = root().join(path);
        let folder = target.parent().unwrap_or(&target);
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        fs::write(&target, content).map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    Ok(())
}

/// Names all that are stale, and what to do.
fn check(files: &[Generated]) -> Result<()> {
    let is_stale =
        |file: &&Generated| fs::read_to_string(root().join(&file.path)).ok().as_ref() != Some(&file.content);
    let stale: Vec<&str> = files.iter().filter(is_stale).map(|file| file.path.as_str()).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("not up to date; run `cargo xtask codegen` and commit:\n  {}", stale.join("\n  ")).into())
}

/// The root of the repository, whatever the working directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_owned()
}

#[cfg(all(test, feature = "proto", feature = "reference", feature = "telemetry"))]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_what_codegen_writes() {
        let pages = || Ok([failures::generate(), propagation::generate()].concat());
        let all =
            [proto::generate(), telemetry::generate(), support::generate(), reference::generate(), pages()];
        for files in all.map(Result::unwrap) {
            if let Err(error) = check(&files) {
                panic!("{error}");
            }
        }
    }

    #[test]
    fn a_file_that_is_stale_is_named_with_the_command_that_mends_it() {
        let file =
            |path: &str, content: &str| Generated { path: path.to_owned(), content: content.to_owned() };
        let files = [file("xtask/Cargo.toml", "old"), file("xtask/missing", "")];
        let message = check(&files).unwrap_err().to_string();
        assert!(message.contains("cargo xtask codegen"), "{message}");
        assert!(message.contains("xtask/Cargo.toml") && message.contains("xtask/missing"), "{message}");
    }
}
