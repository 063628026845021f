//! Where the text goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A place that text is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    Stderr,
    File(PathBuf),
}

/// A file could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {} to append to it", path.display())]
pub(crate) struct OpenError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// Targets that are open.
#[derive(Debug)]
pub(crate) struct Output(Vec<Sink>);

#[derive(Debug)]
enum Sink {
    Stdout,
    Stderr,
    File(Mutex<File>),
}

impl Target {
    /// The target that a user means: the name of a standard stream, a path, or a URL of a file.
    /// Nothing for any other URL and for an empty text.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "stdout" => Some(Self::Stdout),
            "stderr" => Some(Self::Stderr),
            _ => match text.split_once("://") {
                None => Some(Self::File(text.into())),
                Some(("file", path)) => {
                    let path = path.strip_prefix("localhost").unwrap_or(path);
                    path.starts_with('/').then(|| Self::File(path.into()))
                }
                Some(_) => None,
            },
        }
    }
}

impl Output {
    /// Opens files to append to them; creates those that do not exist.
    pub(crate) fn open(targets: &[Target]) -> Result<Self, OpenError> {
        let open = |target: &Target| {
            Ok(match target {
                Target::Stdout => Sink::Stdout,
                Target::Stderr => Sink::Stderr,
                Target::File(path) => {
                    let file = OpenOptions::new().create(true).append(true).open(path);
                    Sink::File(Mutex::new(file.map_err(|cause| OpenError { path: path.clone(), cause })?))
                }
            })
        };
        targets.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Writes text to every target, as one piece each; returns the first error, and goes on after it.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let mut result = Ok(());
        for sink in &self.0 {
            let written = match sink {
                Sink::Stdout => put(&mut io::stdout().lock(), text),
                Sink::Stderr => put(&mut io::stderr().lock(), text),
                Sink::File(file) => put(&mut *file.lock().unwrap_or_else(PoisonError::into_inner), text),
            };
            result = result.and(written);
        }
        result
    }
}

fn put(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}
