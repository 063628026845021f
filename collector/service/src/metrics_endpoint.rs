//! The endpoint that serves the collector's own metrics to Prometheus.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use etalon_telemetry::Telemetry;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections served at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// A client must have sent its request headers within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause of the accept loop when the process has run out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The content type of the text that [`Telemetry::prometheus_text`] renders.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A running endpoint. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct MetricsEndpoint {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl MetricsEndpoint {
    /// Binds `endpoint`, `host:port`, and serves `/metrics` there.
    pub(crate) async fn start(endpoint: &str, telemetry: Telemetry) -> io::Result<Self> {
        let listener = TcpListener::bind(endpoint).await?;
        let address = listener.local_addr()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(listener, telemetry, stop.clone(), tasks.clone()));
        Ok(Self { address, stop, tasks })
    }

    /// The address as bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections; the last scrape may be cut.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for MetricsEndpoint {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, telemetry: Telemetry, stop: CancellationToken, tasks: TaskTracker) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async {
        loop {
            let permit = connections.clone().acquire_owned().await.expect("never closed");
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (telemetry, stop) = (telemetry.clone(), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(serve(stream, telemetry)).await;
                drop(permit);
            });
        }
    };
    stop.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, telemetry: Telemetry) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &telemetry);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "A connection to the metrics endpoint ended early");
    }
}

fn answer(request: &Request<Incoming>, telemetry: &Telemetry) -> Response<Full<Bytes>> {
    let (status, content_type, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, TEXT_FORMAT, telemetry.prometheus_text())
        }
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn fetch(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn metrics_are_served_and_other_requests_are_told_where_they_are() {
        let telemetry = Telemetry::new(&[]);
        let _process = etalon_telemetry::observe_process(&telemetry);
        let endpoint = MetricsEndpoint::start("127.0.0.1:0", telemetry).await.unwrap();
        let ask = |line: &str| {
            let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            async move { fetch(endpoint.address, &request).await }
        };
        let metrics = ask("GET /metrics").await;
        assert!(metrics.starts_with("HTTP/1.1 200 OK"), "{metrics}");
        assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
        assert!(metrics.contains("otelcol_process_uptime "), "{metrics}");
        assert!(ask("GET /").await.starts_with("HTTP/1.1 404"));
        assert!(ask("POST /metrics").await.starts_with("HTTP/1.1 405"));
        endpoint.shutdown().await;
        assert!(TcpStream::connect(endpoint.address).await.is_err());
    }
}
