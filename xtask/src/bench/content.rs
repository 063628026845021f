//! What was sent and what arrived: counts, and a hash that does not depend on order.

use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// A signal, as far as the bench must know one: paths, and where its items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    pub(crate) fn items_name(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "data points",
            Self::Logs => "log records",
        }
    }

    pub(crate) fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }

    pub(crate) fn http_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }

    /// The signal that a request path names.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.grpc_path() == path || signal.http_path() == path)
    }

    /// The field numbers that lead from a request to its items, level by level.
    fn item_path(self) -> &'static [&'static [u64]] {
        match self {
            // resource_*, scope_*, then the items.
            Self::Traces | Self::Logs => &[&[1], &[2], &[2]],
            // resource_metrics, scope_metrics, metrics, one of the five data kinds, data_points.
            Self::Metrics => &[&[1], &[2], &[2], &[5, 7, 9, 10, 11], &[1]],
        }
    }
}

/// Counts of requests and what was in them. Two contents are equal when the same entries (the resource
/// level of a request) were counted equally often, in whatever order and grouped into whatever requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) requests: u64,
    pub(crate) items: u64,
    /// Bytes of protobuf, uncompressed, without any framing.
    pub(crate) bytes: u64,
    /// Entries at the top of the requests: `ResourceSpans` and the like.
    pub(crate) entries: u64,
    /// Sum of one 64-bit hash for each entry, modulo 2^64.
    pub(crate) hash: u64,
}

/// The bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Content {
    /// The content of one request.
    pub(crate) fn of(signal: Signal, message: &[u8]) -> Result<Self, Malformed> {
        let mut content = Self { requests: 1, bytes: message.len() as u64, ..Self::default() };
        for field in Fields(message) {
            let field = field?;
            content.entries += 1;
            let hash = XxHash3_64::oneshot_with_seed(field.number, field.value);
            content.hash = content.hash.wrapping_add(hash);
        }
        content.items = count(message, signal.item_path())?;
        Ok(content)
    }

    /// What came after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            items: self.items.saturating_sub(earlier.items),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            entries: self.entries.saturating_sub(earlier.entries),
            hash: self.hash.wrapping_sub(earlier.hash),
        }
    }

    /// Whether nothing is missing, doubled or altered; how it is grouped into requests does not matter.
    pub(crate) fn same_entries(&self, other: &Self) -> bool {
        (self.items, self.entries, self.hash) == (other.items, other.entries, other.hash)
    }
}

/// A [`Content`] that grows.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
    entries: AtomicU64,
    hash: AtomicU64,
}

impl Tally {
    pub(crate) fn add(&self, content: &Content) {
        self.requests.fetch_add(content.requests, Ordering::Relaxed);
        self.items.fetch_add(content.items, Ordering::Relaxed);
        self.bytes.fetch_add(content.bytes, Ordering::Relaxed);
        self.entries.fetch_add(content.entries, Ordering::Relaxed);
        self.hash.fetch_add(content.hash, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Content {
        Content {
            requests: self.requests.load(Ordering::Relaxed),
            items: self.items.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            entries: self.entries.load(Ordering::Relaxed),
            hash: self.hash.load(Ordering::Relaxed),
        }
    }
}

/// How many items an export response says were rejected (`partial_success`, whose first field is the
/// count for every signal).
pub(crate) fn rejected(response: &[u8]) -> Result<u64, Malformed> {
    let mut rejected = 0;
    for field in Fields(response) {
        let field = field?;
        if field.number == 1 && field.wire_type == LENGTH_DELIMITED {
            for inner in Fields(field.value) {
                let inner = inner?;
                if inner.number == 1 && inner.wire_type == VARINT {
                    rejected = varint(inner.value).ok_or(Malformed)?.0;
                }
            }
        }
    }
    Ok(rejected)
}

fn count(message: &[u8], path: &[&[u64]]) -> Result<u64, Malformed> {
    let Some((numbers, rest)) = path.split_first() else { return Ok(1) };
    let mut items = 0;
    for field in Fields(message) {
        let field = field?;
        if field.wire_type == LENGTH_DELIMITED && numbers.contains(&field.number) {
            items += count(field.value, rest)?;
        }
    }
    Ok(items)
}

const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

/// The fields of a message, in the order of the wire.
struct Fields<'a>(&'a [u8]);

struct Field<'a> {
    number: u64,
    wire_type: u8,
    /// The bytes of the value; of a length-delimited one without the length.
    value: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.take();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self) -> Option<Field<'a>> {
        let (tag, width) = varint(self.0)?;
        let after = &self.0[width..];
        let wire_type = (tag & 7) as u8;
        let (skip, length) = match wire_type {
            VARINT => (0, varint(after)?.1),
            1 => (0, 8),
            LENGTH_DELIMITED => {
                let (length, width) = varint(after)?;
                (width, usize::try_from(length).ok()?)
            }
            5 => (0, 4),
            _ => return None,
        };
        let value = after.get(skip..skip.checked_add(length)?)?;
        self.0 = &after[skip + length..];
        Some(Field { number: tag >> 3, wire_type, value })
    }
}

