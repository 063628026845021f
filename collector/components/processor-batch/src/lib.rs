//! The `batch` processor: requests wait for others, and leave joined.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. Requests are joined by reference, and each
//! sender waits for the outcome of the batches that its data leaves in: nothing is taken over by waiting here.

mod batch;
mod batcher;
mod config;
mod pending;
mod processor;
mod ticket;

pub use batcher::HELD_BYTES_MAX;
pub use config::Config;

use etalon_component::{Facts, Holding, ProcessorFactory};

/// The type, as users write it.
pub const KIND: &str = "batch";

/// The factory, without signals: the distribution adds those that it supports.
pub fn factory() -> ProcessorFactory {
    ProcessorFactory::new::<Config>(KIND, processor::create).with_facts(|_: &Config, _| Facts {
        holds: vec![Holding {
            what: "requests that wait for their batch, and for its outcome".to_owned(),
            bytes: Some(HELD_BYTES_MAX as u64),
            how: "fixed, in each pipeline".to_owned(),
            key: "send_batch_size".to_owned(),
        }],
        ..Facts::default()
    })
}

#[cfg(test)]
mod tests;
