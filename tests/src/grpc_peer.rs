//! A destination over gRPC that answers as it is told, also wrongly.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderName, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::wire::whole;
use crate::{Script, base64, field};

/// What a [`GrpcPeer`] does about one call.
#[derive(Clone, Debug)]
pub enum GrpcReply {
    /// Success with this response message.
    Ok(Vec<u8>),
    /// Trailers alone, as they are.
    Trailers(Vec<(&'static str, String)>),
    /// A body as it is, and trailers of success.
    Body(Vec<u8>),
    /// `RESOURCE_EXHAUSTED` if the message has more than so many bytes, else success.
    Limit(usize),
    /// A head, and the stream is reset with this code.
    Reset(u32),
    /// A head and the end of the stream, without trailers.
    NoTrailers,
    /// The connection is closed without an answer.
    Close,
    /// A head, and the connection is closed.
    CloseAfterHead,
    /// GOAWAY, and success.
    GoAway,
    /// Nothing.
    Silence,
}

/// A call that arrived in full.
#[derive(Clone, Debug)]
pub struct Called {
    /// `:path`.
    pub path: String,
    /// The metadata.
    pub headers: HeaderMap,
    /// With its prefix of five bytes.
    pub body: Vec<u8>,
}

/// A destination for `otlp_grpc` that follows a script, and accepts when that has ended. It reads
/// plaintext.
#[derive(Debug)]
pub struct GrpcPeer {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Script<GrpcReply, Called>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl GrpcReply {
    /// This status without hints.
    pub fn status(code: u32) -> Self {
        Self::Trailers(vec![("grpc-status", code.to_string()), ("grpc-message", "as told".to_owned())])
    }

    /// This status with RetryInfo in `grpc-status-details-bin`.
    pub fn hinted(code: u32, retry_info: &[u8]) -> Self {
        let any = [field(1, b"type.googleapis.com/google.rpc.RetryInfo"), field(2, retry_info)].concat();
        let status = [vec![8, u8::try_from(code).unwrap_or(0)], field(3, &any)].concat();
        let details = base64(&status);
        Self::Trailers(vec![("grpc-status", code.to_string()), ("grpc-status-details-bin", details)])
    }
}

impl GrpcPeer {
    /// Listens.
    pub fn start() -> Self {
        Self::start_with(1000, 1 << 20)
    }

    /// Listens, and lets a connection have so many calls at once, and a call send so many bytes ahead.
    pub fn start_with(calls: u32, window: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("loopback can be bound");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.script.connected();
                tokio::spawn(serving.clone().serve(stream, calls, window));
            }
        });
        Self { address, shared, runtime: Some(runtime) }
    }

    /// The `endpoint` for `otlp_grpc`.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The most calls that were open at once.
    pub fn most_in_flight(&self) -> usize {
        self.shared.most_in_flight.load(Ordering::SeqCst)
    }
}

impl Deref for GrpcPeer {
    type Target = Script<GrpcReply, Called>;

    fn deref(&self) -> &Self::Target {
        &self.shared.script
    }
}

impl Drop for GrpcPeer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream, calls: u32, window: u32) {
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(calls).initial_window_size(window);
        builder.initial_connection_window_size(1 << 24);
        let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
        let (close, mut closing) = tokio::sync::mpsc::channel(1);
        loop {
            let accepted = tokio::select! {
                accepted = connection.accept() => accepted,
                Some(go_away) = closing.recv() => {
                    if go_away {
                        connection.graceful_shutdown();
                        continue;
                    }
                    return;
                }
            };
            let Some(Ok((request, respond))) = accepted else { return };
            let (shared, close) = (self.clone(), close.clone());
            tokio::spawn(async move { shared.call(request, respond, close).await });
        }
    }

    async fn call(
        &self,
        request: http::Request<h2::RecvStream>,
        mut respond: SendResponse<Bytes>,
        close: tokio::sync::mpsc::Sender<bool>,
    ) {
        let (head, mut stream) = request.into_parts();
        // A call that the client gave up before it was complete is none.
        let Ok(body) = whole(&mut stream).await else { return };
        let size = body.len();
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(in_flight, Ordering::SeqCst);
        let reply =
            self.script.next(Called { path: head.uri.path().to_owned(), headers: head.headers, body });
        let reply = match reply.unwrap_or(GrpcReply::Ok(Vec::new())) {
            GrpcReply::Limit(limit) if size > limit => GrpcReply::status(8),
            GrpcReply::Limit(_) => GrpcReply::Ok(Vec::new()),
            reply => reply,
        };
        let silent = matches!(reply, GrpcReply::Silence);
        // The client may have gone.
        send(reply, &mut respond, &close).await.ok();
        if silent {
            // The stream must stay open as long as the client waits.
            std::future::poll_fn(|cx| respond.poll_reset(cx)).await.ok();
        }
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn send(
    reply: GrpcReply,
    respond: &mut SendResponse<Bytes>,
    close: &tokio::sync::mpsc::Sender<bool>,
) -> Result<(), h2::Error> {
    let head = Response::builder().header("content-type", "application/grpc").body(()).expect("a valid head");
    let success =
        HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), "0".parse().expect("a value"))]);
    match reply {
        GrpcReply::Ok(message) => {
            let mut stream = respond.send_response(head, false)?;
            let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
            stream.send_data([&[0][..], &length, &message].concat().into(), false)?;
            stream.send_trailers(success)
        }
        GrpcReply::Body(body) => {
            let mut stream = respond.send_response(head, false)?;
            stream.send_data(body.into(), false)?;
            stream.send_trailers(success)
        }
        GrpcReply::Trailers(fields) => {
            let mut stream = respond.send_response(head, false)?;
            let mut trailers = HeaderMap::new();
            for (name, value) in fields {
                trailers.insert(HeaderName::from_static(name), value.parse().expect("a value"));
            }
            stream.send_trailers(trailers)
        }
        GrpcReply::Reset(code) => {
            respond.send_response(head, false)?.send_reset(code.into());
            Ok(())
        }
        GrpcReply::NoTrailers => respond.send_response(head, true).map(drop),
        GrpcReply::Close => {
            close.send(false).await.ok();
            Ok(())
        }
        GrpcReply::CloseAfterHead => {
            let stream = respond.send_response(head, false)?;
            // The head must be on its way.
            tokio::task::yield_now().await;
            close.send(false).await.ok();
            drop(stream);
            Ok(())
        }
        GrpcReply::GoAway => {
            close.send(true).await.ok();
            respond.send_response(head, false)?.send_trailers(success)
        }
        GrpcReply::Limit(_) | GrpcReply::Silence => Ok(()),
    }
}
