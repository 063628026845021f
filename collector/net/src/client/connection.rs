//! One HTTP/2 connection: driving it, and opening streams on it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong, SendStream};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::HEADER_BYTES_MAX;
use super::dial::{ConnectError, Route, Stream, dial};
use super::target::Address;
use crate::coalesced::{Coalesced, Flusher, coalesced};

/// Window that a response may use, in bytes: a whole one of the largest size.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// Window that all responses of a connection share, in bytes.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// How a connection is made and kept.
#[derive(Clone, Debug)]
pub(super) struct ConnectionSettings {
    pub(super) route: Route,
    pub(super) read_buffer: usize,
    pub(super) write_buffer: usize,
    pub(super) keepalive: Option<KeepAlive>,
}

/// Pings that find out whether the peer is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeepAlive {
    /// Between two pings.
    pub(super) every: Duration,
    /// A ping must be answered within this time.
    pub(super) timeout: Duration,
    /// Whether to ping without a call in flight.
    pub(super) while_idle: bool,
}

/// A connection that calls can be made on.
#[derive(Debug)]
pub(super) struct Connection {
    send: SendRequest<Bytes>,
    in_flight: AtomicUsize,
    /// Told when the last call in flight has ended.
    idle: Notify,
    pub(super) peer: Address,
}

/// A call in flight on a connection.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Connection>);

/// The work of a connection; it does nothing unless polled.
pub(super) struct Driver {
    connection: h2::client::Connection<Coalesced<Box<dyn Stream>>, Bytes>,
    flusher: Flusher<Box<dyn Stream>>,
    send: SendRequest<Bytes>,
    of: Arc<Connection>,
    pings: Option<Pings>,
}

struct Pings {
    channel: PingPong,
    settings: KeepAlive,
    timer: Pin<Box<Sleep>>,
    unanswered: bool,
}

/// Connects to `address`.
pub(super) async fn connect(
    address: &Address,
    settings: &ConnectionSettings,
) -> Result<(Arc<Connection>, Driver), ConnectError> {
    let (stream, _) = dial(address, &settings.route).await?;
    let (stream, flusher) = coalesced(stream, settings.read_buffer, settings.write_buffer);
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_BYTES_MAX);
    let handshake = builder.handshake(stream).await;
    let (send, mut connection) =
        handshake.map_err(|source| ConnectError::Http2 { address: address.clone(), source })?;
    let pings = settings.keepalive.and_then(|settings| Pings::new(connection.ping_pong()?, settings));
    let shared = Arc::new(Connection {
        send: send.clone(),
        in_flight: AtomicUsize::new(0),
        idle: Notify::new(),
        peer: address.clone(),
    });
    Ok((shared.clone(), Driver { connection, flusher, send, of: shared, pings }))
}

impl Connection {
    /// Sends a whole request. An error means that nothing has been sent, and that this connection
    /// takes no further calls.
    pub(super) fn send(
        self: &Arc<Self>,
        head: http::Request<()>,
        body: impl ExactSizeIterator<Item = Bytes>,
    ) -> Result<(ResponseFuture, SendStream<Bytes>, InFlight), h2::Error> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let in_flight = InFlight(self.clone());
        // A clone does not wait for an earlier stream to be opened: that queue is the peer's limit.
        let (response, mut stream) = self.send.clone().send_request(head, false)?;
        let last = body.len().saturating_sub(1);
        for (index, chunk) in body.enumerate() {
            // An error here means that the stream has ended: the response says why.
            if stream.send_data(chunk, index == last).is_err() {
                break;
            }
        }
        Ok((response, stream, in_flight))
    }

    /// Calls in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.idle.notify_one();
        }
    }
}

impl Driver {
    /// Drives the connection until it takes no new calls, because the peer says so or because it
    /// has ended. Those in flight go on as long as [`Self::finish`] is polled.
    pub(super) async fn serve(&mut self) {
        poll_fn(|cx| if self.poll(cx).is_ready() { Poll::Ready(()) } else { self.poll_retired(cx) }).await;
    }

    /// Drives the connection until it has ended or has no more calls in flight.
    pub(super) async fn finish(mut self) {
        let connection = self.of.clone();
        let idle = async {
            while connection.in_flight() > 0 {
                connection.idle.notified().await;
            }
        };
        tokio::select! {
            () = idle => {}
            () = poll_fn(|cx| self.poll(cx)) => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ended = Pin::new(&mut self.connection).poll(cx).is_ready();
        let broken = matches!(self.flusher.poll_flush_after_others(cx), Poll::Ready(Err(_)));
        let silent = self.pings.as_mut().is_some_and(|pings| pings.poll_silent(cx, &self.of));
        if ended || broken || silent { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ready when the peer has said that it takes no new streams.
    fn poll_retired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.send.poll_ready(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Pings {
    fn new(channel: PingPong, settings: KeepAlive) -> Option<Self> {
        (!settings.every.is_zero()).then(|| Self {
            channel,
            settings,
            timer: Box::pin(tokio::time::sleep(settings.every)),
            unanswered: false,
        })
    }

    /// Whether a ping was not answered in time.
    fn poll_silent(&mut self, cx: &mut Context<'_>, connection: &Connection) -> bool {
        if self.unanswered && matches!(self.channel.poll_pong(cx), Poll::Ready(Ok(_))) {
            self.unanswered = false;
            self.wait(self.settings.every);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.unanswered {
                return true;
            }
            let wanted = self.settings.while_idle || connection.in_flight() > 0;
            self.unanswered = wanted && self.channel.send_ping(Ping::opaque()).is_ok();
            self.wait(if self.unanswered { self.settings.timeout } else { self.settings.every });
            if self.unanswered && matches!(self.channel.poll_pong(cx), Poll::Ready(Ok(_))) {
                self.unanswered = false;
                self.wait(self.settings.every);
            }
        }
        false
    }

    fn wait(&mut self, time: Duration) {
        self.timer.as_mut().reset(Instant::now() + time);
    }
}

#[cfg(test)]
mod tests;
