//! An I/O stream that reads and writes in large pieces.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};

/// A stream for a protocol implementation that flushes after each frame: frames are gathered, and
/// leave in one write when the buffer is full or when the [`Flusher`] is polled, which whoever drives
/// the protocol does after each turn. A flush by the protocol itself does nothing.
#[derive(Debug)]
pub(crate) struct Coalesced<S>(Arc<Mutex<Buffered<S>>>);

/// The other handle of a [`Coalesced`] stream.
#[derive(Debug)]
pub(crate) struct Flusher<S> {
    shared: Arc<Mutex<Buffered<S>>>,
    /// Whether the others have had their turn since there is something to write.
    deferred: bool,
}

#[derive(Debug)]
struct Buffered<S> {
    stream: BufReader<S>,
    out: Vec<u8>,
    /// How much of `out` has been written.
    written: usize,
    capacity: usize,
    /// Whether something was written that may not have left yet.
    dirty: bool,
}

/// Wraps `stream` with buffers of these sizes in bytes.
pub(crate) fn coalesced<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    read_buffer: usize,
    write_buffer: usize,
) -> (Coalesced<S>, Flusher<S>) {
    let shared = Arc::new(Mutex::new(Buffered {
        stream: BufReader::with_capacity(read_buffer, stream),
        out: Vec::new(),
        written: 0,
        capacity: write_buffer.max(1),
        dirty: false,
    }));
    (Coalesced(shared.clone()), Flusher { shared, deferred: false })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Flusher<S> {
    /// Writes what has been gathered, once every task that is ready to run has had its turn: what they
    /// have to say leaves with it. Ready when nothing is left to write.
    pub(crate) fn poll_flush_after_others(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = locked(&self.shared);
        if !shared.dirty {
            return Poll::Ready(Ok(()));
        }
        if !self.deferred {
            self.deferred = true;
            // A task that wakes itself goes to the end of the queue.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(shared.poll_drain(cx))?;
        ready!(Pin::new(&mut shared.stream).poll_flush(cx))?;
        shared.dirty = false;
        self.deferred = false;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Buffered<S> {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.written += n,
            }
        }
        self.out.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Makes room for at least one byte.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.out.len() >= self.capacity {
            ready!(self.poll_drain(cx))?;
        }
        Poll::Ready(Ok(self.capacity - self.out.len()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Coalesced<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut locked(&self.0).stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Coalesced<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut shared = locked(&self.0);
        let mut room = ready!(shared.poll_room(cx))?;
        let before = room;
        for buf in bufs {
            let taken = buf.len().min(room);
            shared.out.extend_from_slice(&buf[..taken]);
            room -= taken;
        }
        shared.dirty = true;
        Poll::Ready(Ok(before - room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = locked(&self.0);
        ready!(shared.poll_drain(cx))?;
        Pin::new(&mut shared.stream).poll_shutdown(cx)
    }
}

/// A connection is driven by one task: the lock is hardly ever contended.
fn locked<S>(shared: &Mutex<Buffered<S>>) -> MutexGuard<'_, Buffered<S>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn what_is_written_leaves_with_the_flush_of_the_driver() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (mut stream, mut flusher) = coalesced(near, 16, 64);
        stream.write_all(b"one ").await.unwrap();
        stream.flush().await.unwrap();
        stream.write_all(b"two").await.unwrap();
        let mut read = [0; 7];
        let early = tokio::time::timeout(std::time::Duration::ZERO, far.read(&mut read)).await;
        assert!(early.is_err(), "nothing leaves before the flush");
        poll_fn(|cx| flusher.poll_flush_after_others(cx)).await.unwrap();
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"one two");
    }

    #[tokio::test]
    async fn more_than_the_buffer_holds_arrives_whole() {
        let (near, mut far) = tokio::io::duplex(10);
        let (mut stream, mut flusher) = coalesced(near, 16, 64);
        let sent: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            stream.write_all(&sent).await.unwrap();
            poll_fn(|cx| flusher.poll_flush_after_others(cx)).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        writer.await.unwrap();
        assert_eq!(read, expected);
    }

    #[tokio::test]
    async fn what_others_write_in_the_same_turn_leaves_in_the_same_write() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (stream, mut flusher) = coalesced(near, 16, 64);
        let stream = Arc::new(tokio::sync::Mutex::new(stream));
        stream.lock().await.write_all(b"one ").await.unwrap();
        let other = stream.clone();
        tokio::spawn(async move { other.lock().await.write_all(b"two").await.unwrap() });
        poll_fn(|cx| flusher.poll_flush_after_others(cx)).await.unwrap();
        let mut read = [0; 64];
        let len = far.read(&mut read).await.unwrap();
        assert_eq!(&read[..len], b"one two");
    }
}
