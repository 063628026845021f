//! What users write.

use std::path::PathBuf;

use etalon_component::Storage;
use etalon_conf::{Check, Duration, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of a `file_storage` extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// The folder. Each queue has a folder of its own in it.
    pub directory: PathBuf,
    /// Whether to make the folder when it is not there.
    pub create_directory: bool,
    /// Permissions of a folder that is made, in octal.
    pub directory_permissions: String,
    /// How long to wait for another process that still uses a queue.
    pub timeout: Duration,
    /// Most bytes that each queue may take on the disk; what would need more is refused. 0 is without limit.
    pub max_size: u64,
    /// Whether the sender is told OK only when its data is on stable storage. Only `true` is supported.
    pub fsync: bool,
}

/// Most bytes of a queue, unless the configuration says otherwise: 10 GiB.
const MAX_SIZE: u64 = 10 * 1024 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/lib/otelcol/file_storage"),
            create_directory: false,
            directory_permissions: "0750".to_owned(),
            timeout: Duration::from_secs(1),
            max_size: MAX_SIZE,
            fsync: true,
        }
    }
}

impl Config {
    /// The permissions as a number.
    pub(crate) fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.directory_permissions, 8).ok().filter(|mode| *mode <= 0o777)
    }

    /// What exporters are offered.
    pub(crate) fn storage(&self) -> Storage {
        let queue_bytes = if self.max_size == 0 { u64::MAX } else { self.max_size };
        Storage { directory: self.directory.clone(), queue_bytes, lock_timeout: self.timeout.to_std() }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if self.directory.as_os_str().is_empty() {
            check.at("directory", |check| check.error("the folder must be named"));
        }
        if self.mode().is_none() {
            check.at("directory_permissions", |check| {
                check.error_with_help(
                    format!("`{}` is no octal number up to 0777", self.directory_permissions),
                    "write it as chmod takes it, for example \"0750\"",
                );
            });
        }
        if self.timeout.is_negative() {
            check.at("timeout", |check| check.error("must not be negative"));
        }
        if self.max_size != 0 && self.max_size < Storage::QUEUE_BYTES_MIN {
            check.at("max_size", |check| {
                check.error(format!("must be 0 or at least {} bytes", Storage::QUEUE_BYTES_MIN));
            });
        }
        if !self.fsync {
            check.at("fsync", |check| {
                check.error_with_help(
                    "data is always on stable storage before its sender is told OK",
                    "remove `fsync`; requests that come together share one sync",
                );
            });
        }
    }
}
