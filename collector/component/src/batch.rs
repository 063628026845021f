//! What flows through a pipeline.

use std::net::SocketAddr;

use etalon_pdata::{Payload, Signal};
use tokio::time::Instant;

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
}

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
