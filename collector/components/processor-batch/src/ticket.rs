//! A request that waits for its outcome, in one batch or in several.

use std::sync::{Mutex, PoisonError};

use etalon_component::{Delivered, Memory, Outcome, Reserved};
use etalon_telemetry::Held;
use tokio::sync::oneshot;

/// One request. Each batch that has some of its items holds it.
pub(crate) struct Ticket {
    /// What its data holds of memory budgets.
    pub(crate) memory: Memory,
    /// What it holds of the processor's own, and how it is counted.
    _held: (Reserved, Held),
    waiting: Mutex<Waiting>,
}

struct Waiting {
    /// Items without an outcome.
    items: usize,
    outcome: Option<Outcome>,
    reply: Option<oneshot::Sender<Outcome>>,
}

impl Ticket {
    /// A request of so many items, and where its outcome arrives.
    pub(crate) fn new(
        items: usize,
        memory: Memory,
        held: (Reserved, Held),
    ) -> (Self, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        let waiting = Mutex::new(Waiting { items, outcome: None, reply: Some(reply) });
        (Self { memory, _held: held, waiting }, outcome)
    }

    /// Some of its items have this outcome. With the last, its sender learns what has become of all.
    pub(crate) fn settle(&self, items: usize, outcome: Outcome) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all = match waiting.outcome.take() {
            None => outcome,
            Some(before) => both(before, outcome),
        };
        waiting.items = waiting.items.saturating_sub(items);
        if waiting.items > 0 {
            waiting.outcome = Some(all);
        } else if let Some(reply) = waiting.reply.take() {
            // A sender that does not wait any longer does not need to know.
            reply.send(all).ok();
        }
    }
}

/// The outcome of two parts of a request, of which what was rejected adds up.
fn both(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Delivered(a), Outcome::Delivered(b)) => Outcome::Delivered(Delivered {
            rejected: a.rejected.saturating_add(b.rejected),
            message: a.message.or(b.message),
        }),
        (a, b) => a.and(b),
    }
}
