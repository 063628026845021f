//! A sender, the chain, and a destination, with faults in all of them, as a function of a seed.
//!
//! Time is tokio's, stopped, on one thread; the disk is the store's simulated one; chance comes from the seed. What a seed
//! does it does again: a failure prints the command that repeats it. How many seeds are run, [`SEEDS`] says.

mod destination;
mod ledger;
mod plan;
mod sender;
mod world;

use std::panic::catch_unwind;

use crate::plan::Plan;
use crate::world::World;

/// The environment variable with the number of seeds.
const SEEDS: &str = "ETALON_SIMULATION_SEEDS";
const SEEDS_DEFAULT: u64 = 200;
/// The environment variable with the only seed to run, or the first of those that [`SEEDS`] counts.
const SEED: &str = "ETALON_SIMULATION_SEED";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// Runs the world of a seed to its end, and returns what happened in it.
fn run(seed: u64) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(World::new(seed, Plan::of(seed)).run())
}

#[test]
fn what_was_acknowledged_arrives_whatever_fails_and_is_accounted_for() {
    let first = number(SEED).unwrap_or(0);
    let count = number(SEEDS).unwrap_or(if number(SEED).is_some() { 1 } else { SEEDS_DEFAULT });
    let mut sums = ledger::Sums::default();
    let mut failed = Vec::new();
    for seed in first..first + count {
        match catch_unwind(|| run(seed)) {
            Ok(told) => sums.add(&told),
            Err(_panic) => failed.push(format!(
                "{SEED}={seed} cargo test -p etalon-delivery --test simulation -- --nocapture"
            )),
        }
    }
    assert!(failed.is_empty(), "some seeds fail; to repeat them:\n{}", failed.join("\n"));
    println!("{count} seeds from {first} on: {sums}");
    assert!(count < 100 || sums.reach_everything(), "some fault never happened: {sums}");
}

#[test]
fn what_a_seed_does_it_does_again() {
    for seed in [1, 2, 3, 5, 8, 13, 21, 34] {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
