//! A request that the destination finds too large is sent in parts.

use std::num::NonZeroUsize;

use etalon_component::{Code, Delivered, Failure, Outcome};
use etalon_pdata::{Part, Payload};

/// No request is larger before compression, in bytes: what OTLP recommends as a limit. What is larger is sent
/// in parts.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request of this size, in bytes, is not made smaller: no destination means its size when it refuses that.
pub const PART_BYTES_MIN: usize = 16 * 1024;

/// What is left to be sent of a request, in order.
pub(crate) struct Parts {
    /// The next one is the last.
    waiting: Vec<Waiting>,
    limit: usize,
    /// Whether the destination has taken any part.
    taken: bool,
}

struct Waiting {
    payload: Payload,
    /// Whether it is a single item, or else cannot be cut.
    indivisible: bool,
}

/// A request that goes to the destination.
pub(crate) struct Next {
    pub(crate) payload: Payload,
    indivisible: bool,
}

/// What to do about a request that was too large.
pub(crate) enum Verdict {
    /// The same items come again, in smaller parts.
    Smaller,
    /// It cannot be helped: these items are lost.
    Lost,
    /// Size is not the reason. What is left would be refused as well.
    AllLost,
}

impl Parts {
    pub(crate) fn of(payload: Payload) -> Self {
        Self {
            waiting: vec![Waiting { payload, indivisible: false }],
            limit: REQUEST_BYTES_MAX,
            taken: false,
        }
    }

    /// The next request to send.
    pub(crate) fn next(&mut self) -> Option<Next> {
        while let Some(Waiting { payload, indivisible }) = self.waiting.pop() {
            if payload.len() <= self.limit || indivisible {
                let indivisible = indivisible || payload.items() <= 1;
                return Some(Next { payload, indivisible });
            }
            let limit = NonZeroUsize::new(self.limit).unwrap_or(NonZeroUsize::MIN);
            let parts = payload.split_bytes(limit).map(|part| Waiting {
                indivisible: matches!(part, Part::TooLarge(_)),
                payload: part.into_payload(),
            });
            let at = self.waiting.len();
            self.waiting.extend(parts);
            self.waiting[at..].reverse();
        }
        None
    }

    /// The destination has taken a part.
    pub(crate) fn taken(&mut self) {
        self.taken = true;
    }

    /// The destination has found a part too large.
    pub(crate) fn too_large(&mut self, refused: Next) -> Verdict {
        let Next { payload, indivisible } = refused;
        if payload.len() <= PART_BYTES_MIN && !self.taken {
            return Verdict::AllLost;
        }
        if indivisible || payload.len() <= PART_BYTES_MIN {
            return Verdict::Lost;
        }
        self.limit = self.limit.min(payload.len() / 2);
        self.waiting.push(Waiting { payload, indivisible: false });
        Verdict::Smaller
    }
}

impl Next {
    /// The verdict on what is larger than may be sent at all.
    pub(crate) fn over_limit(&self) -> Option<Outcome> {
        (self.payload.len() > REQUEST_BYTES_MAX).then(|| {
            let len = self.payload.len();
            Outcome::permanent(
                Code::ResourceExhausted,
                format!(
                    "an item of {len} bytes is larger than the largest request, {REQUEST_BYTES_MAX} bytes"
                ),
            )
        })
    }
}

/// Whether the destination said that the request is too large: gRPC's `RESOURCE_EXHAUSTED` without a hint
/// when to try again, or HTTP's 413.
pub(crate) fn is_too_large(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Permanent(failure) if failure.code() == Code::ResourceExhausted)
}

/// What the outcomes of the parts of one request come to.
#[derive(Default)]
pub(crate) struct Sum {
    parts: usize,
    delivered: usize,
    rejected: u64,
    message: Option<Box<str>>,
    /// The outcome of the last part that was lost for good.
    permanent: Option<Failure>,
    /// The outcome of the last part that may yet be delivered.
    owned: Option<Outcome>,
}

impl Sum {
    pub(crate) fn add(&mut self, items: usize, outcome: Outcome) {
        self.parts += 1;
        match outcome {
            Outcome::Delivered(Delivered { rejected, message }) => {
                self.delivered += 1;
                // Of one request, what the destination says is passed on as it is.
                self.rejected = self.rejected.saturating_add(rejected);
                self.message = message.or(self.message.take());
            }
            Outcome::Permanent(failure) => {
                self.rejected = self.rejected.saturating_add(items as u64);
                self.permanent = Some(failure);
            }
            Outcome::Refused(_) | Outcome::Unknown(_) => self.owned = Some(outcome),
        }
    }

    /// The outcome of the whole. When one part may yet be delivered, so may the whole, and a caller that
    /// sends it again sends the parts that have arrived again. Else what was lost is told as rejected.
    pub(crate) fn outcome(self) -> Outcome {
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