/// The varint at the start of `bytes`, and its width.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field.
    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | LENGTH_DELIMITED, u8::try_from(value.len()).unwrap()];
        bytes.extend_from_slice(value);
        bytes
    }

    /// A request with one resource, one scope and one span for each name.
    fn spans(names: &[&str]) -> Vec<u8> {
        let spans: Vec<u8> = names.iter().flat_map(|name| field(2, &field(5, name.as_bytes()))).collect();
        field(1, &field(2, &spans))
    }

    fn content(message: &[u8]) -> Content {
        Content::of(Signal::Traces, message).unwrap()
    }

    #[test]
    fn the_order_of_entries_and_their_grouping_into_requests_do_not_matter() {
        let (a, b, c) = (spans(&["a"]), spans(&["b", "bb"]), spans(&["c"]));
        let together = content(&[b.clone(), a.clone(), c.clone()].concat());
        let tally = Tally::default();
        for message in [&a, &b, &c] {
            tally.add(&content(message));
        }
        assert!(tally.get().same_entries(&together));
        assert_eq!((together.items, together.entries), (4, 3));
        assert_eq!(tally.get().requests, 3);
    }

    #[test]
    fn one_changed_byte_a_missing_entry_or_a_doubled_entry_shows() {
        let sent = content(&[spans(&["a"]), spans(&["b"])].concat());
        for received in [
            [spans(&["a"]), spans(&["c"])].concat(),
            spans(&["a"]),
            [spans(&["a"]), spans(&["a"])].concat(),
            [spans(&["a"]), spans(&["b"]), spans(&["b"])].concat(),
        ] {
            assert!(!sent.same_entries(&content(&received)));
        }
    }

    #[test]
    fn data_points_are_counted_in_each_kind_of_metric() {
        let points = [field(1, b""), field(1, b"")].concat();
        let metrics: Vec<u8> =
            [5, 7, 9, 10, 11].iter().flat_map(|kind| field(2, &field(*kind, &points))).collect();
        let message = field(1, &field(2, &metrics));
        assert_eq!(Content::of(Signal::Metrics, &message).unwrap().items, 10);
    }

    #[test]
    fn a_message_cut_short_is_malformed_at_every_length() {
        let message = spans(&["name"]);
        for length in 1..message.len() {
            assert_eq!(Content::of(Signal::Traces, &message[..length]), Err(Malformed), "{length} bytes");
        }
        assert_eq!(Content::of(Signal::Traces, &[]).unwrap().items, 0);
    }

    #[test]
    fn the_rejected_count_of_a_response_is_read() {
        assert_eq!(rejected(&[]), Ok(0));
        assert_eq!(rejected(&field(1, &[1 << 3, 0x96, 0x01])), Ok(150));
        assert_eq!(rejected(&field(1, &field(2, b"a warning"))), Ok(0));
        assert_eq!(rejected(&[0x0a, 9]), Err(Malformed));
    }

    #[test]
    fn paths_name_signals() {
        for signal in Signal::ALL {
            assert_eq!(Signal::of_path(signal.grpc_path()), Some(signal));
            assert_eq!(Signal::of_path(signal.http_path()), Some(signal));
        }
        assert_eq!(Signal::of_path("/v1/profiles"), None);
    }
}
