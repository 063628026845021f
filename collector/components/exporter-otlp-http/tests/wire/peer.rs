//! Servers: one of hyper that answers as it is told, and one of bare sockets.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers as it is told, then with success. Notes what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Service {
    script: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    together: Option<Arc<Barrier>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) version: http::Version,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// A server of bare sockets; it and its connections end when it is dropped.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Hands each connection, with its number from 0 on, to `serve`.
    pub(crate) async fn start<F, S>(address: &str, serve: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(usize, TcpStream) -> F + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let task = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(count.fetch_add(1, Ordering::SeqCst), stream));
            }
        });
        Self { address, accepted, task }
    }

    /// Ends it; its port is free then.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.is_err_and(|error| error.is_cancelled()));
    }

    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    pub(crate) fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { script: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    /// Answers so many requests together, when all of them are there.
    pub(crate) fn together(mut self, requests: usize) -> Self {
        self.together = Some(Arc::new(Barrier::new(requests)));
        self
    }

    /// Listens.
    pub(crate) async fn start(&self) -> Listening {
        self.at("127.0.0.1:0").await
    }

    pub(crate) async fn at(&self, address: &str) -> Listening {
        let service = self.clone();
        Listening::start(address, move |_, stream| service.clone().serve(stream)).await
    }

    pub(crate) async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| {
            let service = self.clone();
            async move { Ok::<_, Infallible>(service.answer(request).await) }
        });
        // The client may break the connection.
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
    }

    pub(crate) async fn serve_http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| {
            let service = self.clone();
            async move { Ok::<_, Infallible>(service.answer(request).await) }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        server.serve_connection(TokioIo::new(stream), service).await.ok();
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        #[expect(clippy::disallowed_methods, reason = "the client is the code under test, and sends little")]
        let body = body.collect().await.expect("a whole body").to_bytes();
        assert_eq!(head.method, "POST");
        self.seen.lock().unwrap().push(Seen {
            target: head.uri.to_string(),
            version: head.version,
            headers: head.headers,
            body,
        });
        if let Some(together) = &self.together {
            together.wait().await;
        }
        let answer = self.script.lock().unwrap().pop_front();
        answer.unwrap_or_else(|| protobuf(200, &[]))
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer of this status and type.
pub(crate) fn answer(status: u16, content_type: &str, body: &[u8]) -> Answer {
    let builder = Response::builder().status(status).header("content-type", content_type);
    builder.body(Full::new(Bytes::copy_from_slice(body))).expect("a valid answer")
}

pub(crate) fn protobuf(status: u16, body: &[u8]) -> Answer {
    answer(status, "application/x-protobuf", body)
}
