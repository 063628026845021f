//! What the caller gives: environment variables, and the network.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;

/// Where environment variables come from.
pub trait Environment: Send + Sync {
    /// The value of a variable; nothing when it is not set.
    fn get(&self, name: &str) -> Option<OsString>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

impl<F: Fn(&str) -> Option<OsString> + Send + Sync> Environment for F {
    fn get(&self, name: &str) -> Option<OsString> {
        self(name)
    }
}

/// Fetches configuration over the network. May block.
pub trait Fetch: Send + Sync {
    /// The body behind `url`, whose scheme is `http` or `https`: one GET, one try. The caller refuses more than
    /// [`MAX_SOURCE_BYTES`](crate::MAX_SOURCE_BYTES); an implementation should stop reading there.
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError>;
}

/// A URL gave no configuration.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is no URL.
    #[error("invalid uri")]
    Invalid(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered with another status than 200.
    #[error("failed to load resource, status code: {0}")]
    Status(u16),
    /// No answer.
    #[error("unable to download the file via HTTP GET")]
    Transport(#[source] Box<dyn Error + Send + Sync>),
}

/// Variables in memory, for tests and embedding.
impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<OsString> {
        BTreeMap::get(self, name).map(OsString::from)
    }
}
