//! The chain in front of every exporter: queue, batching, accounting, retry, timeout.
//!
//! [`Delivery`] is that chain, made of a [`DeliveryConfig`] and of a sender, which makes one attempt
//! per batch. What it accepts it accounts for: each item ends as sent, as failed, or in the queue.
//!
//! A batch that the destination finds too large is sent in parts, each with retries and an account of its own.
//!
//! This crate knows no protocol and no concrete exporter; it decides by the kind of an
//! [`Outcome`](etalon_component::Outcome) alone.

mod accounting;
mod acknowledged;
mod backoff;
mod balance;
mod batch_config;
mod batcher;
mod circuit;
mod context;
mod delivery;
mod disk_queue;
mod drops;
mod explain;
mod joined;
mod memory_queue;
mod open_store;
mod outcomes;
mod parts;
mod queue;
mod queue_config;
mod retry;
mod slots;
mod stored;
mod taking;
mod timeout;
mod traced;
mod workers;

pub use acknowledged::acknowledged;
pub use batch_config::{BatchConfig, PartitionConfig};
pub use delivery::{Delivery, DeliveryConfig};
pub use parts::{BISECT_REQUESTS_MAX, PART_BYTES_MIN, REQUEST_BYTES_MAX};
pub use queue_config::{QueueConfig, Sizer};
pub use retry::RetryConfig;
pub use timeout::TimeoutConfig;

#[cfg(test)]
mod tests;
