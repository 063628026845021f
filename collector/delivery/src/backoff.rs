//! How long to wait between two attempts.

use std::time::Duration;

use etalon_component::random_unit;

/// Intervals that grow by a factor up to a limit, each made longer or shorter at random.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    pub(crate) interval: Duration,
    pub(crate) multiplier: f64,
    pub(crate) max_interval: Duration,
    /// By which part of it an interval is longer or shorter at most, 0 to 1.
    pub(crate) randomization_factor: f64,
}

impl Backoff {
    /// The next wait. The limit holds for the interval before it is randomised.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let factor = 1.0 + self.randomization_factor * (2.0 * random_unit() - 1.0);
        let delay = scaled(self.interval, factor);
        self.interval = scaled(self.interval, self.multiplier).min(self.max_interval);
        delay
    }
}

/// The longest duration when the product is longer.
fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(randomization_factor: f64, multiplier: f64) -> Backoff {
        Backoff {
            interval: Duration::from_secs(5),
            multiplier,
            max_interval: Duration::from_secs(30),
            randomization_factor,
        }
    }

    #[test]
    fn intervals_grow_up_to_the_limit() {
        let mut backoff = backoff(0.0, 1.5);
        let delays: Vec<f64> = (0..7).map(|_| backoff.next_delay().as_secs_f64()).collect();
        assert_eq!(delays, [5.0, 7.5, 11.25, 16.875, 25.3125, 30.0, 30.0]);
    }

    #[test]
    fn a_random_part_is_added_or_taken_and_may_pass_the_limit() {
        let mut backoff = backoff(0.5, 100.0);
        assert!((2.5..=7.5).contains(&backoff.next_delay().as_secs_f64()));
        let delays: Vec<Duration> = (0..200).map(|_| backoff.next_delay()).collect();
        assert!(delays.iter().all(|delay| (15.0..=45.0).contains(&delay.as_secs_f64())));
        assert!(delays.iter().any(|delay| *delay > Duration::from_secs(30)));
        assert!(delays.iter().any(|delay| *delay < Duration::from_secs(30)));
    }

    #[test]
    fn a_multiplier_of_zero_makes_the_next_intervals_zero() {
        let mut backoff = backoff(0.0, 0.0);
        assert_eq!(backoff.next_delay(), Duration::from_secs(5));
        assert_eq!(backoff.next_delay(), Duration::ZERO);
    }

    #[test]
    fn what_is_too_long_for_a_duration_is_the_longest() {
        let mut backoff = backoff(0.0, f64::MAX);
        backoff.max_interval = Duration::MAX;
        backoff.next_delay();
        assert_eq!(backoff.next_delay(), Duration::MAX);
    }
}
