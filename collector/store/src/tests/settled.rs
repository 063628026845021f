//! Ranges behave as a set of numbers.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::settled::Settled;

proptest! {
    #[test]
    fn it_is_the_set_of_all_that_was_put_in(ranges in prop::collection::vec((0_u64..40, 0_u64..6), 0..30)) {
        let mut settled = Settled::default();
        let mut set = BTreeSet::new();
        for (from, length) in ranges {
            let new = (from..from + length).filter(|seq| set.insert(*seq)).count();
            prop_assert_eq!(settled.insert(from..from + length), new as u64);
        }
        for seq in 0..50 {
            prop_assert_eq!(settled.contains(seq), set.contains(&seq));
            prop_assert_eq!(settled.next_absent(seq), (seq..100).find(|seq| !set.contains(seq)).expect("there is one"));
            for end in seq..50 {
                let inside = (seq..end).filter(|seq| set.contains(seq)).count();
                prop_assert_eq!(settled.within(seq..end), inside as u64);
                let absent: Vec<u64> = settled.absent(seq..end).into_iter().flatten().collect();
                prop_assert_eq!(absent, (seq..end).filter(|seq| !set.contains(seq)).collect::<Vec<_>>());
            }
        }
        prop_assert_eq!(settled.total(), set.len() as u64);
        prop_assert_eq!(settled.all().flatten().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(settled.pieces(), settled.all().count());
        prop_assert_eq!(settled.floor(), (0..100).find(|seq| !set.contains(seq)).expect("there is one"));
        prop_assert_eq!(&Settled::new(settled.floor(), settled.ranges()), &settled);
    }
}
