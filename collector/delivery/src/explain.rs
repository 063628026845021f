//! What the chain says about itself before it runs.

use etalon_component::{Acknowledges, Delivers, Facts, Queue, Retries, Unit};

use crate::{DeliveryConfig, QueueConfig, REQUEST_BYTES_MAX, Sizer};

impl DeliveryConfig {
    /// What an exporter with this chain does. The exporter adds where it sends to.
    pub fn facts(&self) -> Facts {
        let acknowledges = match &self.queue {
            Some(queue) if queue.storage.is_some() => Acknowledges::OnStableStorage,
            Some(queue) if !queue.wait_for_result => Acknowledges::InMemory,
            Some(_) | None => Acknowledges::Behind,
        };
        let patience = self.retry.max_elapsed_time;
        let delivers = Delivers {
            queue: self.queue.as_ref().map(queue),
            timeout: (!self.timeout.is_zero()).then_some(self.timeout),
            retries: self
                .retry
                .enabled
                .then(|| Retries { patience: (!patience.is_zero()).then(|| patience.to_std()) }),
            request_bytes: REQUEST_BYTES_MAX as u64,
            keeps_compressed: self.forwarded().is_some(),
        };
        Facts { acknowledges, delivers: Some(delivers), ..Facts::default() }
    }
}

fn queue(config: &QueueConfig) -> Queue {
    Queue {
        size: u64::try_from(config.queue_size).unwrap_or_default(),
        unit: match config.sizer {
            Sizer::Requests => Unit::Requests,
            Sizer::Items => Unit::Items,
            Sizer::Bytes => Unit::Bytes,
        },
        consumers: config.consumers() as u64,
        blocks: config.block_on_overflow,
        waits_for_result: config.wait_for_result,
        storage: config.storage.clone(),
        batches: config.batch.is_on(),
        bisects: config.bisect_rejected,
    }
}
