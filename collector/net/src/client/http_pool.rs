//! HTTP/1.1 connections to one destination that are kept while unused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::BufReader;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::CONNECT_TIMEOUT;
use super::dial::{ConnectError, Tls, dial};
use super::http_body::Chunks;
use super::target::Target;

/// The smallest write buffer that the HTTP implementation has, in bytes.
const WRITE_BUFFER_MIN: usize = 8 * 1024;

/// How connections are made and kept.
#[derive(Debug)]
pub(super) struct PoolSettings {
    pub(super) target: Target,
    pub(super) tls: Option<Tls>,
    pub(super) read_buffer: usize,
    pub(super) write_buffer: usize,
    /// Connections that are kept while unused.
    pub(super) idle_max: usize,
    /// For how long; nothing is for ever.
    pub(super) idle_timeout: Option<Duration>,
}

/// Connections that wait for their next request; the one used last is used first.
pub(super) struct Pool {
    settings: PoolSettings,
    idle: Mutex<Vec<Idle>>,
    drivers: Mutex<JoinSet<()>>,
}

struct Idle {
    send: SendRequest<Chunks>,
    since: Instant,
}

impl Pool {
    pub(super) fn new(settings: PoolSettings) -> Arc<Self> {
        Arc::new(Self { settings, idle: Mutex::default(), drivers: Mutex::default() })
    }

    /// A connection that is ready for a request, if one is kept.
    pub(super) fn take(&self) -> Option<SendRequest<Chunks>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Idle { send, since }) = idle.pop() {
            if send.is_ready() && !self.is_over(since) {
                return Some(send);
            }
        }
        None
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<SendRequest<Chunks>, ConnectError> {
        timeout(CONNECT_TIMEOUT, self.dial_any()).await.unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn dial_any(&self) -> Result<SendRequest<Chunks>, ConnectError> {
        let target = &self.settings.target;
        let addresses = target.resolve().await;
        let addresses =
            addresses.map_err(|source| ConnectError::Resolve { host: target.host.clone(), source })?;
        let mut last = ConnectError::TimedOut;
        for address in addresses {
            match dial(address, self.settings.tls.as_ref()).await {
                Ok((stream, _)) => {
                    let stream = BufReader::with_capacity(self.settings.read_buffer, stream);
                    let handshake = http1::Builder::new()
                        .max_buf_size(self.settings.write_buffer.max(WRITE_BUFFER_MIN))
                        .handshake(TokioIo::new(stream))
                        .await;
                    let (send, driver) =
                        handshake.map_err(|source| ConnectError::Http1 { address, source })?;
                    let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
                    while drivers.try_join_next().is_some() {}
                    // Its error is also that of the request in progress, if there is one.
                    drivers.spawn(async move { driver.await.unwrap_or_default() });
                    return Ok(send);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Keeps a connection whose answer has been read in full.
    pub(super) fn keep(&self, send: SendRequest<Chunks>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.settings.idle_max && !send.is_closed() {
            idle.push(Idle { send, since: Instant::now() });
        }
    }

    /// Closes connections that have been unused for too long, as long as it is polled.
    pub(super) async fn tidy(self: Arc<Self>) {
        let Some(limit) = self.settings.idle_timeout else { return };
        loop {
            tokio::time::sleep(limit / 2).await;
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|idle| !idle.send.is_closed() && !self.is_over(idle.since));
        }
    }

    /// Ends all connections, those in use too.
    pub(super) async fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut drivers = std::mem::take(&mut *self.drivers.lock().unwrap_or_else(PoisonError::into_inner));
        drivers.shutdown().await;
    }

    fn is_over(&self, since: Instant) -> bool {
        self.settings.idle_timeout.is_some_and(|limit| since.elapsed() >= limit)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("settings", &self.settings).finish_non_exhaustive()
    }
}
