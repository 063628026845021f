//! When a connection last did something, and the I/O that takes note of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::calm::Calm;
use super::unreadable::Unreadable;

/// What a connection is doing. Times are milliseconds since it was accepted.
#[derive(Debug)]
pub(super) struct Activity {
    accepted: Instant,
    in_flight: AtomicUsize,
    /// Requests that have been answered.
    answered: AtomicU64,
    idle_since: AtomicU64,
    /// When the first byte after the last request arrived, plus one; 0 when none has.
    head_since: AtomicU64,
    /// Since when the client does not take what it is sent, plus one; 0 when it does.
    stalled_since: AtomicU64,
}

/// How long a connection may do nothing. Zero means for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// Between two requests.
    pub(super) idle: Duration,
    /// Between the first byte of a request and the end of its header. Only of use for HTTP/1.
    pub(super) head: Duration,
    /// Until the client takes what it is sent.
    pub(super) stall: Duration,
    /// From when the server takes nothing new, for a request that is on its way. Only of use for HTTP/1, and zero is no
    /// time.
    pub(super) late: Duration,
}

/// What a look at a connection's activity says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// It has had no request for too long.
    Idle,
    /// The header of a request takes too long.
    SlowHead,
    /// The client does not take what it is sent.
    Stalled,
}

/// A request in progress.
pub(super) struct InFlight(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            accepted: Instant::now(),
            in_flight: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
        })
    }

    /// Marks the start of a request; its end is the drop of the value.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        InFlight(self.clone())
    }

    pub(super) fn verdict(&self, patience: Patience) -> Verdict {
        let now = self.now();
        let busy = self.is_busy();
        let mut next = u64::MAX;
        if !patience.idle.is_zero() {
            let limit = millis(patience.idle);
            let since = if busy { now } else { self.idle_since.load(Ordering::Relaxed) };
            if now >= since + limit {
                return Verdict::Idle;
            }
            next = next.min(since + limit);
        }
        if !patience.head.is_zero() {
            let limit = millis(patience.head);
            match self.head_since.load(Ordering::Relaxed) {
                since @ 1.. if !busy && now >= since + limit => return Verdict::SlowHead,
                since @ 1.. if !busy => next = next.min(since + limit),
                _ => next = next.min(now + limit / 2 + 1),
            }
        }
        if !patience.stall.is_zero() {
            let limit = millis(patience.stall);
            match self.stalled_since.load(Ordering::Relaxed) {
                since @ 1.. if now >= since + limit => return Verdict::Stalled,
                since @ 1.. => next = next.min(since + limit),
                _ => next = next.min(now + limit / 2 + 1),
            }
        }
        Verdict::Wait(self.accepted + Duration::from_millis(next))
    }

    fn now(&self) -> u64 {
        millis(self.accepted.elapsed())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    /// Whether part of the header of a request has arrived.
    pub(super) fn has_begun_head(&self) -> bool {
        !self.is_busy() && self.head_since.load(Ordering::Relaxed) > 0
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Notes whether the client takes what it is sent.
    pub(super) fn note_writing<T>(&self, polled: &Poll<T>) {
        let stalled = self.stalled_since.load(Ordering::Relaxed) > 0;
        if polled.is_pending() && !stalled {
            self.stalled_since.store(self.now() + 1, Ordering::Relaxed);
        } else if polled.is_ready() && stalled {
            self.stalled_since.store(0, Ordering::Relaxed);
        }
    }

    fn note_bytes(&self) {
        if !self.is_busy() && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.now() + 1, Ordering::Relaxed);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// About 30 years at most, so that sums do not overflow.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1 << 40)
}

/// A closed stream is read for this time at most, and for [`LINGER_BYTES`].
const LINGER: Duration = Duration::from_millis(500);
/// Bytes that are read from a closed stream and thrown away.
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// A stream that notes in an [`Activity`] when bytes arrive, and that lingers when it is closed.
///
/// Closing a socket with unread bytes resets the connection, and a reset destroys what the client has
/// not read yet: the answer that says why. So the end waits, a while, for the client to stop sending.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    manners: Manners,
    linger: Option<Linger>,
}

/// What a stream looks at, by what is spoken on it.
#[derive(Debug)]
pub(super) enum Manners {
    H1(Unreadable),
    H2(Calm),
}

