//! What became of the items of a batch, in their order.

use etalon_component::{Delivered, Failure, Outcome};

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

/// Numbers of items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The destination has them.
    pub(crate) delivered: usize,
    /// The destination does not want them.
    pub(crate) rejected: usize,
    /// A later attempt may deliver them.
    pub(crate) owned: usize,
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

    /// How many items have which kind of outcome.
    pub(crate) fn counts(&self) -> Counts {
        self.0.iter().fold(Counts::default(), |mut counts, run| {
            match &run.outcome {
                Outcome::Delivered(told) => {
                    let rejected = at_most(told.rejected, run.items);
                    counts.rejected += rejected;
                    counts.delivered += run.items - rejected;
                }
                Outcome::Permanent(_) => counts.rejected += run.items,
                Outcome::Refused(_) | Outcome::Unknown(_) => counts.owned += run.items,
            }
            counts
        })
    }

    /// For each run, in order, its number of items, and whether a later attempt may deliver them.
    pub(crate) fn owned(&self) -> impl Iterator<Item = (usize, bool)> {
        self.0.iter().map(|run| (run.items, run.outcome.is_retryable()))
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
        let counts: Vec<Counts> = shares.iter().map(Outcomes::counts).collect();
        let count = |delivered, rejected, owned| Counts { delivered, rejected, owned };
        assert_eq!(counts, [count(7, 0, 0), count(3, 0, 0), count(0, 4, 0), count(0, 1, 5)]);
        let told: Vec<Outcome> = shares.into_iter().map(Outcomes::whole).collect();
        assert!(told[0].is_delivered() && told[1].is_delivered());
        assert!(matches!(told[2], Outcome::Permanent(_)));
        assert!(told[3].is_retryable());
    }

    #[test]
    fn what_is_rejected_out_of_several_requests_is_counted_once_and_told_to_each() {
        let shares = Outcomes::one(10, partly(4)).divide([3, 3, 4].into_iter());
        let rejected: Vec<usize> = shares.iter().map(|share| share.counts().rejected).collect();
        assert_eq!(rejected, [3, 1, 0]);
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
    fn what_is_rejected_out_of_one_request_is_its_own() {
        let mut shares = Outcomes::one(10, partly(4)).divide([10].into_iter());
        let Outcome::Delivered(told) = shares.remove(0).whole() else { panic!("a success") };
        assert_eq!((told.rejected, told.message.as_deref()), (4, Some("no ids")));
    }
}
