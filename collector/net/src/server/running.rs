//! The accept loop, and the handle of what it runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etalon_component::Address;
use etalon_telemetry::tell;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::connection::{Protocol, Settings, serve};
use super::listen::Listener;
use super::stream::{Peer, Stream};
use super::{CONNECTIONS_MAX, ListenError};
use crate::tls::{ServerTls, TlsHealth};

/// Pause of the accept loop when the process has run out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server in service. Dropping it cuts all connections.
#[derive(Debug)]
pub struct Server {
    address: Address,
    tls: Option<Arc<TlsHealth>>,
    tasks: Tasks,
}

/// The tasks of a server, and the ways to end them.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    pub(super) tracker: TaskTracker,
    /// Requests that begin from now on are refused.
    refuse: CancellationToken,
    /// Finish what is in progress, take nothing new.
    pub(super) drain: CancellationToken,
    /// Stop at once.
    pub(super) cut: CancellationToken,
}

impl Server {
    /// Serves the connections of `listener`.
    pub(super) fn start<P: Protocol>(
        listener: Arc<Listener>,
        protocol: P,
        settings: Settings,
    ) -> Result<Self, ListenError> {
        let address = listener.address()?;
        let tasks = Tasks {
            tracker: TaskTracker::new(),
            refuse: CancellationToken::new(),
            drain: CancellationToken::new(),
            cut: CancellationToken::new(),
        };
        let tls = settings.tls.as_ref().map(ServerTls::health);
        let accept = accept(listener, Arc::new(protocol), Arc::new(settings), tasks.clone());
        tasks.tracker.spawn(accept.in_current_span());
        Ok(Self { address, tls, tasks })
    }

    /// The address as bound.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Follows whether changed TLS files can be used; nothing without TLS.
    pub fn tls_health(&self) -> Option<Arc<TlsHealth>> {
        self.tls.clone()
    }

    /// From now on, requests that begin are refused: their senders are told to try again, and do so elsewhere. Those
    /// that have begun are served.
    pub fn refuse(&self) {
        self.tasks.refuse.cancel();
    }

    /// Accepts nothing more, tells the clients to go, and lets the requests in progress finish.
    pub fn drain(&self) {
        self.tasks.drain.cancel();
    }

    /// Takes the server out of service: [drains](Self::drain) it until `deadline`, then cuts off the
    /// requests that are still in progress.
    ///
    /// When this resolves, no [`Unary`](super::Unary) of the server is called any more.
    pub async fn shutdown(&self, deadline: Instant) {
        self.drain();
        self.tasks.tracker.close();
        if tokio::time::timeout_at(deadline, self.tasks.tracker.wait()).await.is_err() {
            self.tasks.cut.cancel();
            self.tasks.tracker.wait().await;
        }
    }
}

impl Tasks {
    /// Whether requests that begin now are refused.
    pub(super) fn refuses(&self) -> bool {
        self.refuse.is_cancelled()
    }

    /// What is to come first on a connection; nothing once the server is drained, or so much later when it refuses, for
    /// then there is an answer for whoever is on the way.
    pub(super) async fn before_the_end<F: Future>(&self, late: Duration, first: F) -> Option<F::Output> {
        let end = async {
            self.drain.cancelled().await;
            if self.refuses() {
                tokio::time::sleep(late).await;
            }
        };
        tokio::select! {
            biased;
            first = first => Some(first),
            () = end => None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.drain.cancel();
        self.tasks.cut.cancel();
    }
}

async fn accept<P: Protocol>(
    listener: Arc<Listener>,
    protocol: Arc<P>,
    settings: Arc<Settings>,
    tasks: Tasks,
) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (full, failing) = (Seldom::default(), Seldom::default());
    loop {
        let accepted = tokio::select! {
            biased;
            () = tasks.drain.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(permit) = connections.clone().try_acquire_owned() else {
                    full.then(|| {
                        tell!(ReceiverConnectionsFull { limit: CONNECTIONS_MAX.into(), peer: &peer });
                    });
                    continue;
                };
                if let Stream::Tcp(stream) = &stream
                    && let Err(error) = stream.set_nodelay(true)
                {
                    tracing::debug!(%peer, %error, "The client went away before it was served");
                    continue;
                }
                spawn(stream, peer, permit, &protocol, &settings, &tasks);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                failing.then(|| tell!(ReceiverAcceptFailed { error: &error }));
                tokio::select! {
                    () = tasks.drain.cancelled() => return,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
}

fn spawn<P: Protocol>(
    stream: Stream,
    peer: Peer,
    permit: tokio::sync::OwnedSemaphorePermit,
    protocol: &Arc<P>,
    settings: &Arc<Settings>,
    tasks: &Tasks,
) {
    let (protocol, settings, connection_tasks) = (protocol.clone(), settings.clone(), tasks.clone());
    let connection = async move {
        let cut = connection_tasks.cut.clone();
        cut.run_until_cancelled(serve(stream, peer, protocol, settings, connection_tasks)).await;
        drop(permit);
    };
    tasks.tracker.spawn(connection.in_current_span());
}

/// Whether an accept error tells of the connection that was to be accepted, and not of us: accept(2).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Keeps log events that a client can cause apart: one per [`Self::PAUSE`].
#[derive(Debug, Default)]
pub(super) struct Seldom {
    /// Milliseconds since the process first asked, plus one; 0 when there was no event.
    last: AtomicU64,
}

impl Seldom {
    const PAUSE: Duration = Duration::from_secs(10);

    /// Calls `log` unless an event was logged a short while ago.
    pub(super) fn then(&self, log: impl FnOnce()) {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let last = self.last.load(Ordering::Relaxed);
        let due =
            last == 0 || now.saturating_sub(last) >= Self::PAUSE.as_millis().try_into().unwrap_or(u64::MAX);
        if due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            log();
        }
    }
}
