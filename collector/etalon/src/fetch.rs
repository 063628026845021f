//! Configuration from `http:` and `https:` locations.

use etalon_conf::{Fetch, FetchError, MAX_SOURCE_BYTES};
use etalon_net::client;
use tokio_util::sync::CancellationToken;

/// Fetches over the network, on a runtime of its own: a configuration is read before the collector's
/// runtime exists. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network(CancellationToken);

/// The collector is to stop.
#[derive(Debug, thiserror::Error)]
#[error("given up: the collector stops")]
struct GivenUp;

impl Network {
    /// Gives up what is being fetched, so that nobody has to wait for it.
    pub(crate) fn give_up(&self) {
        self.0.cancel();
    }
}

impl Fetch for Network {
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| FetchError::Transport(error.into()))?;
        let fetched = runtime.block_on(self.0.run_until_cancelled(client::fetch(url, MAX_SOURCE_BYTES)));
        // The system's resolver of names cannot be interrupted.
        runtime.shutdown_background();
        fetched.ok_or_else(|| FetchError::Transport(GivenUp.into()))?.map_err(|error| match error {
            client::FetchError::Url(_) | client::FetchError::ServerName(_) => {
                FetchError::Invalid(error.into())
            }
            client::FetchError::Status(status) => FetchError::Status(status),
            other => FetchError::Transport(other.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_answer_is_given_up_when_the_collector_stops() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/conf.yaml", silent.local_addr().unwrap());
        let network = Network::default();
        let fetching = std::thread::spawn({
            let network = network.clone();
            move || network.get(&url)
        });
        let _connection = silent.accept().unwrap();
        network.give_up();
        let Err(FetchError::Transport(error)) = fetching.join().unwrap() else { panic!("it has arrived") };
        assert!(error.is::<GivenUp>(), "{error}");
    }
}
