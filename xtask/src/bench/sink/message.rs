//! From the pieces of a body to counted content.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::bench::content::{Content, Signal, Tally};
use crate::bench::events::Received;

/// Largest message, compressed or not.
pub(super) const MAX_MESSAGE: usize = 256 << 20;
/// Buffers that are kept for reuse.
const KEPT: usize = 64;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Another path than the signals'.
    Path,
    /// Longer than [`MAX_MESSAGE`].
    TooLarge,
    /// No gRPC message, no gzip member, or no OTLP.
    Malformed,
    /// Compressed with something else than gzip.
    Encoding,
}

/// What all connections of a sink share.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    tally: Tally,
    refused: AtomicU64,
    wire_bytes: AtomicU64,
    buffers: Mutex<Vec<Vec<u8>>>,
    delay: Duration,
}

impl Receiver {
    /// A sink that is slow on purpose.
    pub(super) fn answering_after(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// To be called before each answer.
    pub(super) async fn wait(&self) {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
    }

    pub(super) fn received(&self) -> Received {
        Received {
            content: self.tally.get(),
            refused: self.refused.load(Ordering::Relaxed),
            wire_bytes: self.wire_bytes.load(Ordering::Relaxed),
        }
    }

    pub(super) fn refuse(&self, wrong: Wrong) -> Wrong {
        self.refused.fetch_add(1, Ordering::Relaxed);
        wrong
    }

    /// Counts a complete body; `gzip` says whether it is compressed.
    pub(super) fn count(&self, signal: Signal, message: &[u8], gzip: bool) -> Result<(), Wrong> {
        self.wire_bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
        if gzip {
            let mut buffer = self.buffer();
            let inflated = gunzip(message, &mut buffer).and_then(|()| self.add(signal, &buffer));
            self.give_back(buffer);
            inflated
        } else {
            self.add(signal, message)
        }
    }

    fn add(&self, signal: Signal, message: &[u8]) -> Result<(), Wrong> {
        self.tally.add(&Content::of(signal, message).map_err(|_| Wrong::Malformed)?);
        Ok(())
    }

    fn buffer(&self) -> Vec<u8> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        if buffers.len() < KEPT {
            buffer.clear();
            buffers.push(buffer);
        }
    }
}

/// A body as it comes in: a single piece stays as it is, several are copied into one buffer.
#[derive(Debug)]
pub(super) struct Body<'a> {
    receiver: &'a Receiver,
    first: Bytes,
    joined: Option<Vec<u8>>,
}

impl<'a> Body<'a> {
    pub(super) fn new(receiver: &'a Receiver) -> Self {
        Self { receiver, first: Bytes::new(), joined: None }
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Wrong> {
        if self.bytes().len() + chunk.len() > MAX_MESSAGE {
            return Err(Wrong::TooLarge);
        }
        match &mut self.joined {
            Some(joined) => joined.extend_from_slice(&chunk),
            None if self.first.is_empty() => self.first = chunk,
            None => {
                let mut joined = self.receiver.buffer();
                joined.extend_from_slice(&self.first);
                joined.extend_from_slice(&chunk);
                self.joined = Some(joined);
            }
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.joined.as_deref().unwrap_or(&self.first)
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        if let Some(joined) = self.joined.take() {
            self.receiver.give_back(joined);
        }
    }
}

/// Inflates one gzip member into `out`, which then holds exactly the message.
fn gunzip(compressed: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
    // RFC 1952: a member ends with its length, modulo 2^32.
    let Some(length) = compressed.last_chunk::<4>() else { return Err(Wrong::Malformed) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_MESSAGE {
        return Err(Wrong::TooLarge);
    }
    out.resize(length, 0);
    let written =
        libdeflater::Decompressor::new().gzip_decompress(compressed, out).map_err(|_| Wrong::Malformed)?;
    if written == length { Ok(()) } else { Err(Wrong::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request with one empty resource entry and one that holds a scope with two spans.
    const REQUEST: &[u8] = &[0x0a, 0, 0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0];

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
        let length = compressor.gzip_compress(bytes, &mut out).unwrap();
        out.truncate(length);
        out
    }

    #[test]
    fn a_body_in_pieces_is_what_it_would_be_in_one() {
        let receiver = Receiver::default();
        for size in 1..=REQUEST.len() {
            let mut body = Body::new(&receiver);
            for chunk in REQUEST.chunks(size) {
                body.push(Bytes::copy_from_slice(chunk)).unwrap();
            }
            assert_eq!(body.bytes(), REQUEST);
        }
    }

    #[test]
    fn compressed_and_plain_requests_count_alike() {
        let (plain, compressed) = (Receiver::default(), Receiver::default());
        plain.count(Signal::Traces, REQUEST, false).unwrap();
        compressed.count(Signal::Traces, &gzip(REQUEST), true).unwrap();
        assert_eq!(plain.received().content, compressed.received().content);
        assert_eq!((plain.received().content.items, plain.received().content.entries), (2, 2));
    }

    #[test]
    fn what_is_no_gzip_and_what_claims_too_much_is_refused() {
        let receiver = Receiver::default();
        assert_eq!(receiver.count(Signal::Logs, b"abc", true), Err(Wrong::Malformed));
        assert_eq!(receiver.count(Signal::Logs, b"not gzip\0\0\0\0", true), Err(Wrong::Malformed));
        assert_eq!(receiver.count(Signal::Logs, b"bomb\xff\xff\xff\xff", true), Err(Wrong::TooLarge));
        assert_eq!(receiver.count(Signal::Logs, &[0x0a, 9], false), Err(Wrong::Malformed));
        assert_eq!(receiver.received().content, Content::default());
    }
}
