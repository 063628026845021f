//! A server that does with a connection what no library would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    /// Connections up to now.
    pub(crate) accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Raw {
    /// Hands each connection, with its number from 0 on, to `serve`.
    pub(crate) async fn start<F, S>(serve: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(usize, TcpStream) -> F + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(count.fetch_add(1, Ordering::SeqCst), stream));
            }
        });
        Self { address, accepted, task }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves HTTP/2: reads each request to its end, and lets `answer` answer it.
pub(crate) async fn http2<F, A>(stream: TcpStream, answer: A)
where
    F: Future<Output = ()> + Send + 'static,
    A: Fn(SendResponse<Bytes>) -> F,
{
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let answering = answer(respond);
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(Ok(data)) = body.data().await {
                body.flow_control().release_capacity(data.len()).expect("it was received");
            }
            answering.await;
        });
    }
}

/// Serves HTTP/2: answers each request with success, and hands it on with its message.
pub(crate) async fn record(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: tokio::sync::mpsc::Sender<(http::request::Parts, Vec<u8>)>,
) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let requests = requests.clone();
        tokio::spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut message = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                body.flow_control().release_capacity(data.len()).expect("it was received");
                message.extend_from_slice(&data);
            }
            requests.send((head, message)).await.ok();
            let mut stream = respond.send_response(self::head(), false).expect("an open stream");
            stream.send_trailers(ok()).expect("an open stream");
        });
    }
}

/// The head of a gRPC response.
pub(crate) fn head() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).expect("a valid response")
}

/// Trailers of success.
pub(crate) fn ok() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a value"));
    trailers
}