impl Manners {
    /// What is still to be sent before the connection is closed.
    fn farewell(&mut self) -> Option<&mut Bytes> {
        match self {
            Self::H1(unreadable) => unreadable.farewell(),
            Self::H2(calm) => calm.farewell(),
        }
    }
}

#[derive(Debug)]
struct Linger {
    until: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>, manners: Manners) -> Self {
        Self { stream, activity, manners, linger: None }
    }
}

impl<S> Watched<S> {
    /// Whether these bytes, which are about to be written, must not be.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        match &mut self.manners {
            Manners::H1(unreadable) if !self.activity.is_busy() => {
                unreadable.takes(bytes, self.activity.answered())
            }
            Manners::H1(_) | Manners::H2(_) => false,
        }
    }
}

impl<S: AsyncRead + Unpin> Watched<S> {
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self
            .linger
            .get_or_insert_with(|| Linger { until: Box::pin(tokio::time::sleep(LINGER)), bytes: 0 });
        let mut scratch = [0; 8192];
        while linger.bytes < LINGER_BYTES && linger.until.as_mut().poll(cx).is_pending() {
            let mut read = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => linger.bytes += read.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if matches!(&self.manners, Manners::H2(calm) if calm.is_over()) {
            // The end of the stream is what ends the connection, but it may not say why.
            return self.poll_shutdown(cx);
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = &buf.filled()[before..];
        if !read.is_empty() {
            self.activity.note_bytes();
            let busy = self.activity.is_busy();
            if let Manners::H2(calm) = &mut self.manners {
                calm.received(read, busy);
            }
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.activity.note_writing(&polled);
        if let (Manners::H2(calm), Poll::Ready(Ok(len))) = (&mut self.manners, &polled) {
            calm.sent(&buf[..*len]);
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [head] = bufs
            && self.takes(head)
        {
            return Poll::Ready(Ok(head.len()));
        }
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.activity.note_writing(&polled);
        if let (Manners::H2(calm), Poll::Ready(Ok(len))) = (&mut self.manners, &polled) {
            let mut left = *len;
            for buf in bufs {
                let written = left.min(buf.len());
                calm.sent(&buf[..written]);
                left -= written;
            }
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let given = self.activity.answered();
        if let Manners::H1(unreadable) = &mut self.manners {
            unreadable.flushed(given);
        }
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.activity.note_writing(&polled);
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, manners, .. } = &mut *self;
        while let Some(farewell) = manners.farewell() {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, farewell))?;
            farewell.advance(written);
        }
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        idle: Duration::from_mins(1),
        head: Duration::from_secs(10),
        stall: Duration::from_mins(2),
        late: Duration::ZERO,
    };

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_becomes_idle_and_a_busy_one_does_not() {
        let activity = Activity::new();
        let request = activity.begin();
        pass(1000).await;
        assert!(matches!(activity.verdict(PATIENCE), Verdict::Wait(_)));
        drop(request);
        pass(59).await;
        assert!(matches!(activity.verdict(PATIENCE), Verdict::Wait(_)));
        pass(1).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_does_not_end_is_slow() {
        let activity = Activity::new();
        activity.note_bytes();
        pass(9).await;
        activity.note_bytes();
        assert!(matches!(activity.verdict(PATIENCE), Verdict::Wait(_)));
        pass(2).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::SlowHead);
        drop(activity.begin());
        assert!(matches!(activity.verdict(PATIENCE), Verdict::Wait(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_stalled_even_while_it_has_a_request() {
        let activity = Activity::new();
        let _request = activity.begin();
        activity.note_writing(&Poll::<()>::Pending);
        pass(119).await;
        activity.note_writing(&Poll::<()>::Pending);
        assert!(matches!(activity.verdict(PATIENCE), Verdict::Wait(_)));
        pass(2).await;
        assert_eq!(activity.verdict(PATIENCE), Verdict::Stalled);
        activity.note_writing(&Poll::Ready(()));
        assert!(matches!(activity.verdict(PATIENCE), Verdict::Wait(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_limits_nothing_is_too_long() {
        let activity = Activity::new();
        activity.note_bytes();
        pass(1_000_000).await;
        assert!(matches!(activity.verdict(Patience::default()), Verdict::Wait(_)));
    }
}
