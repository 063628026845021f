//! Senders that offer a load, whatever they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::Summary;
use crate::{GrpcCalls, HttpRequests, RpcStatus, Sink, after, field, framed, remaining};

/// Items of a request.
pub(super) const ITEMS: u32 = 100;
/// Digits of the number of an item.
const DIGITS: usize = 8;
/// How long a sender waits until it looks again whether it may send.
const LOOK: Duration = Duration::from_millis(20);

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// OTLP/gRPC, on one connection for each sender.
    Grpc,
    /// OTLP/HTTP with HTTP/1.1, on one connection for each sender as long as it is not closed.
    Http,
}

/// When a sender sends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As long as fewer than so many requests of all senders are on their way to the destination.
    Ahead(u32),
    /// Once in this time.
    Every(Duration),
}

/// Whom senders send to, and what.
pub(super) struct Flood<'a> {
    to: SocketAddr,
    way: Way,
    sink: &'a Sink,
    template: Template,
    /// Number of the next request.
    next: AtomicU32,
    /// Requests that were sent and will not arrive.
    astray: AtomicU32,
}

/// A request whose items have no numbers yet.
struct Template {
    bytes: Vec<u8>,
    /// Where the numbers of the items are.
    digits: Vec<usize>,
}

/// What senders were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Requests that were acknowledged.
    acknowledged: BTreeSet<u32>,
    /// How many were refused so that the sender tries again, by what was said.
    refused: BTreeMap<&'static str, usize>,
    /// What else was said, or that nothing was.
    pub(super) denied: Vec<String>,
}

enum Said {
    Acknowledged,
    /// Not taken, to be tried again later.
    Refused(&'static str),
    Denied(String),
}

enum Client {
    Grpc(GrpcCalls),
    Http(HttpRequests),
}

impl Template {
    /// A request of about so many bytes.
    fn new(bytes: usize) -> Self {
        let mut text = b"item:00000000".to_vec();
        text.resize(bytes / ITEMS as usize, b'x');
        let record = field(2, &field(5, &field(1, &text)));
        let bytes = field(1, &field(2, &record.repeat(ITEMS as usize)));
        let found = bytes.windows(5).enumerate().filter(|(_, window)| window == b"item:");
        let digits = found.map(|(at, _)| at + 5).collect();
        Self { bytes, digits }
    }

    /// The request of this number.
    fn request(&self, number: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (item, &at) in (number * ITEMS..).zip(&self.digits) {
            bytes[at..at + DIGITS].copy_from_slice(format!("{item:0DIGITS$}").as_bytes());
        }
        bytes
    }
}

impl<'a> Flood<'a> {
    /// Nothing is sent yet. Requests will have about so many bytes.
    pub(super) fn new(to: SocketAddr, way: Way, sink: &'a Sink, bytes: usize) -> Self {
        let template = Template::new(bytes);
        Self { to, way, sink, template, next: AtomicU32::new(0), astray: AtomicU32::new(0) }
    }

