//! What the product writes to its log is declared, and what is declared is written.

#![expect(clippy::unwrap_used, reason = "a test stops where its assumptions do not hold")]

use std::fs;
use std::path::{Path, PathBuf};

/// The code of the product, without its tests, what is generated, and the macro that tells events.
fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["tests", "target", "generated", "testkit"].contains(&&*name) {
                    collect(&path, into);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && name != "tests.rs"
                && !path.ends_with("telemetry/src/event.rs")
            {
                into.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut sources = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector"), &mut sources);
    assert!(sources.len() > 100, "the sources are elsewhere");
    sources
}

/// The type that code has for an event.
fn type_of(event: &str) -> String {
    let words = event.split(['.', '_']);
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

#[test]
fn every_declared_event_is_told_somewhere() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../telemetry-schema");
    let contract = etalon_telemetry_schema::load(&schema).unwrap();
    let sources = sources();
    let is_told = |event: &str| {
        let wanted = type_of(event);
        sources.iter().any(|(_, code)| {
            code.match_indices(&wanted).any(|(at, _)| {
                let (before, after) = (code[..at].trim_end(), &code[at + wanted.len()..]);
                // The call site of one is made by hand.
                (before.ends_with("tell!(") || after.starts_with("::DEFINITION"))
                    && !after.starts_with(|next: char| next.is_alphanumeric())
            })
        })
    };
    let untold: Vec<&String> = contract.events.keys().filter(|event| !is_told(event)).collect();
    assert!(untold.is_empty(), "declared, but nothing tells them: {untold:?}");
}

#[test]
fn nothing_writes_to_the_log_but_declared_events() {
    for (path, code) in sources() {
        for macro_name in ["event!(", "info!(", "warn!(", "error!("] {
            let found = code.match_indices(macro_name).any(|(at, _)| {
                !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
            });
            assert!(
                !found,
                "{}: {macro_name}…) writes a line that no event declares: use tell!",
                path.display()
            );
        }
    }
}
