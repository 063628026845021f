//! How long to wait before connecting again: gRPC's "Connection Backoff Protocol"
//! (<https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md>).

use std::time::Duration;

use etalon_component::random_unit;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(2);
const MULTIPLIER: f64 = 1.6;
const JITTER: f64 = 0.2;

/// The waits between attempts to connect: 1 s, and 1.6 times more each time up to 120 s, each up to
/// a fifth longer or shorter so that clients do not come back together.
#[derive(Debug)]
pub(super) struct ConnectBackoff {
    next: Duration,
}

impl ConnectBackoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The time from the start of the attempt that failed to the start of the next.
    pub(super) fn failed(&mut self) -> Duration {
        let wait = self.next.mul_f64(1.0 + JITTER * (2.0 * random_unit() - 1.0));
        self.next = self.next.mul_f64(MULTIPLIER).min(LONGEST);
        wait
    }

    /// A connection was of use: the next failure starts from the beginning.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_start_again_after_success() {
        let mut backoff = ConnectBackoff::new();
        let mut expected = 1.0_f64;
        for _ in 0..20 {
            let wait = backoff.failed().as_secs_f64();
            assert!((expected * 0.8..=expected * 1.2).contains(&wait), "{wait} for {expected}");
            expected = (expected * MULTIPLIER).min(120.0);
        }
        backoff.reset();
        assert!(backoff.failed() <= Duration::from_millis(1200));
    }

    #[test]
    fn two_clients_do_not_wait_for_the_same_time() {
        let waits: Vec<Duration> = (0..16).map(|_| ConnectBackoff::new().failed()).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
