//! What waits, by the metadata that keeps it apart.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use etalon_component::{Caller, Metadata};
use etalon_telemetry::Held;
use etalon_telemetry::metrics::BatchProcessorMetrics;
use tokio::task::AbortHandle;

use crate::Config;
use crate::batch::Joined;

/// The values of each metadata key, in the order of the keys.
pub(crate) type Key = Vec<Vec<Box<[u8]>>>;

/// All that waits.
pub(crate) struct Pending {
    pub(crate) closed: bool,
    waiting: HashMap<Key, Waiting>,
    /// Tells one wait from the next.
    waits: u64,
    metrics: BatchProcessorMetrics,
}

/// The batch of one combination of values that will leave next.
struct Waiting {
    joined: Joined,
    wait: u64,
    /// Ends the wait.
    timer: Option<AbortHandle>,
    _counted: Held,
}

/// What is to be done once something has come.
pub(crate) enum Due {
    /// Wait.
    Nothing,
    /// Wait from now on; the number tells this wait from others.
    Timer(u64),
    /// These leave. If there is a number, a rest waits from now on.
    Full(Vec<Joined>, Option<u64>),
}

/// What all batches with this key keep of their requests.
pub(crate) fn caller(config: &Config, key: &Key) -> Option<Arc<Caller>> {
    let mut metadata = Metadata::default();
    for (name, values) in config.metadata_keys.iter().zip(key) {
        let name = name.to_ascii_lowercase();
        for value in values {
            metadata.push(&name, value);
        }
    }
    (!metadata.is_empty()).then(|| Arc::new(Caller { metadata, ..Caller::default() }))
}

/// What keeps the requests of this caller apart from others.
pub(crate) fn key(config: &Config, caller: Option<&Caller>) -> Key {
    let values = |name: &String| {
        let metadata = caller.map(|caller| &caller.metadata);
        metadata.into_iter().flat_map(|metadata| metadata.get_all(name)).map(Into::into).collect()
    };
    config.metadata_keys.iter().map(values).collect()
}

impl Pending {
    pub(crate) fn new(metrics: BatchProcessorMetrics) -> Self {
        Self { closed: false, waiting: HashMap::new(), waits: 0, metrics }
    }

    /// Whether there is room for requests with this key.
    pub(crate) fn has_room(&self, config: &Config, key: &Key) -> bool {
        let limit = config.metadata_cardinality_limit as usize;
        limit == 0 || self.waiting.len() < limit || self.waiting.contains_key(key)
    }

    /// Adds what has come.
    pub(crate) fn add(&mut self, config: &Config, key: &Key, joined: Joined) -> Due {
        let (size, is_new) = (config.send_batch_size as usize, !self.waiting.contains_key(key));
        match self.waiting.get_mut(key) {
            Some(waiting) => waiting.joined.join(joined),
            None => self.begin(key.clone(), joined),
        }
        let immediate = size == 0 || config.timeout.is_zero();
        let items = self.waiting.get(key).map_or(0, |waiting| waiting.joined.items());
        if !immediate && items < size {
            return if is_new { Due::Timer(self.waits) } else { Due::Nothing };
        }
        let mut parts = self.take(config, key);
        let rest = parts.pop_if(|last| !immediate && last.items() < size);
        let waits_again = rest.map(|rest| {
            self.begin(key.clone(), rest);
            self.waits
        });
        Due::Full(parts, waits_again)
    }

    fn begin(&mut self, key: Key, joined: Joined) {
        self.waits += 1;
        let counted = self.metrics.combinations(1);
        self.waiting.insert(key, Waiting { joined, wait: self.waits, timer: None, _counted: counted });
    }

    /// Notes what ends a wait.
    pub(crate) fn set_timer(&mut self, key: &Key, wait: u64, timer: AbortHandle) {
        match self.waiting.get_mut(key).filter(|waiting| waiting.wait == wait) {
            Some(waiting) => waiting.timer = Some(timer),
            None => timer.abort(),
        }
    }

    /// What has waited long enough.
    pub(crate) fn take_late(&mut self, config: &Config, key: &Key, wait: u64) -> Vec<Joined> {
        let is_that = self.waiting.get(key).is_some_and(|waiting| waiting.wait == wait);
        if is_that { self.take(config, key) } else { Vec::new() }
    }

    /// All that waits.
    pub(crate) fn take_all(&mut self, config: &Config) -> Vec<(Key, Vec<Joined>)> {
        let keys: Vec<Key> = self.waiting.keys().cloned().collect();
        keys.into_iter().map(|key| (key.clone(), self.take(config, &key))).collect()
    }

    fn take(&mut self, config: &Config, key: &Key) -> Vec<Joined> {
        let Some(Waiting { joined, timer, .. }) = self.waiting.remove(key) else { return Vec::new() };
        if let Some(timer) = timer {
            timer.abort();
        }
        match NonZeroUsize::new(config.send_batch_max_size as usize) {
            Some(most) => joined.split(most),
            None => vec![joined],
        }
    }
}
