//! Keeps HTTP/2 clients from making work without sending data: pings, and floods of control frames.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use etalon_conf::{Check, Duration as ConfDuration, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::frames::{Frame, Frames, kind};

/// Frames other than headers and data that a client may send between two requests.
pub const CONTROL_FRAMES_MAX: u32 = 10_000;
/// Pings that come too early before the connection is ended: as in grpc-go.
const STRIKES_MAX: u8 = 2;
/// Time between pings of a client that has no call in progress, and may not ping then: as in grpc-go.
const WITHOUT_STREAM: Duration = Duration::from_hours(2);
/// Default of `min_time`: as in grpc-go.
const MIN_TIME: Duration = Duration::from_mins(5);
/// `ENHANCE_YOUR_CALM` of RFC 9113 section 7.
const ENHANCE_YOUR_CALM: u32 = 0xb;
/// The flag of a ping that answers one.
const ACK: u8 = 1;

/// How often a client may ping. One that does so too often is told `too_many_pings`, and disconnected.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EnforcementPolicy {
    /// Time that a client must wait between two pings. 0: 5 minutes.
    pub min_time: ConfDuration,
    /// Whether clients may ping while they have no call in progress; else they may do so every 2 hours.
    pub permit_without_stream: bool,
}

impl Validate for EnforcementPolicy {
    fn validate(&self, check: &mut Check) {
        if self.min_time.is_negative() {
            check.at("min_time", |check| check.error(format!("must not be negative: {}", self.min_time)));
        }
    }
}

/// The policy of a server about pings.
#[derive(Clone, Copy, Debug)]
pub(super) struct PingPolicy {
    min_time: Duration,
    permit_without_stream: bool,
}

impl From<&EnforcementPolicy> for PingPolicy {
    fn from(configured: &EnforcementPolicy) -> Self {
        let min_time = configured.min_time;
        Self {
            min_time: if min_time.is_zero() { MIN_TIME } else { min_time.to_std() },
            permit_without_stream: configured.permit_without_stream,
        }
    }
}

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Calm {
    received: Frames,
    sent: Frames,
    policy: Option<PingPolicy>,
    strikes: u8,
    last_ping: Option<Instant>,
    /// Whether headers or data were sent since the last ping: then the client had a reason for it.
    has_sent: bool,
    control_frames: u32,
    last_stream: u32,
    /// The frame that tells the client why the connection ends; empty once it is sent.
    farewell: Option<Bytes>,
}

impl Calm {
    pub(super) fn new(policy: Option<PingPolicy>) -> Self {
        Self {
            received: Frames::of_client(),
            sent: Frames::default(),
            policy,
            strikes: 0,
            last_ping: None,
            has_sent: false,
            control_frames: 0,
            last_stream: 0,
            farewell: None,
        }
    }

    /// Notes what the client has sent. `busy`: it has a call in progress.
    pub(super) fn received(&mut self, bytes: &[u8], busy: bool) {
        let mut frames = std::mem::take(&mut self.received);
        let mut busy = busy;
        frames.follow(bytes, |frame| {
            busy |= frame.kind == kind::HEADERS;
            if self.farewell.is_none()
                && let Some(reason) = self.judge(frame, busy)
            {
                tracing::debug!(reason, "Ending a connection");
                self.farewell = Some(goaway(self.last_stream, reason));
            }
        });
        self.received = frames;
    }

