//! The folder, which is checked when the extension starts.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use etalon_component::{BoxError, BoxFuture, Component, Host};
use tokio::time::Instant;

use crate::Config;

/// See [`Config`].
pub(crate) struct Folder {
    path: PathBuf,
    /// Permissions with which to make it.
    create: Option<u32>,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
enum FolderError {
    #[error("cannot make the folder {path}")]
    Create { path: PathBuf, source: io::Error },
    #[error("the folder {path} is not there: make it, or set create_directory")]
    Missing { path: PathBuf },
    #[error("{path} is not a folder")]
    NotAFolder { path: PathBuf },
    #[error("cannot look at the folder {path}")]
    Look { path: PathBuf, source: io::Error },
}

impl Folder {
    pub(crate) fn new(config: &Config) -> Self {
        Self { path: config.directory.clone(), create: config.mode().filter(|_| config.create_directory) }
    }

    fn check(&self) -> Result<(), FolderError> {
        let path = self.path.clone();
        if let Some(mode) = self.create {
            let created = DirBuilder::new().recursive(true).mode(mode).create(&path);
            created.map_err(|source| FolderError::Create { path: path.clone(), source })?;
        }
        match Path::new(&path).metadata() {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(FolderError::NotAFolder { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FolderError::Missing { path }),
            Err(source) => Err(FolderError::Look { path, source }),
        }
    }
}

impl Component for Folder {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move { Ok(self.check()?) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}
