//! Chance, for what would otherwise happen to everybody at the same time.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

thread_local! {
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A number from 0 up to 1, evenly spread, from the seed that the standard library draws for each hasher. Not for secrets.
pub fn random_unit() -> f64 {
    let drawn = SEED.get().map_or_else(|| RandomState::new().hash_one(0_u8), seeded);
    (drawn >> 11) as f64 / (1_u64 << 53) as f64
}

/// From now on, what [`random_unit`] returns on this thread follows from `seed`: for simulations, which must be repeatable.
pub fn seed_random(seed: u64) {
    SEED.set(Some(seed));
}

/// `SplitMix64`: the next number, whose seed is told to the thread.
fn seeded(seed: u64) -> u64 {
    let next = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    SEED.set(Some(next));
    let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_seeded_draws_the_same_again() {
        let draw = |seed| {
            seed_random(seed);
            [random_unit().to_bits(), random_unit().to_bits(), random_unit().to_bits()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|drawn| (0.0..1.0).contains(&f64::from_bits(*drawn))));
    }
}
