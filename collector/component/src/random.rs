//! Chance, for what would otherwise happen to everybody at the same time.

use std::hash::{BuildHasher as _, RandomState};

/// A number from 0 up to 1, evenly spread, from the seed that the standard library draws for each hasher. Not for secrets.
pub fn random_unit() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}
