//! Medians and ratios over rounds.

use serde::Serialize;

/// Minimum, median and maximum of some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` when there is no number. Of an even count, the median is the mean of the middle two.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { min, median, max })
    }

    /// The ratio of `values` to `anchors`, round by round: a disturbance that lasts a round hits both.
    /// Rounds that either lacks, or whose anchor is 0, are left out.
    pub(crate) fn of_ratios(values: &[Option<f64>], anchors: &[Option<f64>]) -> Option<Self> {
        Self::of(values.iter().zip(anchors).filter_map(|pair| match pair {
            (Some(value), Some(anchor)) if *anchor > 0.0 => Some(value / anchor),
            _ => None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_odd_and_even_counts() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { min: 1.0, median: 2.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 8.0]), Some(Spread { min: 1.0, median: 3.0, max: 8.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_not_between_medians() {
        // The second round was disturbed: both cost three times as much, and the ratio stays.
        let ratios =
            Spread::of_ratios(&[Some(2.0), Some(6.0), Some(2.2)], &[Some(1.0), Some(3.0), Some(1.0)]);
        assert_eq!(ratios, Some(Spread { min: 2.0, median: 2.0, max: 2.2 }));
    }

    #[test]
    fn a_round_that_one_side_lacks_does_not_count() {
        let ratios = Spread::of_ratios(&[None, Some(6.0), Some(5.0)], &[Some(1.0), Some(3.0), None]);
        assert_eq!(ratios, Some(Spread { min: 2.0, median: 2.0, max: 2.0 }));
        assert_eq!(Spread::of_ratios(&[Some(1.0)], &[Some(0.0)]), None);
    }
}
