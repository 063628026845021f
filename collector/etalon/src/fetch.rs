//! Configuration from `http:` and `https:` locations.

use etalon_conf::{Fetch, FetchError, MAX_SOURCE_BYTES};
use etalon_net::client;

/// Fetches over the network, on a runtime of its own: a configuration is read before the collector's
/// runtime exists.
pub(crate) struct Network;

impl Fetch for Network {
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| FetchError::Transport(error.into()))?;
        runtime.block_on(client::fetch(url, MAX_SOURCE_BYTES)).map_err(|error| match error {
            client::FetchError::Url(_) => FetchError::Invalid(error.into()),
            client::FetchError::Status(status) => FetchError::Status(status),
            other => FetchError::Transport(other.into()),
        })
    }
}
