//! Items that wait to be sent, and the task that sends them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etalon_component::Outcome;
use etalon_pdata::{Payload, Signal};
use etalon_telemetry::attributes::DataType;
use etalon_telemetry::tell;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use super::target::Target;
use crate::logs::own_telemetry_span;
use crate::telemetry_config::Pace;

/// Items that wait, up to a limit. Putting one in never waits.
pub(crate) struct Queue<T> {
    pace: Pace,
    state: Mutex<State<T>>,
    /// Told when there is enough for a request.
    enough: Notify,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Those that found no room since the last request.
    lost: u64,
    closed: bool,
}

/// Makes the bytes of a request of some items.
pub(crate) type Encode<T> = Box<dyn Fn(&[T]) -> Vec<u8> + Send>;

/// The task that sends what is in a queue.
pub(crate) struct Sender {
    /// Dropping it asks for the last requests.
    stop: DropGuard,
    task: JoinHandle<()>,
}

struct Sending<T> {
    signal: Signal,
    data_type: DataType,
    queue: Arc<Queue<T>>,
    target: Arc<Target>,
    encode: Encode<T>,
    /// How many have been lost in the episode that lasts.
    lost: Option<u64>,
    /// Items of the request whose outcome is not known yet.
    in_flight: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new(pace: Pace) -> Self {
        let state = State { waiting: VecDeque::new(), lost: 0, closed: false };
        Self { pace, state: Mutex::new(state), enough: Notify::new() }
    }

    /// Puts an item in. What finds no room is lost, and counted.
    pub(crate) fn put(&self, item: T) {
        let mut state = self.lock();
        if state.closed || state.waiting.len() >= self.pace.waiting {
            state.lost += 1;
            return;
        }
        state.waiting.push_back(item);
        if state.waiting.len() >= self.pace.batch {
            self.enough.notify_one();
        }
    }

    /// As many as one request has, if there are at least so many; and how many have been lost.
    fn take(&self, at_least: usize) -> (Vec<T>, u64) {
        let mut state = self.lock();
        let lost = std::mem::take(&mut state.lost);
        let count = state.waiting.len().min(self.pace.batch);
        let count = if count < at_least { 0 } else { count };
        (state.waiting.drain(..count).collect(), lost)
    }

    fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Sends from now on.
    pub(crate) fn spawn<T: Send + Sync + 'static>(
        (signal, data_type): (Signal, DataType),
        queue: Arc<Queue<T>>,
        target: Arc<Target>,
        encode: Encode<T>,
    ) -> Self {
        let stop = CancellationToken::new();
        let sending = Sending { signal, data_type, queue, target, encode, lost: None, in_flight: 0 };
        // Nothing that it logs is sent.
        let span = own_telemetry_span(&format!("own_{}", signal.name));
        let task = tokio::spawn(sending.run(stop.clone()).instrument(span));
        Self { stop: stop.drop_guard(), task }
    }

    /// Sends what waits and ends, at `deadline` at the latest.
    pub(crate) async fn shutdown(self, deadline: Instant) {
        let Self { stop, mut task } = self;
        drop(stop);
        if timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
            // It tells what it loses before it is gone.
            task.await.ok();
        }
    }
}

impl<T: Send + Sync> Sending<T> {
    async fn run(mut self, stop: CancellationToken) {
        let queue = self.queue.clone();
        let mut due = Box::pin(sleep(queue.pace.delay));
        loop {
            let at_least = tokio::select! {
                () = stop.cancelled() => break,
                () = queue.enough.notified() => queue.pace.batch,
                () = &mut due => {
                    due.as_mut().reset(Instant::now() + queue.pace.delay);
                    1
                }
            };
            self.send_all(at_least).await;
        }
        queue.close();
        self.send_all(1).await;
    }

    /// Sends until fewer than so many wait.
    async fn send_all(&mut self, at_least: usize) {
        loop {
            let (items, lost) = self.queue.take(at_least);
            if lost > 0 {
                self.lose(lost, "too many wait to be sent");
            }
            if items.is_empty() {
                return;
            }
            self.send(&items).await;
        }
    }

    async fn send(&mut self, items: &[T]) {
        let bytes = (self.encode)(items).into();
        let payload = Payload::from_validated(self.signal, bytes, items.len());
        self.in_flight = items.len() as u64;
        let outcome = self.target.send(payload, self.queue.pace.timeout).await;
        self.in_flight = 0;
        match outcome {
            Outcome::Delivered(delivered) if delivered.rejected > 0 => {
                self.lose(
                    delivered.rejected,
                    delivered.message.as_deref().unwrap_or("the destination rejected them"),
                );
            }
            Outcome::Delivered(_) => self.arrived(),
            Outcome::Refused(failure) | Outcome::Permanent(failure) | Outcome::Unknown(failure) => {
                self.lose(items.len() as u64, failure.message());
            }
        }
    }

    /// Tells of the first that are lost, and not of those after them.
    fn lose(&mut self, items: u64, error: &str) {
        if self.lost.is_none() {
            tell!(TelemetryLost { data_type: self.data_type, items: items.into(), error: &error });
        }
        self.lost = Some(self.lost.unwrap_or(0) + items);
    }

    fn arrived(&mut self) {
        if let Some(items) = self.lost.take() {
            tell!(TelemetryRecovered { data_type: self.data_type, items: items.into() });
        }
    }
}

impl<T> Drop for Sending<T> {
    /// The end comes at once when its time is over.
    fn drop(&mut self) {
        let state = self.queue.lock();
        let items = state.waiting.len() as u64 + state.lost + self.in_flight + self.lost.unwrap_or(0);
        drop(state);
        if items > 0 {
            tell!(TelemetryLostAtEnd { data_type: self.data_type, items: items.into() });
        }
    }
}
