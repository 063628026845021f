//! The book and the README do what they say: their commands are run as written, with the built binary
//! as `etalon`, and what they print is compared with what the page shows.
//!
//! What a fence of a page means stands at its info string, after the language:
//!
//! - `sh`: run with `sh -e` in a folder of the page; it must succeed. `exit=N`: it must end with N.
//!   `eventually`: it is repeated until it prints what the page shows.
//! - `sh background`: one long-running `etalon`, which is waited for, and stopped at the end of the page.
//!   `restart`: the one before is stopped first.
//! - `sh not-run="why"`: not run. There may be [`NOT_RUN_MAX`] of them.
//! - `text`: all that the fence before has printed. `text background`: part of what the latest
//!   background process has printed. `…` stands for any part of a line, alone for any lines. `text
//!   diagram` is no output.
//! - `yaml`: a configuration, or a part of one, which must be valid. With `# file: NAME` as its first
//!   line it is written to the folder, as is `python` with `# file: NAME`.
//! - `rust`, and `yaml` too: a lone `{{#include}}` of a file that is tested elsewhere.
//!
//! Pages use the ports that users use. Where the system lets this process have a network of its own,
//! they are used there; elsewhere the pages wait for one another, and need the ports to be free.

mod expectation;
mod fence;
mod folder;
mod links;
mod network;
mod page;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::fence::{Fence, fences};
use crate::page::Skipped;

/// Most fences in the book and the README that are not run.
const NOT_RUN_MAX: usize = 10;

#[test]
fn the_pages_do_what_they_say() {
    if network::is_elsewhere("the_pages_do_what_they_say") {
        return;
    }
    let _alone = network::alone();
    let (mut failures, mut skipped) = (Vec::new(), Skipped::default());
    for path in pages() {
        let name = name_of(&path);
        let text = read(&path);
        let run = catch_unwind(AssertUnwindSafe(|| page::run(&name, &text, &mut skipped)));
        match run.unwrap_or_else(|_| Err(format!("{name}: panicked; why is above"))) {
            Ok(run) => println!("{name}: {run} fences run"),
            Err(failure) => failures.push(failure),
        }
    }
    println!("{skipped}");
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n\n"));
}

#[test]
fn what_is_not_run_says_why_and_is_seldom() {
    let mut not_run = Vec::new();
    for path in pages() {
        let page = fences(&read(&path)).unwrap_or_else(|problem| panic!("{}: {problem}", name_of(&path)));
        let reasons = page.iter().filter_map(Fence::not_run);
        not_run.extend(reasons.map(|why| format!("{}: {why}", name_of(&path))));
    }
    assert!(not_run.iter().all(|why| !why.ends_with(": ")), "{not_run:#?}");
    assert!(not_run.len() <= NOT_RUN_MAX, "{} fences are not run: {not_run:#?}", not_run.len());
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = read(&book().join("SUMMARY.md"));
    let mut listed: Vec<PathBuf> =
        links::targets(&summary).iter().map(|target| book().join(target)).collect();
    // Figures that a program writes are part of the page that shows them.
    let figures = book().join("data");
    let is_page = |page: &PathBuf| page.starts_with(book()) && !page.starts_with(&figures);
    let mut present: Vec<PathBuf> = pages().into_iter().filter(is_page).collect();
    listed.sort();
    present.sort();
    assert_eq!(listed, present);
}

#[test]
fn every_link_resolves() {
    let mut broken = Vec::new();
    for path in pages().into_iter().chain(policies()) {
        let text = read(&path);
        let problems = links::broken(&path, &text);
        broken.extend(problems.into_iter().map(|problem| format!("{}: {problem}", name_of(&path))));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// The README, and every page of the book but the summary.
fn pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut folders = vec![book()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the book can be listed") {
            let path = entry.expect("the book can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && !path.ends_with("SUMMARY.md")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn policies() -> [PathBuf; 6] {
    ["ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY", "SUPPORT", "VERSIONING"]
        .map(|name| root().join(name).with_extension("md"))
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ is in the root").to_owned()
}

fn book() -> PathBuf {
    root().join("book/src")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name_of(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
