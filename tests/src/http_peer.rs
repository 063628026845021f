//! A destination over HTTP/1.1 that answers as it is told, also wrongly.

use std::collections::VecDeque;
use std::io::{BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::http::{self, Message, find};
use crate::{WAIT, deadline, remaining};

/// What an [`HttpPeer`] does about one request.
#[derive(Clone, Debug)]
pub enum HttpReply {
    /// These bytes; the connection stays.
    Bytes(Vec<u8>),
    /// These bytes, and the connection is closed.
    Last(Vec<u8>),
    /// These bytes once, then others again and again, as long as the client reads.
    Endless(Vec<u8>, Vec<u8>),
    /// 413 if the body is larger than so many bytes, else 200.
    Limit(usize),
    /// Nothing; the connection stays.
    Silence,
}

/// A destination for `otlp_http` that follows a script, and accepts when that has ended.
#[derive(Debug)]
pub struct HttpPeer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A request that arrived in full.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Path and query, or URL.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Arrived {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<HttpReply>,
    /// What is done when the script has ended.
    then: Option<HttpReply>,
    arrived: Vec<Arrived>,
    connections: usize,
}

impl HttpReply {
    /// A status, with further lines of the header and a body of protobuf.
    pub fn status(status: u16, headers: &[&str], body: &[u8]) -> Self {
        Self::Bytes(answer(status, headers, body))
    }
}

/// The bytes of an answer.
pub fn answer(status: u16, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} As told\r\n");
    for line in headers {
        head += line;
        head += "\r\n";
    }
    if !headers.iter().any(|line| line.to_ascii_lowercase().starts_with("content-type:")) {
        head += "Content-Type: application/x-protobuf\r\n";
    }
    // These statuses have no body, and no length of one.
    if !matches!(status, 100..=199 | 204 | 304) {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

impl HttpPeer {
    /// Listens.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// Listens at a port of loopback.
    pub fn start_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("loopback can be bound");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                shared.lock().connections += 1;
                // The client may break off whenever it likes.
                thread::spawn(move || shared.serve(&connection).ok());
            }
        });
        Self { address, shared }
    }

    /// The `endpoint` for `otlp_http`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to do about the next requests, in order. What was told before is forgotten.
    pub fn script(&self, replies: impl IntoIterator<Item = HttpReply>) {
        self.shared.lock().script = replies.into_iter().collect();
    }

    /// What to do about all requests that the script does not speak of.
    pub fn always(&self, reply: HttpReply) {
        self.shared.lock().then = Some(reply);
    }

    /// The requests up to now.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.lock().arrived.clone()
    }

    /// The requests since the last call, or the start.
    pub fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.shared.lock().arrived)
    }

    /// Connections up to now.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Waits until so many requests are there.
    pub fn wait_for(&self, requests: usize) {
        let deadline = deadline();
        let mut state = self.shared.lock();
        while state.arrived.len() < requests {
            let left = remaining(deadline);
            assert!(!left.is_zero(), "{} of {requests} requests within {WAIT:?}", state.arrived.len());
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        while let Some(Message { first_line, headers, body }) = http::read(&mut reader)? {
            let target = first_line.split(' ').nth(1).unwrap_or_default().to_owned();
            let size = body.len();
            let reply = {
                let mut state = self.lock();
                state.arrived.push(Arrived { target, headers, body });
                self.changed.notify_all();
                state.script.pop_front().or_else(|| state.then.clone())
            };
            let mut writer = stream;
            match reply.unwrap_or_else(|| HttpReply::status(200, &[], &[])) {
                HttpReply::Bytes(bytes) => writer.write_all(&bytes)?,
                HttpReply::Last(bytes) => {
                    writer.write_all(&bytes)?;
                    return stream.shutdown(Shutdown::Both);
                }
                HttpReply::Endless(first, again) => {
                    writer.write_all(&first)?;
                    loop {
                        writer.write_all(&again)?;
                    }
                }
                HttpReply::Limit(limit) => {
                    let status = if size > limit { 413 } else { 200 };
                    writer.write_all(&answer(status, &[], &[]))?;
                }
                HttpReply::Silence => {}
            }
        }
        Ok(())
    }
}
