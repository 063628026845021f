//! A destination over HTTP/1.1 that answers as it is told, also wrongly.

use std::io::{BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::Arc;
use std::thread;

use crate::http::{self, Message, find};
use crate::{Script, decompressed};

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
    script: Arc<Script<HttpReply, Arrived>>,
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

    /// The body before it was compressed.
    pub fn plain(&self) -> Vec<u8> {
        decompressed(self.header("content-encoding"), &self.body)
    }
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
        let script = Arc::new(Script::default());
        let serving = Arc::clone(&script);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let script = Arc::clone(&serving);
                script.connected();
                // The client may break off whenever it likes.
                thread::spawn(move || serve(&connection, &script).ok());
            }
        });
        Self { address, script }
    }

    /// The `endpoint` for `otlp_http`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Deref for HttpPeer {
    type Target = Script<HttpReply, Arrived>;

    fn deref(&self) -> &Self::Target {
        &self.script
    }
}

fn serve(stream: &TcpStream, script: &Script<HttpReply, Arrived>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(Message { first_line, headers, body }) = http::read(&mut reader)? {
        let target = first_line.split(' ').nth(1).unwrap_or_default().to_owned();
        let size = body.len();
        let reply = script.next(Arrived { target, headers, body });
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
