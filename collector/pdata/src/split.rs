//! Splits a request into several by number of items or by encoded size.
//!
//! Parts are filled in order, each as far as its limit allows; a cut may fall inside a resource, a scope, and
//! inside a metric. What is not an item itself (the resource, the scope, schema URLs, a metric's name and
//! temporality, fields that the tables do not know) is its message's *header*, and is repeated in each part
//! that has items of that message. Parts share the bytes of the request: only keys, lengths and short runs are
//! written anew.
//!
//! Decoding the parts, one after another, gives the items of the request in their order, each under the same
//! headers. What holds no item, such as a resource without scopes or a metric without points, is left out,
//! and so is a member of a oneof that another member replaces.

mod cutter;
mod draft;
mod frame;

use std::num::NonZeroUsize;

use crate::Payload;
use cutter::{Cutter, Limits};

/// The headers that are repeated in the parts of one request have together at most this many times its bytes.
/// From then on no limit holds, and the rest is one part.
pub const MAX_GROWTH: usize = 32;

/// A part of a request, itself a valid request.
#[derive(Clone, Debug)]
pub enum Part {
    /// Within the limit.
    Fits(Payload),
    /// Over the limit: a single item that, with its headers, is larger, or, when the headers would be repeated
    /// too often, all that was left.
    TooLarge(Payload),
}

impl Part {
    /// The part itself.
    pub fn into_payload(self) -> Payload {
        let (Part::Fits(payload) | Part::TooLarge(payload)) = self;
        payload
    }
}

/// The parts of a request, in order. The next one is cut when it is asked for.
#[derive(Debug)]
pub struct Parts(State);

/// What a part may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Most {
    /// So many items.
    Items(NonZeroUsize),
    /// So many encoded bytes.
    Bytes(NonZeroUsize),
}

#[derive(Debug)]
enum State {
    /// The request is within the limit, and its only part as it is.
    Whole(Option<Payload>),
    Cut(Cutter),
}

impl Payload {
    /// Splits into parts of exactly `most` items; the last one may have fewer.
    ///
    /// A request that is within the limit is its only part, unchanged. One that is split has a part for each
    /// `most` items it has: an empty one that must be split, by size, has no parts.
    pub fn split_items(self, most: NonZeroUsize) -> Parts {
        self.split(Limits { items: most.get(), bytes: usize::MAX })
    }

    /// Splits into parts of at most `most` encoded bytes, each with as many items as that allows. Else as
    /// [`Payload::split_items`].
    pub fn split_bytes(self, most: NonZeroUsize) -> Parts {
        self.split(Limits { items: usize::MAX, bytes: most.get() })
    }

    /// The parts of it that [`Parts::next_within`] cuts, each within a limit of its own.
    pub fn into_parts(self) -> Parts {
        Parts(State::Whole(Some(self)))
    }

    fn split(self, limits: Limits) -> Parts {
        Parts(if limits.hold(self.items(), self.len()) {
            State::Whole(Some(self))
        } else {
            State::Cut(Cutter::new(&self, limits))
        })
    }
}

impl Parts {
    /// The next part, with as many items as `most` allows. Else as [`Payload::split_items`].
    pub fn next_within(&mut self, most: Most) -> Option<Part> {
        let limits = match most {
            Most::Items(items) => Limits { items: items.get(), bytes: usize::MAX },
            Most::Bytes(bytes) => Limits { items: usize::MAX, bytes: bytes.get() },
        };
        match &mut self.0 {
            State::Cut(cutter) => cutter.limit(limits),
            State::Whole(Some(payload)) if !limits.hold(payload.items(), payload.len()) => {
                self.0 = State::Cut(Cutter::new(payload, limits));
            }
            State::Whole(_) => {}
        }
        self.next()
    }
}

impl Iterator for Parts {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        match &mut self.0 {
            State::Whole(payload) => payload.take().map(Part::Fits),
            State::Cut(cutter) => cutter.next_part(),
        }
    }
}
