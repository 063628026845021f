//! Connections to one destination: of HTTP/1.1 that are kept while unused, or one of HTTP/2 for all calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::CONNECT_TIMEOUT;
use super::dial::{ConnectError, Route, dial};
use super::http_connection::{Driver, Opened, Send1, Send2, Settings, open};
use super::target::Target;

/// How connections are made and kept.
#[derive(Debug)]
pub(super) struct PoolSettings {
    pub(super) target: Target,
    pub(super) route: Route,
    pub(super) connection: Settings,
    /// Whether connections serve one request after another.
    pub(super) reuse: bool,
    /// Connections in all.
    pub(super) connections_max: usize,
    /// Connections that are kept while unused.
    pub(super) idle_max: usize,
    /// For how long; nothing is for ever.
    pub(super) idle_timeout: Option<Duration>,
}

/// Unused connections are looked at no more often.
const TIDY_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Connections that wait for their next request; the one used last is used first.
pub(super) struct Pool {
    settings: PoolSettings,
    /// One each for the connections that there may be.
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    shared: Mutex<Option<Arc<Shared>>>,
    /// Held by who finds out which protocol the server speaks.
    asking: tokio::sync::Mutex<()>,
    /// The server has been asked, and does not speak HTTP/2.
    only_http1: AtomicBool,
    drivers: Mutex<JoinSet<()>>,
}

struct Idle {
    send: Send1,
    since: Instant,
}

/// A connection of HTTP/2, which any number of calls use at once.
pub(super) struct Shared {
    pub(super) send: Send2,
    used: Mutex<Instant>,
}

/// A connection for one request.
pub(super) enum Lease {
    Http1 { send: Send1, kept: bool, permit: OwnedSemaphorePermit },
    Http2 { shared: Arc<Shared>, kept: bool },
}

impl Lease {
    /// Whether it has served a request before, so that the server may just have closed it.
    pub(super) fn was_kept(&self) -> bool {
        match self {
            Self::Http1 { kept, .. } | Self::Http2 { kept, .. } => *kept,
        }
    }
}

impl Pool {
    pub(super) fn new(settings: PoolSettings) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(settings.connections_max)),
            settings,
            idle: Mutex::default(),
            shared: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            only_http1: AtomicBool::new(false),
            drivers: Mutex::default(),
        })
    }

    /// A connection that is ready for a request: one that is kept, or else a new one. It waits while there
    /// are as many as there may be.
    pub(super) async fn lease(&self) -> Result<Lease, ConnectError> {
        if let Some(shared) = self.shared() {
            return Ok(Lease::Http2 { shared, kept: true });
        }
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| ConnectError::TimedOut)?;
        if let Some(send) = self.take_idle() {
            return Ok(Lease::Http1 { send, kept: true, permit });
        }
        // One connection of HTTP/2 is enough: the first call makes it, and the others wait for it.
        let _asking = if self.may_speak_http2() { Some(self.asking.lock().await) } else { None };
        if let Some(shared) = self.shared() {
            return Ok(Lease::Http2 { shared, kept: true });
        }
        let opened = timeout(CONNECT_TIMEOUT, self.dial_any()).await;
        let (opened, driver) = opened.unwrap_or(Err(ConnectError::TimedOut))?;
        self.drive(driver);
        match opened {
            Opened::Http1(send) => {
                self.only_http1.store(true, Ordering::Relaxed);
                Ok(Lease::Http1 { send, kept: false, permit })
            }
            Opened::Http2(send) => {
                let shared = Arc::new(Shared { send, used: Mutex::new(Instant::now()) });
                if self.settings.reuse {
                    *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared.clone());
                }
                Ok(Lease::Http2 { shared, kept: false })
            }
        }
    }

    /// Keeps a connection whose answer has been read in full.
    pub(super) fn keep(&self, lease: Lease) {
        match lease {
            Lease::Http1 { send, permit, .. } => {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                if self.settings.reuse && idle.len() < self.settings.idle_max && !send.is_closed() {
                    idle.push(Idle { send, since: Instant::now() });
                }
                drop(permit);
            }
            Lease::Http2 { shared, .. } => {
                *shared.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            }
        }
    }

    /// Takes a connection out of use on which a request could not be begun.
    pub(super) fn give_up(&self, lease: Lease) {
        if let Lease::Http2 { shared, .. } = lease {
            let mut current = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &shared)) {
                *current = None;
            }
        }
    }

    /// Closes connections that have been unused for too long, as long as it is polled.
    pub(super) async fn tidy(self: Arc<Self>) {
        let Some(limit) = self.settings.idle_timeout else { return };
        loop {
            tokio::time::sleep((limit / 2).max(TIDY_INTERVAL_MIN)).await;
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|idle| !idle.send.is_closed() && !self.is_over(idle.since));
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            // Calls in flight hold it as well.
            shared.take_if(|shared| Arc::strong_count(shared) == 1 && self.is_over(shared.used()));
        }
    }

    /// Ends all connections, those in use too.
    pub(super) async fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut drivers = std::mem::take(&mut *self.drivers.lock().unwrap_or_else(PoisonError::into_inner));
        drivers.shutdown().await;
    }

    fn may_speak_http2(&self) -> bool {
        self.settings.connection.offers_http2 && !self.only_http1.load(Ordering::Relaxed)
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.take_if(|shared| shared.send.is_closed());
        shared.clone()
    }

    fn take_idle(&self) -> Option<Send1> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Idle { send, since }) = idle.pop() {
            if send.is_ready() && !self.is_over(since) {
                return Some(send);
            }
        }
        None
    }

    async fn dial_any(&self) -> Result<(Opened, Driver), ConnectError> {
        let PoolSettings { target, route, connection, .. } = &self.settings;
        let addresses = target.resolve().await;
        let addresses =
            addresses.map_err(|source| ConnectError::Resolve { host: target.host.clone(), source })?;
        let mut last = ConnectError::TimedOut;
        for address in addresses {
            match dial(&address, route).await {
                Ok((stream, protocol)) => {
                    let opened = open(stream, protocol.as_deref() == Some(b"h2"), connection).await;
                    return opened.map_err(|source| ConnectError::Http { address, source });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn drive(&self, driver: Driver) {
        let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        while drivers.try_join_next().is_some() {}
        drivers.spawn(driver);
    }

    fn is_over(&self, since: Instant) -> bool {
        self.settings.idle_timeout.is_some_and(|limit| since.elapsed() >= limit)
    }
}

impl Shared {
    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("settings", &self.settings).finish_non_exhaustive()
    }
}