    /// Notes what was sent to the client.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let has_sent = &mut self.has_sent;
        self.sent.follow(bytes, |frame| *has_sent |= matches!(frame.kind, kind::HEADERS | kind::DATA));
    }

    /// Whether the connection must end: nothing more is read from it.
    pub(super) fn is_over(&self) -> bool {
        self.farewell.is_some()
    }

    /// What is still to be sent before the connection is closed. Nothing, too, when that would be inside of a frame.
    pub(super) fn farewell(&mut self) -> Option<&mut Bytes> {
        self.farewell.as_mut().filter(|farewell| !farewell.is_empty() && self.sent.is_between())
    }

    /// Why the connection must end after this frame, if it must.
    fn judge(&mut self, frame: Frame, busy: bool) -> Option<&'static str> {
        match frame.kind {
            kind::HEADERS => {
                self.last_stream = self.last_stream.max(frame.stream);
                self.control_frames = 0;
                return None;
            }
            kind::DATA => return None,
            _ => self.control_frames += 1,
        }
        if self.control_frames > CONTROL_FRAMES_MAX {
            return Some("too_many_control_frames");
        }
        let is_ping = frame.kind == kind::PING && frame.flags & ACK == 0;
        (is_ping && self.is_one_too_many(busy)).then_some("too_many_pings")
    }

    fn is_one_too_many(&mut self, busy: bool) -> bool {
        let Some(policy) = self.policy else { return false };
        let now = Instant::now();
        let last = self.last_ping.replace(now);
        if std::mem::take(&mut self.has_sent) {
            self.strikes = 0;
            return false;
        }
        let apart = if busy || policy.permit_without_stream { policy.min_time } else { WITHOUT_STREAM };
        if last.is_some_and(|last| now.duration_since(last) < apart) {
            self.strikes += 1;
        }
        self.strikes > STRIKES_MAX
    }
}

fn goaway(last_stream: u32, reason: &'static str) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_uint(8 + reason.len() as u64, 3);
    frame.put_slice(&[kind::GOAWAY, 0, 0, 0, 0, 0]);
    frame.put_u32(last_stream);
    frame.put_u32(ENHANCE_YOUR_CALM);
    frame.put_slice(reason.as_bytes());
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const PONG: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0\0\0\0\0\0\0\0\0";
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    const HEADERS: &[u8] = b"\0\0\0\x01\x04\0\0\0\x07";

    fn calm(min_time: i64, permit_without_stream: bool) -> Calm {
        let min_time = ConfDuration::from_secs(min_time);
        let policy = EnforcementPolicy { min_time, permit_without_stream };
        let mut calm = Calm::new(Some((&policy).into()));
        calm.received(PREFACE, false);
        calm
    }

    /// How many pings, each so long after the last, end the connection; at most 100.
    async fn pings(calm: &mut Calm, seconds: u64, busy: bool) -> Option<usize> {
        for count in 1..=100 {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            calm.received(PING, busy);
            if calm.is_over() {
                return Some(count);
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn the_third_ping_that_comes_too_early_is_one_too_many() {
        assert_eq!(pings(&mut calm(0, false), 299, true).await, Some(4));
        assert_eq!(pings(&mut calm(0, false), 300, true).await, None);
        assert_eq!(pings(&mut calm(10, false), 10, true).await, None);
        assert_eq!(pings(&mut calm(10, false), 9, true).await, Some(4));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_call_pings_are_permitted_or_not() {
        assert_eq!(pings(&mut calm(10, false), 7199, false).await, Some(4));
        assert_eq!(pings(&mut calm(10, false), 7200, false).await, None);
        assert_eq!(pings(&mut calm(10, true), 10, false).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_after_something_was_sent_is_never_too_early() {
        let mut calm = calm(0, false);
        for _ in 0..100 {
            calm.sent(HEADERS);
            calm.received(PING, true);
        }
        calm.received(&PONG.repeat(100), true);
        assert!(!calm.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn the_client_is_told_why_and_what_was_still_served() {
        let mut calm = calm(0, false);
        calm.received(HEADERS, false);
        calm.received(&PING.repeat(4), true);
        let farewell = calm.farewell().unwrap();
        assert_eq!(&farewell[..], b"\0\0\x16\x07\0\0\0\0\0\0\0\0\x07\0\0\0\x0btoo_many_pings");
        *farewell = Bytes::new();
        assert!(calm.is_over() && calm.farewell().is_none());
    }

    #[test]
    fn a_flood_of_control_frames_is_too_much_and_between_requests_some_are_not() {
        let mut calm = Calm::new(None);
        calm.received(PREFACE, false);
        let almost = SETTINGS.repeat(CONTROL_FRAMES_MAX as usize);
        for _ in 0..3 {
            calm.received(&almost, false);
            calm.received(HEADERS, false);
        }
        assert!(!calm.is_over());
        calm.received(&almost, false);
        calm.received(SETTINGS, false);
        assert!(calm.farewell().unwrap().ends_with(b"too_many_control_frames"));
    }
}
