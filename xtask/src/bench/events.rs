//! What a sender and a sink print: one JSON object a line.

use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::thread;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::content::Content;
use super::error::Error;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A sink listens.
    Listening { address: SocketAddr },
    /// What a sink has received since its start.
    Received(Received),
    /// The sender's measuring window begins; what was acknowledged until now, and how many requests were refused.
    Begin { acknowledged: Content, refused: u64 },
    /// The sender's measuring window ends.
    End { acknowledged: Content, refused: u64 },
    /// Every request of the sender was answered or given up.
    Done(Box<Sent>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Received {
    pub(crate) content: Content,
    /// Requests that were no valid OTLP, or too large, or compressed in an unknown way.
    pub(crate) refused: u64,
    /// Bytes of bodies as they came.
    pub(crate) wire_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Everything that was answered with success, warm-up included.
    pub(crate) acknowledged: Content,
    /// Items that successful answers reported as rejected.
    pub(crate) rejected_items: u64,
    /// Requests answered with an error.
    pub(crate) refused: u64,
    /// Requests without an answer: a broken connection or a timeout.
    pub(crate) failed: u64,
    pub(crate) first_error: Option<String>,
    /// Of the requests whose intended start lay in the window.
    pub(crate) latency: Latency,
    /// Open loop: share of the requests that left more than 1 ms after their intended start, because
    /// the sender itself was late or everything was in flight. Above 0.01 the latencies are void.
    pub(crate) late_share: f64,
}

/// From the intended start of a request to its answer, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) requests: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Event {
    pub(crate) fn print(&self) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, self).map_err(|source| Error::Print(source.into()))?;
        out.write_all(b"\n").and_then(|()| out.flush()).map_err(Error::Print)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Listening { .. } => "listening",
            Self::Received(_) => "received",
            Self::Begin { .. } => "begin",
            Self::End { .. } => "end",
            Self::Done(_) => "done",
        }
    }
}

/// One message for each line of the standard input; the channel closes at its end.
pub(crate) fn watch_stdin() -> Result<mpsc::Receiver<()>, Error> {
    let (sender, receiver) = mpsc::channel(16);
    let read = move || {
        for line in io::stdin().lock().lines() {
            if line.is_err() || sender.blocking_send(()).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("stdin".into())
        .spawn(read)
        .map_err(|source| Error::Thread { what: "reads the standard input", source })?;
    Ok(receiver)
}
