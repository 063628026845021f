//! A trace service of tonic.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use etalon_pdata::proto::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::server::UnaryService;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) service: Service,
    /// Its own, so that its connections end with it.
    runtime: Option<Runtime>,
}

/// Answers as it is told, then with success. Notes what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Service {
    script: Arc<Mutex<VecDeque<Result<ExportTraceServiceResponse, Status>>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    compress: Option<CompressionEncoding>,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authority: Option<String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) metadata: MetadataMap,
    pub(crate) spans: Vec<String>,
}

impl Peer {
    pub(crate) fn start(service: Service) -> Self {
        Self::at("127.0.0.1:0", Server::builder(), service)
    }

    pub(crate) fn at(address: &str, server: Server, service: Service) -> Self {
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound");
        let answering = service.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(TcpListener::from_std(listener).expect("a listener"));
            server.serve_with_incoming(answering, incoming).await.expect("the server runs");
        });
        Self { address, service, runtime: Some(runtime) }
    }

    /// Ends it and its connections; its port is free then.
    pub(crate) async fn stop(self) {
        let address = self.address;
        drop(self);
        super::exporter::until("the port is free", || std::net::TcpListener::bind(address).is_ok()).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Service {
    pub(crate) fn answering(
        answers: impl IntoIterator<Item = Result<ExportTraceServiceResponse, Status>>,
    ) -> Self {
        Self { script: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    /// Compresses its answers.
    pub(crate) fn compressing(mut self, encoding: CompressionEncoding) -> Self {
        self.compress = Some(encoding);
        self
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> usize {
        self.seen().iter().map(|seen| seen.spans.len()).sum()
    }
}

pub(crate) fn partial_success(rejected_spans: i64, message: &str) -> ExportTraceServiceResponse {
    let error_message = message.to_owned();
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess { rejected_spans, error_message }),
    }
}

impl tower_service::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = Method {
            service: self.clone(),
            path: request.uri().path().to_owned(),
            authority: request.uri().authority().map(ToString::to_string),
            headers: request.headers().clone(),
        };
        let codec = ProstCodec::<ExportTraceServiceResponse, ExportTraceServiceRequest>::default();
        let mut grpc = tonic::server::Grpc::new(codec)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
            .max_decoding_message_size(64 * 1024 * 1024);
        if let Some(encoding) = self.compress {
            grpc = grpc.send_compressed(encoding);
        }
        Box::pin(async move { Ok(grpc.unary(method, request).await) })
    }
}

impl tonic::server::NamedService for Service {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

struct Method {
    service: Service,
    path: String,
    authority: Option<String>,
    headers: http::HeaderMap,
}

impl UnaryService<ExportTraceServiceRequest> for Method {
    type Response = ExportTraceServiceResponse;
    type Future = BoxFuture<Result<Response<ExportTraceServiceResponse>, Status>>;

    fn call(&mut self, request: Request<ExportTraceServiceRequest>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        let scopes = message.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let spans = scopes.flat_map(|scope| &scope.spans).map(|span| span.name.clone()).collect();
        self.service.seen.lock().unwrap().push(Seen {
            path: self.path.clone(),
            authority: self.authority.clone(),
            headers: self.headers.clone(),
            metadata,
            spans,
        });
        let answer = self.service.script.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| Ok(ExportTraceServiceResponse::default()));
        Box::pin(async move { answer.map(Response::new) })
    }
}
