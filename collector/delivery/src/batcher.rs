//! Joins the requests of a queue to batches, by reference: each stays in the queue until what became of it is known.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use etalon_component::{Caller, Context, Metadata};
use etalon_pdata::Payload;
use etalon_telemetry::metrics::QueueBatchMetrics;
use tokio::time::{Instant, sleep_until};

use crate::accounting::Accounting;
use crate::balance::Underway;
use crate::batch_config::{BatchConfig, Sizes};
use crate::joined::{Joined, Member, Members};
use crate::queue::Queue;
use crate::queue_config::Sizer;
use crate::slots::Slot;
use crate::taking::Taking;

/// What is joined and has not left.
///
/// It is used by the consumer that has nothing to send, one at a time: while all consumers are busy, nothing is taken out
/// of the queue.
pub(crate) struct Batcher {
    sizes: Sizes,
    flush_timeout: Duration,
    metadata_keys: Vec<String>,
    forming: HashMap<Partition, Forming>,
    /// Of what forms, when it leaves, in order. What has left since is still in there.
    leaving: VecDeque<(Instant, Partition)>,
    ready: VecDeque<Joined>,
    /// Requests that were joined although the time of a batch was over.
    late: usize,
    metrics: QueueBatchMetrics,
}

/// The values of the metadata that separates batches.
type Partition = Vec<Vec<Box<[u8]>>>;

/// A batch that waits for more.
struct Forming {
    payload: Payload,
    members: Vec<Member>,
    context: Context,
    /// When it leaves at the latest.
    until: Instant,
    since: u64,
}

/// When the time of a batch is over, what is in the queue already still joins it, at most so many requests: after a time in
/// which no consumer was free, batches are then as large as they can be.
const LATE_MAX: usize = 1000;

/// Batches that have left and are not forgotten yet, besides as many as form.
const LEFT_MAX: usize = 64;

impl Batcher {
    pub(crate) fn new(config: &BatchConfig, queue: Sizer, metrics: QueueBatchMetrics) -> Self {
        Self {
            sizes: Sizes::of(config, queue),
            flush_timeout: config.flush_timeout.to_std(),
            metadata_keys: config.partition.metadata_keys.clone(),
            forming: HashMap::new(),
            leaving: VecDeque::new(),
            ready: VecDeque::new(),
            late: 0,
            metrics,
        }
    }

    /// The next batch, into `sending`; nothing when the queue is closed, and if it is in memory, empty. What is not part of
    /// it is in `waiting`.
    pub(crate) async fn next(
        &mut self,
        queue: &Queue,
        waiting: Slot<'_>,
        sending: Slot<'_>,
        accounting: &Accounting,
    ) -> Option<Joined> {
        while self.ready.is_empty() {
            let Some(until) = self.next_leaves() else {
                match queue.take(waiting, accounting).await {
                    Some(taking) => self.add(taking, &accounting.underway),
                    None => return None,
                }
                continue;
            };
            tokio::select! {
                biased;
                taking = queue.take(waiting, accounting), if self.late < LATE_MAX => match taking {
                    Some(taking) => {
                        self.late += usize::from(until <= Instant::now());
                        self.add(taking, &accounting.underway);
                    }
                    // Who stops a queue on disk waits for nothing: what forms goes back.
                    None if queue.is_on_disk() => self.clear(),
                    None => self.flush_first(),
                },
                () = sleep_until(until) => self.flush_first(),
            }
        }
        let next = self.ready.pop_front();
        sending.set(next.as_ref().map(|joined| joined.since));
        waiting.set(self.oldest());
        if let Some(Joined { batch, .. }) = &next {
            self.metrics.send_size(batch.items());
            self.metrics.send_size_bytes(batch.payload.len());
        }
        next
    }

    /// All that has not left.
    pub(crate) fn take_all(&mut self) -> Vec<Joined> {
        let forming = std::mem::take(&mut self.forming).into_values().map(Forming::finish);
        self.ready.drain(..).chain(forming).collect()
    }

