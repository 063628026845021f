//! Sample requests: random, reproducible, and as heterogeneous as real telemetry, since a branch predictor
//! learns a uniform corpus and a compressor folds it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::match_bool,
    reason = "samples are small numbers, and chances read well as a match"
)]

mod attributes;
mod logs;
mod metrics;
mod random;
mod traces;

use bytes::Bytes;
use etalon_pdata::{LOGS, METRICS, Signal, TRACES};
use prost::Message as _;

pub use random::Random;

/// `count` export requests of a stable signal with `items_per_request` items each. The same arguments give
/// the same bytes.
///
/// # Panics
/// When there is no corpus for the signal.
pub fn requests(signal: Signal, items_per_request: usize, count: usize, seed: u64) -> Vec<Bytes> {
    let mut random = Random::new(seed);
    let mut one = || {
        if signal == TRACES {
            traces::request(&mut random, items_per_request).encode_to_vec()
        } else if signal == METRICS {
            metrics::request(&mut random, items_per_request).encode_to_vec()
        } else if signal == LOGS {
            logs::request(&mut random, items_per_request).encode_to_vec()
        } else {
            panic!("no corpus for {signal}")
        }
    };
    (0..count).map(|_| one().into()).collect()
}

/// How a number of items spreads over groups of random sizes.
fn groups(random: &mut Random, items: usize, most: usize) -> Vec<usize> {
    let mut left = items;
    let mut sizes = Vec::new();
    while left > 0 {
        let size = random.between(1, most).min(left);
        sizes.push(size);
        left -= size;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use etalon_pdata::{Scan, Utf8Policy, scan};

    use super::*;

    #[test]
    fn requests_are_valid_have_the_wanted_number_of_items_and_repeat() {
        for signal in [TRACES, METRICS, LOGS] {
            for items in [0, 1, 10, 137] {
                let first = requests(signal, items, 4, 7);
                assert_eq!(first, requests(signal, items, 4, 7), "{signal}");
                for request in first {
                    let found = scan(signal, &mut request.to_vec(), Utf8Policy::Refuse);
                    assert_eq!(found, Ok(Scan { items, repaired: 0 }), "{signal}");
                }
            }
        }
    }
}
