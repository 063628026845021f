//! What an extension that keeps data on disk offers.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::ComponentId;

/// A folder in which components keep what must survive the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The folder, which is there once the extension has started.
    pub directory: PathBuf,
    /// Most bytes of each queue.
    pub queue_bytes: u64,
    /// How long to wait for another process that still uses a queue.
    pub lock_timeout: Duration,
}

/// A storage that a configuration names cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// No extension of this id is in service.
    #[error("no storage client extension found: \"{0}\" is not among the extensions of the service")]
    NotFound(ComponentId),
    /// The extension keeps nothing for others.
    #[error("requested extension is not a storage extension: \"{0}\"")]
    NotStorage(ComponentId),
}

impl Storage {
    /// Least bytes that a queue needs.
    pub const QUEUE_BYTES_MIN: u64 = 16 * 1024 * 1024;

    /// The folder of the queue of an exporter for a signal, named as upstream names its files:
    /// `exporter_<type>_<name>_<signal>`.
    pub fn queue_directory(&self, exporter: &ComponentId, signal: &str) -> PathBuf {
        let name = exporter.name();
        self.directory.join(escaped(&format!("exporter_{}_{name}_{signal}", exporter.kind())))
    }
}

/// Any character that could mean something to a file system, as `~` and its number in hexadecimal.
fn escaped(name: &str) -> String {
    name.chars().fold(String::new(), |mut escaped, character| {
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.') {
            escaped.push(character);
        } else {
            write!(escaped, "~{:04X}", u32::from(character)).ok();
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_queue_has_a_folder_that_tells_whose_it_is() {
        let storage = Storage { directory: "/s".into(), queue_bytes: 1, lock_timeout: Duration::ZERO };
        let folder = |id: &str| storage.queue_directory(&id.parse().expect("an id"), "traces");
        assert_eq!(folder("otlp_grpc"), PathBuf::from("/s/exporter_otlp_grpc__traces"));
        assert_eq!(folder("otlp_http/a.b"), PathBuf::from("/s/exporter_otlp_http_a.b_traces"));
        assert_eq!(folder("otlp_http/ä/.."), PathBuf::from("/s/exporter_otlp_http_~00E4~002F.._traces"));
    }
}