    fn add(&mut self, taking: Taking, underway: &Arc<Underway>) {
        let (batch, since) = (taking.batch().clone(), taking.since());
        let partition = self.partition(&batch.context);
        let mut members = Members::of(taking, underway);
        if batch.items() == 0 {
            let members = vec![members.next(0)];
            self.ready.push_back(Joined { batch, members, since });
            return;
        }
        let mut parts = batch.payload.into_parts();
        loop {
            let room = self.sizes.room(self.forming.get(&partition).map(|forming| &forming.payload));
            let Some(part) = parts.next_within(room) else { break };
            let part = part.into_payload();
            let member = members.next(part.items());
            self.join(&partition, part, member, since, &batch.context);
        }
    }

    fn join(&mut self, partition: &Partition, part: Payload, member: Member, since: u64, context: &Context) {
        if self.forming.get(partition).is_some_and(|forming| !self.sizes.hold(&forming.payload, &part)) {
            self.flush(partition);
        }
        if let Some(forming) = self.forming.get_mut(partition) {
            forming.payload.join(part);
            forming.members.push(member);
            forming.since = forming.since.min(since);
            forming.context = joined_context(&self.metadata_keys, partition);
        } else {
            let until = Instant::now() + self.flush_timeout;
            let forming =
                Forming { payload: part, members: vec![member], context: context.clone(), until, since };
            self.forming.insert(partition.clone(), forming);
            self.leaving.push_back((until, partition.clone()));
            self.forget_what_has_left();
        }
        if self.forming.get(partition).is_some_and(|forming| self.sizes.is_enough(&forming.payload)) {
            self.flush(partition);
        }
    }

    /// When the first of what forms leaves at the latest.
    fn next_leaves(&mut self) -> Option<Instant> {
        while let Some((until, partition)) = self.leaving.front() {
            if self.forming.get(partition).is_some_and(|forming| forming.until == *until) {
                return Some(*until);
            }
            self.leaving.pop_front();
        }
        None
    }

    /// Keeps `leaving` within twice what forms: behind a batch that waits for long, many others may leave.
    fn forget_what_has_left(&mut self) {
        let Self { forming, leaving, .. } = self;
        if leaving.len() > 2 * forming.len() + LEFT_MAX {
            leaving.retain(|(until, partition)| forming.get(partition).is_some_and(|of| of.until == *until));
        }
    }

    fn flush_first(&mut self) {
        if let Some((_, partition)) = self.leaving.pop_front() {
            self.flush(&partition);
        }
    }

    fn flush(&mut self, partition: &Partition) {
        self.late = 0;
        self.ready.extend(self.forming.remove(partition).map(Forming::finish));
    }

    fn clear(&mut self) {
        self.forming.clear();
        self.leaving.clear();
        self.ready.clear();
    }

    fn oldest(&self) -> Option<u64> {
        let forming = self.forming.values().map(|forming| forming.since);
        forming.chain(self.ready.iter().map(|ready| ready.since)).min()
    }

    fn partition(&self, context: &Context) -> Partition {
        let values = |key: &String| -> Vec<Box<[u8]>> {
            let metadata = context.caller.as_ref().map(|caller| &caller.metadata);
            metadata.map_or_else(Vec::new, |known| known.get_all(key).map(Box::from).collect())
        };
        self.metadata_keys.iter().map(values).collect()
    }
}

impl Forming {
    fn finish(self) -> Joined {
        let Self { payload, members, context, since, until: _ } = self;
        Joined { batch: etalon_component::Batch { payload, context }, members, since }
    }
}

/// What several requests of a partition have in common.
fn joined_context(keys: &[String], partition: &Partition) -> Context {
    let mut metadata = Metadata::default();
    for (key, values) in keys.iter().zip(partition) {
        for value in values {
            metadata.push(&key.to_lowercase(), value);
        }
    }
    let caller = (!metadata.is_empty()).then(|| Arc::new(Caller { metadata, ..Caller::default() }));
    Context { caller, ..Context::default() }
}

#[cfg(test)]
mod tests;
