//! What a seed chooses: the configuration, and how much goes wrong.

use std::time::Duration;

use etalon_conf::{Duration as Conf, Optional};
use etalon_delivery::{BatchConfig, DeliveryConfig, QueueConfig, RetryConfig, Sizer};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Where what was acknowledged is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// No queue: at the destination.
    Direct,
    /// In a queue in memory, whose sender waits for the destination.
    Waiting,
    Memory,
    Disk,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) mode: Mode,
    pub(crate) config: DeliveryConfig,
    pub(crate) senders: usize,
    /// Of each sender.
    pub(crate) requests: usize,
    /// How often something goes wrong.
    pub(crate) troubles: usize,
    /// What a write takes.
    pub(crate) disk_latency: Duration,
}

fn batch(rng: &mut StdRng) -> BatchConfig {
    let min_size = [0, 10, 100][rng.random_range(0..3)];
    BatchConfig {
        flush_timeout: Conf::from_millis(rng.random_range(20..3000)),
        sizer: Some(Sizer::Items),
        min_size,
        max_size: [0, min_size + 5, 1000][rng.random_range(0..3)],
        ..BatchConfig::default()
    }
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mode = match rng.random_range(0..8) {
            0 => Mode::Direct,
            1 => Mode::Waiting,
            2 | 3 => Mode::Memory,
            _ => Mode::Disk,
        };
        let queue = QueueConfig {
            sizer: [Sizer::Requests, Sizer::Items, Sizer::Bytes][rng.random_range(0..3)],
            queue_size: [20, 200, 100_000][rng.random_range(0..3)],
            num_consumers: rng.random_range(1..6),
            block_on_overflow: rng.random_bool(0.3),
            wait_for_result: mode == Mode::Waiting,
            storage: (mode == Mode::Disk).then(|| "file_storage".parse().expect("an id")),
            bisect_rejected: rng.random_bool(0.2),
            batch: if rng.random_bool(0.5) {
                Optional::on(batch(&mut rng))
            } else {
                Optional::off(BatchConfig::default())
            },
        };
        let retry = RetryConfig {
            initial_interval: Conf::from_millis(rng.random_range(10..5000)),
            max_interval: Conf::from_secs(rng.random_range(5..60)),
            max_elapsed_time: Conf::from_secs(if rng.random_bool(0.7) { 0 } else { 300 }),
            ..RetryConfig::default()
        };
        Self {
            mode,
            config: DeliveryConfig {
                timeout: Duration::from_secs(rng.random_range(1..10)),
                retry,
                queue: (mode != Mode::Direct).then_some(queue),
                forwards: None,
            },
            senders: rng.random_range(1..6),
            requests: rng.random_range(5..40),
            troubles: rng.random_range(0..25),
            disk_latency: Duration::from_millis(rng.random_range(1..12)),
        }
    }

    /// Whether what the destination does not take is tried for ever.
    pub(crate) fn never_gives_up(&self) -> bool {
        self.config.retry.max_elapsed_time.is_zero()
    }
}
