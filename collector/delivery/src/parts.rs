//! A request that the destination finds too large is sent in parts; one that it finds invalid, in halves if that is wanted.

use std::num::NonZeroUsize;

use etalon_component::{Code, Outcome};
use etalon_pdata::{Part, Payload};

/// No request is larger before compression, in bytes: what OTLP recommends as a limit. What is larger is sent
/// in parts.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request of this size, in bytes, is not made smaller: no destination means its size when it refuses that.
pub const PART_BYTES_MIN: usize = 16 * 1024;

/// Most halves of one request that are sent to find the items that the destination objects to.
pub const BISECT_REQUESTS_MAX: usize = 128;

/// What is left to be sent of a request, in order.
pub(crate) struct Parts {
    /// The next one is the last.
    waiting: Vec<Waiting>,
    limit: usize,
    /// Whether the destination has taken any part.
    taken: bool,
    /// Halves that may still be sent.
    halves: usize,
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

/// What to do about the outcome of a request.
pub(crate) enum Verdict {
    /// The same items come again, in smaller parts.
    Smaller,
    /// It is that of its items.
    Final,
    /// Size is not the reason. What is left would be refused as well.
    AllLost,
}

impl Parts {
    pub(crate) fn of(payload: Payload) -> Self {
        Self {
            waiting: vec![Waiting { payload, indivisible: false }],
            limit: REQUEST_BYTES_MAX,
            taken: false,
            halves: BISECT_REQUESTS_MAX,
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
            return Verdict::Final;
        }
        self.limit = self.limit.min(payload.len() / 2);
        self.waiting.push(Waiting { payload, indivisible: false });
        Verdict::Smaller
    }

    /// The destination has found a part invalid.
    pub(crate) fn invalid(&mut self, refused: Next) -> Verdict {
        let payload = refused.payload;
        let half = NonZeroUsize::new(payload.items().div_ceil(2)).filter(|half| half.get() < payload.items());
        let Some(half) = half.filter(|_| self.halves >= 2) else { return Verdict::Final };
        self.halves -= 2;
        let at = self.waiting.len();
        let halves = payload.split_items(half).map(Part::into_payload);
        self.waiting.extend(halves.map(|payload| Waiting { payload, indivisible: false }));
        self.waiting[at..].reverse();
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

/// Whether the destination said that there is something wrong with the data: gRPC's `INVALID_ARGUMENT`, or HTTP's 400.
pub(crate) fn is_invalid(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Permanent(failure) if failure.code() == Code::InvalidArgument)
}

/// Whether the destination said that the request is too large: gRPC's `RESOURCE_EXHAUSTED` without a hint
/// when to try again, or HTTP's 413.
pub(crate) fn is_too_large(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Permanent(failure) if failure.code() == Code::ResourceExhausted)
}
