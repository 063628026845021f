//! Start and shutdown.

use tokio::time::Instant;

use crate::{BoxError, BoxFuture, Host};

/// The life cycle that every component has.
///
/// Creating a component touches nothing outside of it: no port is bound, no task is spawned.
/// [`start`](Self::start) does that, and [`shutdown`](Self::shutdown) undoes it.
pub trait Component: Send + Sync {
    /// Brings the component into service. It is called at most once.
    ///
    /// When it resolves to `Ok`, the component works; work that goes on after that reports fatal
    /// errors to the host. After an error the component is still shut down, and also when the future is
    /// dropped before it resolves, because the collector is told to stop.
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Takes the component out of service. It may be called without a start, and more than once.
    ///
    /// When it resolves, the component passes nothing on any more, its tasks have ended, and what
    /// it held has been delivered or counted as lost. It takes until `deadline` at the longest.
    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>>;
}
