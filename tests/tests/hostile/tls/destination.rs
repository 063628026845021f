//! A destination that takes OTLP/HTTP over TLS, and can change its certificate.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use etalon_testkit::certificates::Signed;
use etalon_tests::WAIT;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::server;

/// Accepts until the test ends.
pub(super) struct Destination {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    requests: AtomicUsize,
    has_seen_plaintext: AtomicBool,
}

impl Destination {
    pub(super) fn start(identity: &Signed) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            config: Mutex::new(Arc::new(server(identity))),
            requests: AtomicUsize::new(0),
            has_seen_plaintext: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that refuses the certificate ends the connection: that is the test.
                accepting.serve(stream).ok();
            }
        });
        Self { port, shared }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Shows another certificate from the next connection on.
    pub(super) fn show(&self, identity: &Signed) {
        *self.shared.config.lock().unwrap() = Arc::new(server(identity));
    }

    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    pub(super) fn is_all_tls(&self) -> bool {
        !self.shared.has_seen_plaintext.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        /// First byte of a TLS handshake.
        const HANDSHAKE: u8 = 0x16;
        stream.set_read_timeout(Some(WAIT))?;
        let mut first = [0];
        if stream.peek(&mut first)? == 1 && first[0] != HANDSHAKE {
            self.has_seen_plaintext.store(true, Ordering::Relaxed);
        }
        let config = self.config.lock().unwrap().clone();
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line == "\r\n" {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length])?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        stream.get_mut().flush()
    }
}
