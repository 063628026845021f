//! A destination: OTLP/HTTP that keeps bodies, and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::http::{self, Message, find};
use crate::{WAIT, after, deadline, field, remaining, tokens, varint};

/// What the sink says to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// 200: the request is kept.
    #[default]
    Accept,
    /// This status: nothing is kept.
    Status(u16),
    /// 200 with this body: the request is kept.
    Answer(Vec<u8>),
    /// 200 after this time: the request is kept then.
    Slow(Duration),
    /// No answer until the verdict is another one.
    Hold,
    /// The request is kept, and never answered.
    KeepInSilence,
    /// The request is kept, and the connection is closed instead of an answer.
    KeepAndClose,
    /// 200, and a partial success: the request is kept without its first so many items.
    Reject(usize),
    /// 413 for a body of more bytes, else 200: the request is kept.
    Limit(usize),
    /// 400 for a request with this item, else 200: the request is kept.
    RefuseItem(u32),
    /// As `Hold` for a request with this item, else 200: the request is kept.
    HoldItem(u32),
}

/// What comes back for a request.
enum Reply {
    Answer(u16, Vec<u8>),
    Silence,
    Close,
}

/// A destination for `otlp_http` on a port of the system's choice. It reads what is not compressed.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    verdict: Verdict,
    /// Requests that were read, whatever became of them.
    seen: usize,
    /// How often each item was accepted.
    items: BTreeMap<u32, usize>,
    /// Whether only items are kept.
    counts_only: bool,
    accepted: Vec<Accepted>,
}

