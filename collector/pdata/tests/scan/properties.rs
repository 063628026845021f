//! Random requests, whole and damaged.

use etalon_testkit::corpus::{self, Random};
use proptest::prelude::*;

use super::differential::{SIGNALS, agree, check};
use super::wild::{self, Errors};

/// A change to the bytes of a request.
#[derive(Clone, Debug)]
enum Mutation {
    Flip { at: prop::sample::Index, bit: u8 },
    Set { at: prop::sample::Index, to: u8 },
    Truncate { at: prop::sample::Index },
    Insert { at: prop::sample::Index, bytes: Vec<u8> },
    Remove { at: prop::sample::Index, count: usize },
    Splice { from: prop::sample::Index, count: usize, to: prop::sample::Index },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        4 => (at(), any::<u8>()).prop_map(|(at, to)| Mutation::Set { at, to }),
        1 => at().prop_map(|at| Mutation::Truncate { at }),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
        1 => (at(), 1..8_usize).prop_map(|(at, count)| Mutation::Remove { at, count }),
        2 => (at(), 1..64_usize, at()).prop_map(|(from, count, to)| Mutation::Splice { from, count, to }),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let len = bytes.len();
    if len == 0 {
        return;
    }
    match mutation {
        Mutation::Flip { at, bit } => bytes[at.index(len)] ^= 1 << bit,
        Mutation::Set { at, to } => bytes[at.index(len)] = *to,
        Mutation::Truncate { at } => bytes.truncate(at.index(len)),
        Mutation::Insert { at, bytes: new } => {
            drop(bytes.splice(at.index(len)..at.index(len), new.iter().copied()));
        }
        Mutation::Remove { at, count } => drop(bytes.drain(at.index(len)..len.min(at.index(len) + count))),
        Mutation::Splice { from, count, to } => {
            let piece = bytes[from.index(len)..len.min(from.index(len) + count)].to_vec();
            let to = to.index(len);
            bytes.splice(to..to, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sample_requests_are_accepted(seed: u64, signal in 0..3_usize, items in 0..40_usize) {
        for request in corpus::requests(SIGNALS[signal], items, 2, seed) {
            let found = check(SIGNALS[signal], &request).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(found.items, items);
        }
    }

    #[test]
    fn every_valid_spelling_is_accepted(seed: u64, signal in 0..3_usize) {
        let signal = SIGNALS[signal];
        let request = wild::message(&mut Random::new(seed), signal.request, 0, Errors::default());
        check(signal, &request).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }

    #[test]
    fn broken_strings_are_repaired(seed: u64, signal in 0..3_usize) {
        let signal = SIGNALS[signal];
        let errors = Errors { text: 100, structure: 0 };
        let mut request = wild::message(&mut Random::new(seed), signal.request, 0, errors);
        agree(signal, &request);
        let repaired = etalon_pdata::scan(signal, &mut request, etalon_pdata::Utf8Policy::Repair);
        prop_assert!(repaired.is_ok(), "{repaired:?}");
    }

    #[test]
    fn scanner_and_prost_agree_on_messages_with_errors(seed: u64, signal in 0..3_usize) {
        let signal = SIGNALS[signal];
        let errors = Errors { text: 5, structure: 15 };
        let request = wild::message(&mut Random::new(seed), signal.request, 0, errors);
        agree(signal, &request);
    }

    #[test]
    fn scanner_and_prost_agree_on_mutated_requests(
        seed: u64,
        signal in 0..3_usize,
        items in 1..4_usize,
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let signal = SIGNALS[signal];
        for request in corpus::requests(signal, items, 4, seed) {
            let mut request = request.to_vec();
            for mutation in &mutations {
 mutate(&mut request, mutation);
}
            agree(signal, &request);
        }
    }

    #[test]
    fn scanner_and_prost_agree_on_mutated_spellings(
        seed: u64,
        signal in 0..3_usize,
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let signal = SIGNALS[signal];
        let mut request = wild::message(&mut Random::new(seed), signal.request, 0, Errors::default());
        for mutation in &mutations {
 mutate(&mut request, mutation);
}
        agree(signal, &request);
    }
}