    /// How many requests have been sent.
    pub(super) fn sent(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    /// How many requests have arrived.
    pub(super) fn arrived(&self) -> u32 {
        u32::try_from(self.sink.count()).unwrap_or(u32::MAX) / ITEMS
    }

    /// Sends until `ended`, and returns what it was told.
    pub(super) fn send(&self, pace: Pace, ended: &AtomicBool) -> Told {
        let mut told = Told::default();
        let mut client = Client::open(self.way, self.to);
        let mut due = after(Duration::ZERO);
        while !ended.load(Ordering::Relaxed) {
            let number = match pace {
                Pace::Every(time) => {
                    thread::park_timeout(remaining(due).min(LOOK));
                    if !remaining(due).is_zero() {
                        continue;
                    }
                    // Who is late does not catch up: what was not sent is not an offer.
                    due = (due + time).max(after(Duration::ZERO));
                    self.next.fetch_add(1, Ordering::Relaxed)
                }
                Pace::Ahead(most) => {
                    let Some(number) = self.next_within(most) else {
                        thread::park_timeout(LOOK);
                        continue;
                    };
                    number
                }
            };
            let said = match &mut client {
                Ok(open) => open.send(self.template.request(number)),
                Err(error) => Err(io::Error::other(error.to_string())),
            };
            if said.is_err() {
                client = Client::open(self.way, self.to);
            }
            match said.unwrap_or_else(|error| Said::Denied(format!("no answer: {error}"))) {
                Said::Acknowledged => drop(told.acknowledged.insert(number)),
                Said::Refused(what) => {
                    self.astray.fetch_add(1, Ordering::Relaxed);
                    *told.refused.entry(what).or_default() += 1;
                }
                Said::Denied(what) => {
                    self.astray.fetch_add(1, Ordering::Relaxed);
                    told.denied.push(what);
                }
            }
        }
        told
    }

    /// The number of a request, if it is one of so many that are on their way.
    fn next_within(&self, most: u32) -> Option<u32> {
        let end = self.arrived() + self.astray.load(Ordering::Relaxed) + most;
        let next = |next| (next < end).then_some(next + 1);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }
}

impl Client {
    fn open(way: Way, to: SocketAddr) -> io::Result<Self> {
        Ok(match way {
            Way::Grpc => Self::Grpc(GrpcCalls::open(to)?),
            Way::Http => Self::Http(HttpRequests::to(to)),
        })
    }

    fn send(&mut self, message: Vec<u8>) -> io::Result<Said> {
        const GRPC: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
        match self {
            Self::Grpc(calls) => {
                let answer = calls.call(GRPC, &[], framed(0, &message))?;
                let delay = RpcStatus::of_grpc(&answer).and_then(|status| status.retry_delay);
                Ok(match answer.code {
                    Some(0) => Said::Acknowledged,
                    Some(14) if delay.is_some_and(is_short) => {
                        Said::Refused("refused: UNAVAILABLE with RetryInfo")
                    }
                    Some(8) if delay.is_some_and(is_short) => {
                        Said::Refused("refused: RESOURCE_EXHAUSTED with RetryInfo")
                    }
                    code => Said::Denied(format!("code {code:?}, {delay:?}: {}", answer.message())),
                })
            }
            Self::Http(requests) => {
                let fields = [("Content-Type", "application/x-protobuf")];
                let answer = requests.post("/v1/logs", &fields, &message)?;
                let delay = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
                Ok(match answer.status {
                    200 => Said::Acknowledged,
                    503 if delay.is_some_and(is_short) => Said::Refused("refused: 503 with Retry-After"),
                    429 if delay.is_some_and(is_short) => Said::Refused("refused: 429 with Retry-After"),
                    status => Said::Denied(format!("status {status}, {delay:?}")),
                })
            }
        }
    }
}

/// Whether no SDK gives up because of it.
fn is_short(seconds: f64) -> bool {
    seconds > 0.0 && seconds <= 5.0
}

impl Told {
    /// Adds what another sender was told.
    pub(super) fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        for (what, count) in other.refused {
            *self.refused.entry(what).or_default() += count;
        }
        self.denied.extend(other.denied);
    }

    /// How many were refused.
    pub(super) fn refused(&self) -> usize {
        self.refused.values().sum()
    }

    /// Counts it.
    pub(super) fn sum_up(&self, summary: &mut Summary) {
        summary.count("acknowledged requests", self.acknowledged.len());
        for (what, count) in &self.refused {
            summary.count(what, *count);
        }
        for denied in &self.denied {
            summary
                .broken
                .push(format!("a request was not refused so that its sender tries again: {denied}"));
        }
    }

    /// Items of acknowledged requests that have not arrived.
    pub(super) fn lost(&self, sink: &Sink) -> Vec<u32> {
        let arrived = sink.items();
        let items = self.acknowledged.iter().flat_map(|request| request * ITEMS..(request + 1) * ITEMS);
        items.filter(|item| !arrived.contains_key(item)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens;

    #[test]
    fn a_request_has_its_items_once_each() {
        let request = Template::new(36_000).request(7);
        assert!((36_000..40_000).contains(&request.len()), "{}", request.len());
        let expected = (7 * ITEMS..8 * ITEMS).map(|item| (item, 1));
        assert_eq!(tokens(&request), expected.collect());
    }
}