#[derive(Debug)]
struct Accepted {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sink {
    /// Listens, and accepts everything at first.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                // The peer may break off whenever it likes; the tests look at what was accepted.
                thread::spawn(move || shared.serve(&connection).ok());
            }
        });
        Self { address, shared }
    }

    /// As [`start`](Self::start), but keeps nothing except how often each item came, for more requests than memory holds.
    pub fn counting() -> Self {
        let sink = Self::start();
        sink.shared.lock().counts_only = true;
        sink
    }

    /// The `endpoint` for `otlp_http`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What to say from now on, also to requests that are held.
    pub fn answer(&self, verdict: Verdict) {
        self.shared.lock().verdict = verdict;
        self.shared.changed.notify_all();
    }

    /// Waits until this many requests have been read since the start.
    pub fn wait_until_seen(&self, requests: usize) {
        self.wait("requests seen", |state| state.seen >= requests);
    }

    /// Waits until this many different items were accepted.
    pub fn wait_until_accepted(&self, items: usize) {
        self.wait("items accepted", |state| state.items.len() >= items);
    }

    /// How often each item was accepted.
    pub fn items(&self) -> BTreeMap<u32, usize> {
        self.shared.lock().items.clone()
    }

    /// How many different items were accepted.
    pub fn count(&self) -> usize {
        self.shared.lock().items.len()
    }

    /// The paths of the accepted requests, in order.
    pub fn paths(&self) -> Vec<String> {
        self.shared.lock().accepted.iter().map(|accepted| accepted.path.clone()).collect()
    }

    /// The bodies of the accepted requests, in order.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.shared.lock().accepted.iter().map(|accepted| accepted.body.clone()).collect()
    }

    /// The value of a header of each accepted request, by its name in lower case, in order.
    pub fn headers(&self, name: &str) -> Vec<Option<String>> {
        let state = self.shared.lock();
        state.accepted.iter().map(|accepted| find(&accepted.headers, name).map(str::to_owned)).collect()
    }

    fn wait(&self, what: &str, enough: impl Fn(&State) -> bool) {
        let deadline = deadline();
        let mut state = self.shared.lock();
        while !enough(&state) {
            let left = remaining(deadline);
            let (seen, accepted) = (state.seen, state.accepted.len());
            assert!(
                !left.is_zero(),
                "{what}: not within {WAIT:?}; {seen} requests seen, {accepted} accepted"
            );
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(WAIT))?;
        stream.set_write_timeout(Some(WAIT))?;
        let (mut reader, mut writer) = (BufReader::new(stream), stream);
        while let Some(message) = http::read(&mut reader)? {
            let reply = match find(&message.headers, "content-encoding") {
                None | Some("identity") => self.judge(message),
                Some(_) => Reply::Answer(415, Vec::new()),
            };
            let (status, body) = match reply {
                Reply::Answer(status, body) => (status, body),
                Reply::Silence => continue,
                Reply::Close => return stream.shutdown(Shutdown::Both),
            };
            let head = format!(
                "HTTP/1.1 {status} told\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            writer.write_all(&[head.as_bytes(), &body].concat())?;
        }
        Ok(())
    }

    /// Keeps a request or does not, and says what comes back.
    fn judge(&self, message: Message) -> Reply {
        let deadline = deadline();
        let mut state = self.lock();
        state.seen += 1;
        self.changed.notify_all();
        let mut rejected = 0;
        let mut until = None;
        let reply = loop {
            match &state.verdict {
                Verdict::Slow(time) => {
                    let until = *until.get_or_insert_with(|| after(*time));
                    if remaining(until).is_zero() {
                        break Reply::Answer(200, Vec::new());
                    }
                    let wait = self.changed.wait_timeout(state, remaining(until));
                    state = wait.unwrap_or_else(PoisonError::into_inner).0;
                }
                Verdict::Accept => break Reply::Answer(200, Vec::new()),
                Verdict::Answer(body) => break Reply::Answer(200, body.clone()),
                Verdict::Status(status) => return Reply::Answer(*status, Vec::new()),
                Verdict::KeepInSilence => break Reply::Silence,
                Verdict::KeepAndClose => break Reply::Close,
                Verdict::Reject(items) => {
                    rejected = *items;
                    let told = [&[8], varint(rejected as u64).as_slice()].concat();
                    break Reply::Answer(200, field(1, &told));
                }
                Verdict::Limit(bytes) if message.body.len() > *bytes => {
                    return Reply::Answer(413, Vec::new());
                }
                Verdict::RefuseItem(item) if tokens(&message.body).contains_key(item) => {
                    return Reply::Answer(400, Vec::new());
                }
                Verdict::Limit(_) | Verdict::RefuseItem(_) => break Reply::Answer(200, Vec::new()),
                Verdict::HoldItem(item) if !tokens(&message.body).contains_key(item) => {
                    break Reply::Answer(200, Vec::new());
                }
                Verdict::Hold | Verdict::HoldItem(_) if remaining(deadline).is_zero() => {
                    return Reply::Answer(500, Vec::new());
                }
                Verdict::Hold | Verdict::HoldItem(_) => {
                    let wait = self.changed.wait_timeout(state, remaining(deadline));
                    state = wait.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        };
        let path = message.first_line.split(' ').nth(1).unwrap_or_default().to_owned();
        for (token, times) in tokens(&message.body).into_iter().skip(rejected) {
            *state.items.entry(token).or_default() += times;
        }
        if !state.counts_only {
            state.accepted.push(Accepted { path, headers: message.headers, body: message.body });
        }
        self.changed.notify_all();
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{logs, post};

    fn posted(sink: &Sink, numbers: std::ops::Range<u32>) -> u16 {
        post(sink.address, "/v1/logs", "application/json", &logs(numbers)).status
    }

    #[test]
    fn what_is_accepted_is_kept_and_what_is_refused_is_not() {
        let sink = Sink::start();
        assert_eq!(posted(&sink, 0..2), 200);
        sink.answer(Verdict::Status(503));
        assert_eq!(posted(&sink, 2..4), 503);
        sink.answer(Verdict::Accept);
        assert_eq!(posted(&sink, 1..2), 200);
        assert_eq!(sink.items(), BTreeMap::from([(0, 1), (1, 2)]));
        assert_eq!(sink.paths(), ["/v1/logs", "/v1/logs"]);
    }

    #[test]
    fn a_held_request_is_answered_when_the_verdict_changes() {
        let sink = Sink::start();
        sink.answer(Verdict::Hold);
        thread::scope(|scope| {
            let held = scope.spawn(|| posted(&sink, 0..1));
            sink.wait_until_seen(1);
            assert!(sink.items().is_empty());
            sink.answer(Verdict::Accept);
            assert_eq!(held.join().unwrap(), 200);
        });
        assert_eq!(sink.items().len(), 1);
    }
}
