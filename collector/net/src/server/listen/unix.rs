//! Unix domain sockets: the file comes and goes with the listener.

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net as std_net;
use std::path::{Path, PathBuf};

use etalon_telemetry::tell;
use tokio::net::{UnixListener, UnixStream};

use super::ListenError;

/// The file of a listening socket, which is removed when this is dropped. A file that has taken its place since then
/// is not.
#[derive(Debug)]
pub(in crate::server) struct SocketFile {
    path: PathBuf,
    /// Device and number; nothing for a name without a file.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some()
            && identity(&self.path).ok() == self.identity
            && let Err(error) = fs::remove_file(&self.path)
        {
            tell!(ReceiverSocketFileLeft { file: &self.path.display(), error: &error });
        }
    }
}

/// Makes the socket file, with the permissions that the umask leaves. One that a process which is gone has left
/// behind is replaced. `@` and a name is a socket without a file.
pub(super) async fn bind(path: &str) -> Result<(UnixListener, SocketFile), ListenError> {
    let failed = |source| ListenError::SocketFile { path: path.to_owned(), source };
    if let Some(name) = path.strip_prefix('@') {
        let listener = bind_name(name).map_err(failed)?;
        return Ok((listener, SocketFile { path: path.into(), identity: None }));
    }
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path).await?;
            UnixListener::bind(path).map_err(failed)?
        }
        bound => bound.map_err(failed)?,
    };
    let identity = identity(Path::new(path)).map_err(failed)?;
    Ok((listener, SocketFile { path: path.into(), identity: Some(identity) }))
}

fn bind_name(name: &str) -> io::Result<UnixListener> {
    let address = std_net::SocketAddr::from_abstract_name(name)?;
    let listener = std_net::UnixListener::bind_addr(&address)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Removes a socket file on which nobody listens.
async fn remove_stale(path: &str) -> Result<(), ListenError> {
    let failed = |source| ListenError::SocketFile { path: path.to_owned(), source };
    if !fs::symlink_metadata(path).map_err(failed)?.file_type().is_socket() {
        return Err(ListenError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Ok(_) | Err(_) => Err(ListenError::SocketInUse { path: path.to_owned() }),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("otlp.sock").to_str().unwrap().to_owned();
        (folder, path)
    }

    #[tokio::test]
    async fn the_file_goes_with_the_listener() {
        let (_folder, path) = folder();
        let bound = bind(&path).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
        drop(bound);
        assert!(!Path::new(&path).exists());
    }

    #[tokio::test]
    async fn a_file_that_was_left_behind_is_replaced() {
        let (_folder, path) = folder();
        drop(std_net::UnixListener::bind(&path).unwrap());
        assert!(Path::new(&path).exists());
        let _bound = bind(&path).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_in_use_or_of_another_kind_is_left_alone() {
        let (_folder, path) = folder();
        let first = bind(&path).await.unwrap();
        let error = bind(&path).await.unwrap_err();
        assert!(matches!(error, ListenError::SocketInUse { .. }), "{error:?}");
        UnixStream::connect(&path).await.unwrap();
        drop(first);
        fs::write(&path, "precious").unwrap();
        let error = bind(&path).await.unwrap_err();
        assert!(matches!(error, ListenError::NotASocket { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_file_that_has_taken_its_place_is_not_removed() {
        let (_folder, path) = folder();
        let first = bind(&path).await.unwrap();
        // What a second instance does, which took the first for gone.
        fs::rename(&path, format!("{path}.old")).unwrap();
        let _second = bind(&path).await.unwrap();
        drop(first);
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_needs_no_file() {
        let name = format!("@etalon-test-{}", std::process::id());
        let (_listener, file) = bind(&name).await.unwrap();
        assert_eq!(file.path(), Path::new(&name));
        let address = std_net::SocketAddr::from_abstract_name(&name[1..]).unwrap();
        std_net::UnixStream::connect_addr(&address).unwrap();
    }
}
