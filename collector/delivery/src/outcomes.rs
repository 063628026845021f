//! What became of the items of a batch, in their order.

use std::ops::Range;

use etalon_component::{Delivered, Failure, Outcome};
use etalon_store::Verdict;

/// Runs of items, each with its outcome, in the order of the items.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(Vec<Run>);

#[derive(Clone, Debug)]
struct Run {
    items: usize,
    outcome: Outcome,
    /// Whether items of other requests had the same outcome, so that nobody knows whose the rejected ones are.
    is_shared: bool,
}

impl Outcomes {
    /// One outcome for all items.
    pub(crate) fn one(items: usize, outcome: Outcome) -> Self {
        Self(vec![Run { items, outcome, is_shared: false }])
    }

    /// The outcome of the items that come next.
    pub(crate) fn add(&mut self, items: usize, outcome: Outcome) {
        self.0.push(Run { items, outcome, is_shared: false });
    }

    /// The outcomes of items that come after these.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.0.append(&mut later.0);
    }

    /// Of how many items.
    pub(crate) fn items(&self) -> usize {
        self.0.iter().map(|run| run.items).sum()
    }

    /// What became of which items, by their places, when there is no further attempt. Which ones a destination has rejected
    /// out of several, nobody knows: the first ones count so.
    pub(crate) fn verdicts(&self) -> Vec<(Verdict, Range<usize>)> {
        let mut verdicts: Vec<(Verdict, Range<usize>)> = Vec::new();
        let mut at = 0;
        for Run { items, outcome, .. } in &self.0 {
            let (verdict, first) = match outcome {
                Outcome::Delivered(told) => (Verdict::Failed, at_most(told.rejected, *items)),
                Outcome::Permanent(_) => (Verdict::Failed, *items),
                Outcome::Refused(_) | Outcome::Unknown(_) => (Verdict::Dropped, *items),
            };
            for (verdict, items) in [(verdict, first), (Verdict::Delivered, items - first)] {
                let range = at..at + items;
                at = range.end;
                match verdicts.last_mut() {
                    _ if items == 0 => {}
                    Some((same, known)) if *same == verdict => known.end = range.end,
                    _ => verdicts.push((verdict, range)),
                }
            }
        }
        verdicts
    }

    /// Those of requests with so many items each, which were joined in this order.
    ///
    /// The items that a destination has rejected out of several requests count as those of the first ones: the sum is
    /// right, and nobody knows more. To senders they are told as a message.
    pub(crate) fn divide(self, requests: impl Iterator<Item = usize>) -> Vec<Self> {
        let mut runs = self.0.into_iter();
        let mut rest: Option<Run> = None;
        let share = |items: usize| {
            let (mut own, mut missing) = (Self::default(), items);
            while missing > 0
                && let Some(mut run) = rest.take().or_else(|| runs.next())
            {
                let (taken, left) = run.cut(missing);
                missing -= taken.items;
                own.0.push(taken);
                rest = left;
            }
            own
        };
        requests.map(share).collect()
    }

    /// The outcome of the whole. When one part may yet be delivered, so may the whole, and a caller that
    /// sends it again sends the parts that have arrived again. Else what was lost is told as rejected.
    pub(crate) fn whole(self) -> Outcome {
        let mut sum = Sum::default();
        self.0.into_iter().for_each(|run| sum.add(run));
        sum.outcome()
    }
}

impl Run {
    /// The first items of it, at most so many, and the rest.
    fn cut(&mut self, most: usize) -> (Self, Option<Self>) {
        if self.items <= most {
            return (self.clone(), None);
        }
        let (mut first, mut rest) = (self.clone(), self.clone());
        (first.items, rest.items) = (most, self.items - most);
        (first.is_shared, rest.is_shared) = (true, true);
        if let (Outcome::Delivered(a), Outcome::Delivered(b)) = (&mut first.outcome, &mut rest.outcome)
            && a.rejected > 0
        {
            let all = a.rejected;
            a.rejected = at_most(all, most) as u64;
            b.rejected = all - a.rejected;
            if !self.is_shared {
                let said = a.message.as_deref().unwrap_or("it did not say why");
                let items = self.items;
                let message: Box<str> = format!(
                    "the destination rejected {all} of {items} items that these were sent together with: {said}"
                )
                .into();
                (a.message, b.message) = (Some(message.clone()), Some(message));
            }
        }
        (first, Some(rest))
    }
}

fn at_most(told: u64, items: usize) -> usize {
    usize::try_from(told).unwrap_or(usize::MAX).min(items)
}

