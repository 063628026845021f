//! The clock of the open loop: says when each request is due.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Shared;
use crate::bench::error::Error;

/// Requests that are due and wait for a worker; when it is full, the clock waits, but what is due keeps
/// its time.
const WAITING: usize = 65_536;
/// Longest sleep, so that a slow rate notices the end.
const NAP: Duration = Duration::from_millis(50);

/// Starts a clock of `rate` requests per second. A thread of its own: the runtime's timers have
/// milliseconds, which is more than a whole request takes.
pub(super) fn start(rate: f64, shared: Arc<Shared>) -> Result<mpsc::Receiver<Instant>, Error> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let tick = move || {
        let start = Instant::now();
        let mut sent = 0_u64;
        while !shared.stop.load(Ordering::Relaxed) {
            let due = start + Duration::from_secs_f64(sent as f64 / rate);
            let ahead = due.saturating_duration_since(Instant::now());
            if !ahead.is_zero() {
                #[allow(clippy::disallowed_methods, reason = "a thread of its own, which no task runs on")]
                thread::sleep(ahead.min(NAP));
                continue;
            }
            if sender.blocking_send(due).is_err() {
                return;
            }
            sent += 1;
        }
    };
    thread::Builder::new()
        .name("pace".into())
        .spawn(tick)
        .map_err(|source| Error::Thread { what: "paces requests", source })?;
    Ok(receiver)
}
