//! Requests that leave, or will leave, together.

use std::num::NonZeroUsize;
use std::sync::Arc;

use etalon_component::{Delivered, Memory, Outcome};
use etalon_pdata::Payload;

use crate::ticket::Ticket;

/// A payload and whose it is, in the order of its items. Whatever ends it without an outcome leaves that unknown.
pub(crate) struct Joined {
    payload: Option<Payload>,
    owners: Vec<(Arc<Ticket>, usize)>,
}

impl Joined {
    /// One request.
    pub(crate) fn of(payload: Payload, ticket: Arc<Ticket>) -> Self {
        let items = payload.items();
        Self { payload: Some(payload), owners: vec![(ticket, items)] }
    }

    pub(crate) fn items(&self) -> usize {
        self.payload.as_ref().map_or(0, Payload::items)
    }

    /// Appends what came later, without copying.
    pub(crate) fn join(&mut self, mut other: Self) {
        match (&mut self.payload, other.payload.take()) {
            (Some(payload), Some(more)) => payload.join(more),
            (none, more) => *none = more,
        }
        self.owners.append(&mut other.owners);
    }

    /// Cuts into parts of at most `most` items, in order.
    pub(crate) fn split(mut self, most: NonZeroUsize) -> Vec<Self> {
        if self.items() <= most.get() {
            return vec![self];
        }
        let mut owners = std::mem::take(&mut self.owners).into_iter();
        let mut first = owners.next();
        let parts = self.payload.take().into_iter().flat_map(|payload| payload.split_items(most));
        let mut parts: Vec<Self> = parts
            .map(|part| {
                let payload = part.into_payload();
                let mut part = Self { owners: Vec::new(), payload: None };
                let mut left = payload.items();
                while left > 0
                    && let Some((ticket, items)) = &mut first
                {
                    let taken = left.min(*items);
                    part.owners.push((ticket.clone(), taken));
                    left -= taken;
                    *items -= taken;
                    if *items == 0 {
                        first = owners.next();
                    }
                }
                part.payload = Some(payload);
                part
            })
            .collect();
        // None, unless splitting has left items out.
        if let Some(last) = parts.last_mut() {
            last.owners.extend(first.into_iter().chain(owners));
        }
        parts
    }

    /// What all of it holds of memory budgets.
    pub(crate) fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        for (ticket, _) in &self.owners {
            memory.join(&ticket.memory);
        }
        memory
    }

    /// The data, which leaves.
    pub(crate) fn take(&mut self) -> Option<Payload> {
        self.payload.take()
    }

    /// Tells each sender the outcome of its part. A destination does not say whose items it has rejected: of several
    /// senders, each is told of them in a message.
    pub(crate) fn settle(mut self, outcome: &Outcome) {
        let owners = std::mem::take(&mut self.owners);
        let outcome = match outcome {
            Outcome::Delivered(told) if told.rejected > 0 && owners.len() > 1 => {
                let items = owners.iter().map(|(_, items)| items).sum();
                Outcome::Delivered(of_nobody(told, items))
            }
            _ => outcome.clone(),
        };
        for (ticket, items) in owners {
            ticket.settle(items, outcome.clone());
        }
    }
}

/// What the senders of a batch of so many items are told together.
fn of_nobody(told: &Delivered, items: usize) -> Delivered {
    let rejected = told.rejected;
    let said = told.message.as_deref().unwrap_or("it did not say why");
    let message = format!(
        "the destination rejected {rejected} of {items} items that these were sent together with: {said}"
    );
    Delivered { rejected: 0, message: Some(message.into()) }
}

impl Drop for Joined {
    fn drop(&mut self) {
        for (ticket, items) in self.owners.drain(..) {
            ticket.settle(items, Outcome::unknown("the batch was given up before there was an outcome"));
        }
    }
}
