//! What flows through a pipeline.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use etalon_pdata::{Payload, Signal};
use tokio::time::Instant;

use crate::{Identity, Memory, SpanContext};

/// A payload and the context in which it arrived. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The validated request.
    pub payload: Payload,
    /// Where it came from, and until when an answer is of use.
    pub context: Context,
}

/// What is known about the request that brought a batch.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Address of the sender, when it came over the network.
    pub peer: Option<SocketAddr>,
    /// The sender's deadline: after it, nobody waits for the outcome. A queue removes it.
    pub deadline: Option<Instant>,
    /// What the sender told besides the data, where the configuration wants it kept.
    pub caller: Option<Arc<Caller>>,
    /// The span that the batch belongs to, while the collector's own traces are sent.
    pub span: Option<Arc<SpanContext>>,
    /// Header fields that tell the destination of that span. A sender sets them for its own attempt.
    pub told: Vec<(&'static str, String)>,
    /// What the data takes of memory budgets. Whoever makes one batch of several keeps that of each.
    pub memory: Memory,
}

/// What a sender told of itself.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The metadata of its request; empty unless `include_metadata` is on.
    pub metadata: Metadata,
    /// Who it is; empty unless it was authenticated.
    pub identity: Identity,
}

/// The metadata of a request: gRPC metadata or HTTP header fields. Names are in lower case and may
/// occur several times. A server keeps no more than what it accepts as the header of a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(Box<str>, Box<[u8]>)>);

impl Batch {
    /// A batch without context.
    pub fn new(payload: Payload) -> Self {
        Self { payload, context: Context::default() }
    }

    /// The signal of the payload.
    pub fn signal(&self) -> Signal {
        self.payload.signal()
    }

    /// Number of items of the payload.
    pub fn items(&self) -> usize {
        self.payload.items()
    }
}

impl Metadata {
    /// Adds a field. `name` must be in lower case.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        debug_assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name} is not in lower case");
        self.0.push((name.into(), value.into()));
    }

    /// The values of a field, in the order of their arrival. The case of `name` does not matter.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// All fields, in the order of their arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Names only: values may be credentials.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_any_case_with_all_its_values() {
        let mut metadata = Metadata::default();
        metadata.push("x-tenant", b"one");
        metadata.push("other", b"?");
        metadata.push("x-tenant", b"two");
        assert_eq!(metadata.get_all("X-Tenant").collect::<Vec<_>>(), [b"one", b"two"]);
        assert_eq!(metadata.get_all("absent").count(), 0);
    }
}