/// What the outcomes of the parts of one request come to.
#[derive(Default)]
struct Sum {
    delivered: usize,
    rejected: u64,
    message: Option<Box<str>>,
    /// The outcome of the last part that was lost for good.
    permanent: Option<Failure>,
    /// The outcome of the last part that may yet be delivered.
    owned: Option<Outcome>,
}

impl Sum {
    fn add(&mut self, Run { items, outcome, is_shared }: Run) {
        match outcome {
            Outcome::Delivered(Delivered { rejected, message }) => {
                self.delivered += 1;
                if !is_shared {
                    // Of one request, what the destination says is passed on as it is.
                    self.rejected = self.rejected.saturating_add(rejected);
                }
                self.message = message.or(self.message.take());
            }
            Outcome::Permanent(failure) => {
                self.rejected = self.rejected.saturating_add(items as u64);
                self.permanent = Some(failure);
            }
            Outcome::Refused(_) | Outcome::Unknown(_) => self.owned = Some(outcome),
        }
    }

    fn outcome(self) -> Outcome {
        match (self.owned, self.permanent) {
            (Some(Outcome::Refused(failure)), _) if self.delivered > 0 => Outcome::Unknown(failure),
            (Some(owned), _) => owned,
            (None, Some(failure)) if self.delivered == 0 => Outcome::Permanent(failure),
            (None, failure) => {
                let lost = failure.map(|failure| failure.message().into());
                Outcome::Delivered(Delivered { rejected: self.rejected, message: self.message.or(lost) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use etalon_component::Code;

    use super::*;

    fn partly(rejected: u64) -> Outcome {
        Outcome::Delivered(Delivered { rejected, message: Some("no ids".into()) })
    }

    #[test]
    fn each_of_several_requests_has_its_own_share() {
        let mut outcomes = Outcomes::one(10, Outcome::DELIVERED);
        outcomes.add(5, Outcome::permanent(Code::InvalidArgument, "bad"));
        outcomes.add(5, Outcome::refused("later"));
        let shares = outcomes.divide([7, 3, 4, 6].into_iter());
        let verdicts: Vec<_> = shares.iter().map(Outcomes::verdicts).collect();
        assert_eq!(
            verdicts,
            [
                vec![(Verdict::Delivered, 0..7)],
                vec![(Verdict::Delivered, 0..3)],
                vec![(Verdict::Failed, 0..4)],
                vec![(Verdict::Failed, 0..1), (Verdict::Dropped, 1..6)],
            ]
        );
        let told: Vec<Outcome> = shares.into_iter().map(Outcomes::whole).collect();
        assert!(told[0].is_delivered() && told[1].is_delivered());
        assert!(matches!(told[2], Outcome::Permanent(_)));
        assert!(told[3].is_retryable());
    }

    #[test]
    fn what_is_rejected_out_of_several_requests_is_counted_once_and_told_to_each() {
        let shares = Outcomes::one(10, partly(4)).divide([3, 3, 4].into_iter());
        let verdicts: Vec<_> = shares.iter().map(Outcomes::verdicts).collect();
        assert_eq!(
            verdicts,
            [
                vec![(Verdict::Failed, 0..3)],
                vec![(Verdict::Failed, 0..1), (Verdict::Delivered, 1..3)],
                vec![(Verdict::Delivered, 0..4)],
            ]
        );
        for share in shares {
            let Outcome::Delivered(told) = share.whole() else { panic!("a success") };
            assert_eq!(told.rejected, 0, "nobody knows whose they are");
            let message = told.message.expect("a message");
            assert_eq!(
                &*message,
                "the destination rejected 4 of 10 items that these were sent together with: no ids"
            );
        }
    }

    #[test]
    fn verdicts_that_touch_are_one() {
        let mut outcomes = Outcomes::one(3, partly(9));
        for (items, outcome) in [
            (0, Outcome::refused("later")),
            (2, Outcome::permanent(Code::InvalidArgument, "bad")),
            (2, Outcome::DELIVERED),
            (2, partly(0)),
        ] {
            outcomes.add(items, outcome);
        }
        assert_eq!(outcomes.verdicts(), [(Verdict::Failed, 0..5), (Verdict::Delivered, 5..9)]);
    }

    #[test]
    fn what_is_rejected_out_of_one_request_is_its_own() {
        let mut shares = Outcomes::one(10, partly(4)).divide([10].into_iter());
        let Outcome::Delivered(told) = shares.remove(0).whole() else { panic!("a success") };
        assert_eq!((told.rejected, told.message.as_deref()), (4, Some("no ids")));
    }
}
