//! Servers on real sockets, against independent clients.

mod auth;
mod cors;
mod grpc;
mod http;
mod keepalive;
mod late;
mod life;
mod memory;
mod mix_ups;
mod site;
mod tls;
mod transport;
mod unreadable;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{BufMut as _, Bytes, BytesMut};
use etalon_component::{BoxFuture, Code, Host};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::*;

const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const MIB: usize = 1024 * 1024;

/// What a [`Recorder`] does with a call.
#[derive(Clone, Debug)]
enum Behaviour {
    Answer(Bytes),
    Fail(Status),
    Panic,
    /// Waits for a permit of `Recorder::go`, then answers with nothing.
    Wait,
}

/// Notes what arrives.
#[derive(Debug)]
struct Recorder {
    behaviour: Mutex<Behaviour>,
    messages: Mutex<Vec<Bytes>>,
    formats: Mutex<Vec<Format>>,
    callers: Mutex<Vec<Option<Arc<Caller>>>>,
    peers: Mutex<Vec<Peer>>,
    started: Semaphore,
    go: Semaphore,
    finished: AtomicUsize,
    ends: Mutex<Vec<Option<RefusalReason>>>,
    dropped: Arc<AtomicUsize>,
}

impl Recorder {
    fn new(behaviour: Behaviour) -> Arc<Self> {
        Arc::new(Self {
            behaviour: Mutex::new(behaviour),
            messages: Mutex::default(),
            formats: Mutex::default(),
            callers: Mutex::default(),
            peers: Mutex::default(),
            started: Semaphore::new(0),
            go: Semaphore::new(0),
            finished: AtomicUsize::new(0),
            ends: Mutex::default(),
            dropped: Arc::default(),
        })
    }

    fn accepting() -> Arc<Self> {
        Self::new(Behaviour::Answer(Bytes::new()))
    }

    fn routes(self: &Arc<Self>) -> Vec<Route> {
        vec![Route { path: PATH.to_owned(), unary: self.clone() }]
    }

    /// What has arrived since the last look.
    fn taken(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.messages.lock().unwrap())
    }

    /// How the calls ended since the last look.
    fn ends(&self) -> Vec<Option<RefusalReason>> {
        std::mem::take(&mut self.ends.lock().unwrap())
    }

    /// Waits until `n` calls have begun.
    async fn begun(&self, n: u32) {
        self.started.acquire_many(n).await.unwrap().forget();
    }
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Unary for Recorder {
    fn ended(&self, refused: Option<RefusalReason>, _: Duration) {
        self.ends.lock().unwrap().push(refused);
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Bytes, Status>> {
        self.messages.lock().unwrap().push(call.message.freeze());
        self.formats.lock().unwrap().push(call.format);
        self.callers.lock().unwrap().push(call.caller);
        self.peers.lock().unwrap().push(call.peer);
        let behaviour = self.behaviour.lock().unwrap().clone();
        let guard = (CountDrop(self.dropped.clone()), call.memory);
        Box::pin(async move {
            let _guard = guard;
            self.started.add_permits(1);
            let answer = match behaviour {
                Behaviour::Answer(answer) => Ok(answer),
                Behaviour::Fail(status) => Err(status),
                Behaviour::Panic => panic!("as asked"),
                Behaviour::Wait => {
                    self.go.acquire().await.unwrap().forget();
                    Ok(Bytes::new())
                }
            };
            self.finished.fetch_add(1, Ordering::SeqCst);
            answer
        })
    }
}

async fn serve_grpc(config: GrpcServerConfig, recorder: &Arc<Recorder>) -> Server {
    GrpcServerConfig { endpoint: "127.0.0.1:0".to_owned(), ..config }
        .serve(recorder.routes(), &host())
        .await
        .unwrap()
}

async fn serve_http(config: HttpServerConfig, recorder: &Arc<Recorder>) -> Server {
    HttpServerConfig { endpoint: "127.0.0.1:0".to_owned(), ..config }
        .serve(recorder.routes(), &host())
        .await
        .unwrap()
}

/// A host without extensions.
fn host() -> Host {
    Host::new(tokio::sync::mpsc::channel(1).0)
}

/// A message with its prefix.
fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}

/// Sends bytes and reads what comes back until the server closes the connection.
async fn exchange(server: &Server, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    stream.write_all(sent).await.unwrap();
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut received)).await;
    match read.expect("the server closes the connection") {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    received
}

fn address(server: &Server) -> std::net::SocketAddr {
    server.address().network().unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}
