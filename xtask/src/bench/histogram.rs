//! Latencies: a histogram with buckets of constant relative width.

/// Sub-buckets for each power of two: a quantile is at most 1/64 too high.
const SUB: u64 = 64;
const SUB_BITS: u32 = SUB.trailing_zeros();
/// One group of sub-buckets for all values below 64, and one for each higher bit.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) << SUB_BITS;

/// Counts of values, any `u64`; here nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, value: u64) {
        self.buckets[bucket(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// The smallest bound that at least the share `q` (0 to 1) of the values does not exceed; 0 when empty.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= q <= 1, so the rank fits"
    )]
    pub(crate) fn quantile(&self, q: f64) -> u64 {
        let rank = ((self.count as f64 * q).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(at).min(self.max);
            }
        }
        self.max
    }
}

fn bucket(value: u64) -> usize {
    let at = if value < SUB {
        value
    } else {
        let shift = value.ilog2() - SUB_BITS;
        u64::from(shift) * SUB + (value >> shift)
    };
    usize::try_from(at).expect("a bucket's index is below BUCKETS")
}

fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB {
        return bucket;
    }
    let shift = bucket / SUB - 1;
    let lower = (bucket - shift * SUB) << shift;
    lower + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_a_bucket_that_is_at_most_a_64th_wide() {
        for value in (0..64).flat_map(|bit| {
            [1_u64 << bit, (1 << bit) + 1, (1_u64 << bit).wrapping_mul(3) / 2, u64::MAX >> bit]
        }) {
            let upper = upper_bound(bucket(value));
            assert!(upper >= value && upper - value <= value / SUB, "{value}: {upper}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn buckets_ascend_with_values() {
        let mut last = 0;
        for value in 0..100_000 {
            let at = bucket(value);
            assert!(at == last || at == last + 1);
            last = at;
        }
    }

    #[test]
    fn quantiles_of_a_uniform_distribution_are_found() {
        let mut histogram = Histogram::default();
        for value in 1..=10_000 {
            histogram.record(value);
        }
        for (q, expected) in [(0.5, 5000), (0.99, 9900), (1.0, 10_000)] {
            let found = histogram.quantile(q);
            assert!(found >= expected && found <= expected + expected / 64, "{q}: {found}");
        }
        assert_eq!((histogram.count(), histogram.max()), (10_000, 10_000));
        assert_eq!(Histogram::default().quantile(0.99), 0);
    }
}
