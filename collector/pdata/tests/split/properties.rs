//! Random requests, split at random limits.

use std::num::NonZeroUsize;

use bytes::Bytes;
use etalon_pdata::{Most, Part, Payload};
use etalon_testkit::corpus::{self, Random};
use proptest::prelude::*;

use super::reference::{SIGNALS, check, check_each_within_its_own, payload_of};
use super::wild::{self, Errors};

/// Limits of all orders of size.
fn limit() -> impl Strategy<Value = usize> {
    (0..16_u32, any::<usize>()).prop_map(|(bits, number)| number % (1 << bits) + 1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_of_a_sample_request_hold_its_items(
        seed: u64,
        signal in 0..3_usize,
        items in 0..200_usize,
        limit in limit(),
    ) {
        for request in corpus::requests(SIGNALS[signal], items, 1, seed) {
            check(SIGNALS[signal], &request, limit);
        }
    }

    #[test]
    fn parts_of_any_spelling_hold_its_items(seed: u64, signal in 0..3_usize, limit in limit()) {
        let signal = SIGNALS[signal];
        let request = wild::message(&mut Random::new(seed), signal.request, 0, Errors::default());
        check(signal, &request, limit);
    }

    #[test]
    fn a_part_is_as_full_as_its_limit_allows(
        seed: u64,
        signal in 0..3_usize,
        items in 2..100_usize,
        limit in 1000..20_000_usize,
    ) {
        let signal = SIGNALS[signal];
        let request = corpus::requests(signal, items, 1, seed).remove(0);
        let payload = Payload::from_validated(signal, request, items);
        let part = payload.clone().split_bytes(NonZeroUsize::new(limit).expect("not 0")).next();
        let Some(Part::Fits(part)) = part else { return Ok(()) };
        if part.items() < items {
            let one_more = NonZeroUsize::new(part.items() + 1).expect("not 0");
            let longer = payload.split_items(one_more).next().expect("it has items");
            prop_assert!(payload_of(&longer).len() > limit);
        }
    }

    #[test]
    fn each_part_can_have_a_limit_of_its_own(
        seed: u64,
        signal in 0..3_usize,
        items in 1..200_usize,
        limits in proptest::collection::vec((any::<bool>(), limit()), 1..6),
    ) {
        let most = |(is_items, limit)| {
            let limit = NonZeroUsize::new(limit).expect("not 0");
            if is_items { Most::Items(limit) } else { Most::Bytes(limit) }
        };
        let limits: Vec<_> = limits.into_iter().map(most).collect();
        let request = corpus::requests(SIGNALS[signal], items, 1, seed).remove(0);
        check_each_within_its_own(SIGNALS[signal], &request, &limits);
    }

    #[test]
    fn joined_requests_and_parts_split_as_one(seed: u64, signal in 0..3_usize, limit in limit()) {
        let signal = SIGNALS[signal];
        let mut joined = Payload::from_validated(signal, Bytes::new(), 0);
        for (index, request) in corpus::requests(signal, 20, 3, seed).into_iter().enumerate() {
            let whole = Payload::from_validated(signal, request, 20);
            let most = NonZeroUsize::new(limit % 20 + 1).expect("not 0");
            match index {
                1 => whole.split_items(most).for_each(|part| joined.join(part.into_payload())),
                _ => joined.join(whole),
            }
        }
        prop_assert_eq!(joined.items(), 60);
        let most = NonZeroUsize::new(limit).expect("not 0");
        let parts = |payload: Payload| -> Vec<Bytes> {
            payload.split_bytes(most).map(|part| payload_of(&part).contiguous()).collect()
        };
        prop_assert_eq!(
            parts(joined.clone()),
            parts(Payload::from_validated(signal, joined.contiguous(), joined.items()))
        );
        check(signal, &joined.contiguous(), limit);
    }
}
