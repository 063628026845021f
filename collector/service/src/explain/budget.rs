//! How much memory and disk data can take at worst.

use etalon_component::{Delivers, Intake, Queue, Unit};
use serde::Serialize;

use super::{Known, Machine, Subject, bytes, plural};

/// Something that is limited, or not.
#[derive(Clone, Debug, Serialize)]
pub struct Budget {
    /// At most so many bytes; nothing when there is no limit.
    pub bytes: Option<u64>,
    /// What that is the sum of.
    pub shares: Vec<Share>,
}

/// A part of a budget.
#[derive(Clone, Debug, Serialize)]
pub struct Share {
    /// What takes it.
    pub what: String,
    /// At most so many bytes; nothing when there is no limit.
    pub bytes: Option<u64>,
    /// How that is reckoned.
    pub how: String,
    /// The key that limits it; nothing when none does.
    pub key: Option<String>,
}

/// The store of a queue on disk writes at most so many bytes with one sync.
const STORE_WRITE_BYTES: u64 = 8 * 1024 * 1024;

impl Budget {
    fn of(shares: Vec<Share>) -> Self {
        let bytes = shares.iter().try_fold(0_u64, |sum, share| Some(sum.saturating_add(share.bytes?)));
        Self { bytes, shares }
    }
}

/// Memory for data: what is being received, what waits, and what is on its way. The program itself comes on top.
///
/// Where all of it is within a limit, that holds for what is received, and as long as it is in memory.
pub(super) fn memory(subject: &Subject<'_>, machine: Machine<'_>) -> Budget {
    let is_limited = subject.config.pipelines.iter().all(|pipeline| subject.is_limited(pipeline));
    let mut shares = if is_limited { limits(subject, machine) } else { receiving(subject) };
    for known in &subject.exporters {
        shares.extend(sending(subject, known, is_limited));
    }
    for known in subject.all() {
        shares.extend(known.facts.holds.iter().map(|holding| Share {
            what: format!("{}: {}", known.id, holding.what),
            bytes: holding.bytes,
            how: holding.how.clone(),
            key: Some(known.key(&holding.key)),
        }));
    }
    Budget::of(shares)
}

/// Disk for queues.
pub(super) fn disk(subject: &Subject<'_>) -> Budget {
    let mut shares = Vec::new();
    for known in &subject.exporters {
        let queue = known.facts.delivers.as_ref().and_then(|delivers| delivers.queue.as_ref());
        let Some(id) = queue.and_then(|queue| queue.storage.as_ref()) else { continue };
        let Some(extension) = subject.extensions.iter().find(|known| known.id == id) else { continue };
        let Some(storage) = &extension.facts.storage else { continue };
        let limit = (storage.queue_bytes != u64::MAX).then_some(storage.queue_bytes);
        shares.push(Share {
            what: format!("{}: queue", known.title()),
            bytes: limit,
            how: match limit {
                Some(limit) => format!("{} for each queue in {id}", bytes(limit)),
                None => "no limit".to_owned(),
            },
            key: Some(extension.key("max_size")),
        });
    }
    Budget::of(shares)
}

/// The limits on memory, each once: the pipelines that name one share it.
fn limits(subject: &Subject<'_>, machine: Machine<'_>) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for known in subject.all() {
        let Some(limit) = known.facts.memory_limit else { continue };
        let share = Share {
            what: format!("{}: all that was received and is in memory", known.id),
            bytes: limit.bytes.or(machine.memory),
            how: match limit.bytes {
                Some(limit) => format!("the limit is {}", bytes(limit)),
                None => "the limit is a part of the memory that there is".to_owned(),
            },
            key: Some(known.key("limit_mib")),
        };
        if !shares.iter().any(|other| other.key == share.key) {
            shares.push(share);
        }
    }
    shares
}

/// What is being received.
fn receiving(subject: &Subject<'_>) -> Vec<Share> {
    let mut shares = Vec::new();
    for known in &subject.receivers {
        for listener in &known.facts.listeners {
            let Some(Intake { connections, requests, request_bytes }) = listener.intake else { continue };
            let most = connections.saturating_mul(requests).saturating_mul(request_bytes);
            shares.push(Share {
                what: format!("{}: requests that are being received at {}", known.id, listener.endpoint),
                bytes: Some(most),
                how: format!(
                    "{} × {} × {}",
                    plural(connections, "connection"),
                    plural(requests, "request"),
                    bytes(request_bytes)
                ),
                key: None,
            });
        }
    }
    shares
}

