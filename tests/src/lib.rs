//! What the black-box tests share: starting the built binary, reading what it says, sending to it, and
//! destinations for what it forwards.
//!
//! [`Etalon`] is a running process, [`Sink`] a destination, [`HttpPeer`] and
//! [`GrpcPeer`] are destinations that misbehave, [`Scrape`] its metrics at one moment. The
//! crate links nothing of the product but its telemetry contract, to which it holds every [`Etalon`]: it knows the binary
//! by its command line, its log lines, its ports and its metrics, as a user does. Every wait is for a condition, and ends
//! after [`WAIT`].

mod binary;
mod compressed;
mod grpc_peer;
mod http;
mod http2_front;
mod http_peer;
mod identity;
mod process;
pub mod protobuf;
pub mod rig;
mod rpc_status;
mod samples;
mod scrape;
mod script;
mod sink;
mod wire;
mod witness;

use std::time::{Duration, Instant};

pub use crate::binary::{binary, use_binary};
pub use crate::compressed::{decompressed, gzip, zstd};
pub use crate::grpc_peer::{Called, GrpcPeer, GrpcReply};
pub use crate::http::{Answer, HttpRequests, get, post, request, try_get, try_post};
pub use crate::http_peer::{Arrived, HttpPeer, HttpReply, answer};
pub use crate::http2_front::Http2Front;
pub use crate::identity::Identity;
pub use crate::process::{Etalon, Finished, free_port, run, run_in};
pub use crate::protobuf::{base64, field, fixed64, unbase64, varint};
pub use crate::rpc_status::RpcStatus;
pub use crate::samples::{logs, tokens};
pub use crate::scrape::Scrape;
pub use crate::script::Script;
pub use crate::sink::{Sink, Verdict};
pub use crate::wire::{GrpcAnswer, GrpcCalls, Sent, Version, conversation, exchange, framed, grpc};

/// How long a test waits for something that must happen.
pub const WAIT: Duration = Duration::from_secs(30);

/// Asks until `condition` yields something; for what can only be asked, such as a counter.
///
/// # Panics
///
/// When [`WAIT`] is over; the message says `what` was waited for.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = deadline();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(remaining(deadline) > Duration::ZERO, "not within {WAIT:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

pub(crate) fn deadline() -> Instant {
    after(WAIT)
}

pub(crate) fn after(time: Duration) -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a black-box test waits for another process, in real time")]
    let now = Instant::now();
    now + time
}

pub(crate) fn remaining(deadline: Instant) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a black-box test waits for another process, in real time")]
    let now = Instant::now();
    deadline.saturating_duration_since(now)
}