/// What an exporter holds.
fn sending(subject: &Subject<'_>, known: &Known<'_>, is_limited: bool) -> Vec<Share> {
    let Some(delivers) = &known.facts.delivers else { return Vec::new() };
    let largest = subject.largest_request();
    // In flight there is also the compressed form.
    let in_flight = delivers.request_bytes.min(largest);
    let Some(queue) = &delivers.queue else {
        let Some(calls) = known.facts.destination.as_ref().map(|destination| destination.calls) else {
            return Vec::new();
        };
        return vec![Share {
            what: format!("{}: requests on their way, as they are sent", known.title()),
            bytes: Some(calls.saturating_mul(in_flight)),
            how: format!("{} × {}", plural(calls, "request"), bytes(in_flight)),
            key: None,
        }];
    };
    let waiting = match &queue.storage {
        None => waiting_in_memory(delivers, queue, largest),
        Some(_) => (
            Some(largest.saturating_mul(taken_out(queue)).saturating_add(STORE_WRITE_BYTES)),
            format!(
                "{} of {} that are read back, and {} that are being written",
                plural(taken_out(queue), "request"),
                bytes(largest),
                bytes(STORE_WRITE_BYTES)
            ),
        ),
    };
    let key = |key: &str| Some(known.key(&format!("sending_queue::{key}")));
    let mut shares = vec![
        Share {
            what: format!("{}: queue", known.title()),
            bytes: waiting.0,
            how: waiting.1,
            key: key(if queue.storage.is_some() { "num_consumers" } else { "queue_size" }),
        },
        Share {
            what: format!("{}: requests on their way, as they are sent", known.title()),
            bytes: Some(queue.consumers.saturating_mul(in_flight)),
            how: format!("{} × {}", plural(queue.consumers, "request"), bytes(in_flight)),
            key: key("num_consumers"),
        },
    ];
    // What waits in memory is within the limit.
    if is_limited && queue.storage.is_none() {
        shares.remove(0);
    }
    shares
}

/// Bytes that a full queue of an exporter takes in memory.
pub(super) fn queue_bytes(subject: &Subject<'_>, known: &Known<'_>) -> Option<u64> {
    let delivers = known.facts.delivers.as_ref()?;
    waiting_in_memory(delivers, delivers.queue.as_ref()?, subject.largest_request()).0
}

/// What is out of a queue on disk at once: what each consumer sends, and what is being joined.
fn taken_out(queue: &Queue) -> u64 {
    queue.consumers.saturating_add(queue.batches.into())
}

/// Bytes of a full queue in memory, and how they are reckoned.
fn waiting_in_memory(delivers: &Delivers, queue: &Queue, largest: u64) -> (Option<u64>, String) {
    let held = if delivers.keeps_compressed { largest.saturating_mul(2) } else { largest };
    let also = if delivers.keeps_compressed { ", each with its compressed form" } else { "" };
    match queue.unit {
        Unit::Bytes => (Some(queue.size), "queue_size counts bytes".to_owned()),
        Unit::Requests => (
            Some(queue.size.saturating_mul(held)),
            format!("{} × {}{also}", plural(queue.size, "request"), bytes(largest)),
        ),
        Unit::Items => (
            Some(queue.size.saturating_mul(held)),
            format!("{}, each as large as a request: {}{also}", plural(queue.size, "item"), bytes(largest)),
        ),
    }
}

impl<'a> Subject<'a> {
    /// The largest request that any receiver takes in, in bytes. Where none says it, there is none.
    fn largest_request(&self) -> u64 {
        let listeners = self.receivers.iter().flat_map(|known| &known.facts.listeners);
        listeners.filter_map(|listener| Some(listener.intake?.request_bytes)).max().unwrap_or_default()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Known<'a>> {
        let processors = self.processors.iter().flat_map(|(_, processors)| processors);
        self.receivers.iter().chain(processors).chain(&self.exporters).chain(&self.extensions)
    }
}

impl Known<'_> {
    /// An exporter, with the signal.
    fn title(&self) -> String {
        match self.signal {
            Some(signal) => format!("{} ({signal})", self.id),
            None => self.id.to_string(),
        }
    }
}
