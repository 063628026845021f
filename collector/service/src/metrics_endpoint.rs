//! The endpoint that serves the collector's own metrics to Prometheus, and what they mean.

mod contract;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use etalon_telemetry::{PrometheusReader, Telemetry, prefers_gzip};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use libdeflater::{CompressionLvl, Compressor};
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

/// Level of gzip. The text repeats itself, so the fastest does well.
const GZIP_LEVEL: i32 = 1;

/// A running endpoint. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct MetricsEndpoint {
    address: SocketAddr,
    metrics: Metrics,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What is served. Cloning shares it.
#[derive(Clone, Debug)]
struct Metrics {
    telemetry: Telemetry,
    /// Held to take it or to replace it, and by nothing that is recorded.
    reader: Arc<RwLock<Arc<PrometheusReader>>>,
}

impl MetricsEndpoint {
    /// Binds `endpoint`, `host:port`, and serves `/metrics` and `/contract` there.
    pub(crate) async fn start(
        endpoint: &str,
        telemetry: Telemetry,
        reader: PrometheusReader,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(endpoint).await?;
        let address = listener.local_addr()?;
        let metrics = Metrics { telemetry, reader: Arc::new(RwLock::new(Arc::new(reader))) };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(listener, metrics.clone(), stop.clone(), tasks.clone()));
        Ok(Self { address, metrics, stop, tasks })
    }

    /// From now on, this is served.
    pub(crate) fn set(&self, reader: PrometheusReader) {
        *self.metrics.reader.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(reader);
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

async fn accept(listener: TcpListener, metrics: Metrics, stop: CancellationToken, tasks: TaskTracker) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async {
        loop {
            let permit = connections.clone().acquire_owned().await.expect("never closed");
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (metrics, stop) = (metrics.clone(), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(serve(stream, metrics)).await;
                drop(permit);
            });
        }
    };
    stop.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, metrics: Metrics) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &metrics);
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

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => metrics.scrape(request.headers()),
        (&Method::GET | &Method::HEAD, "/contract") => contract::answer(request.headers()),
        (_, "/metrics" | "/contract") => {
            let allow = HeaderValue::from_static("GET, HEAD");
            plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n", &[(header::ALLOW, allow)])
        }
        _ => plain(StatusCode::NOT_FOUND, "metrics are at /metrics, their contract is at /contract\n", &[]),
    }
}

impl Metrics {
    fn scrape(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner).clone();
        let format = reader.negotiate(&all(headers, &header::ACCEPT));
        let text = reader.text(&self.telemetry, format);
        let compressed =
            prefers_gzip(&all(headers, &header::ACCEPT_ENCODING)).then(|| gzip(text.as_bytes())).flatten();
        let is_compressed = compressed.is_some();
        let mut response = Response::new(Full::new(Bytes::from(compressed.unwrap_or_else(|| text.into()))));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if is_compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn plain(
    status: StatusCode,
    body: &'static str,
    headers: &[(HeaderName, HeaderValue)],
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().extend(headers.iter().cloned());
    response
}

/// All values of a header, as if they had been written in one.
fn all(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

/// Nothing when it would be no smaller.
fn gzip(text: &[u8]) -> Option<Vec<u8>> {
    let level = CompressionLvl::new(GZIP_LEVEL).unwrap_or_default();
    let mut compressed = vec![0; text.len()];
    let size = Compressor::new(level).gzip_compress(text, &mut compressed).ok()?;
    compressed.truncate(size);
    Some(compressed)
}

#[cfg(test)]
mod tests {
    use etalon_telemetry::{ProcessObservations, observe_process};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn fetch(address: SocketAddr, head: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{head}\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let body = answer.split_off(end);
        (String::from_utf8(answer).unwrap(), body)
    }

    async fn endpoint() -> (MetricsEndpoint, ProcessObservations) {
        let (telemetry, reader) = (Telemetry::new(&[]), PrometheusReader::default());
        let process = observe_process(&telemetry, "0.1.0");
        (MetricsEndpoint::start("127.0.0.1:0", telemetry, reader).await.unwrap(), process)
    }

    #[tokio::test]
    async fn metrics_are_served_and_other_requests_are_told_where_they_are() {
        let (endpoint, _process) = endpoint().await;
        let ask = |line: &'static str| fetch(endpoint.address, line);
        let (head, body) = ask("GET /metrics HTTP/1.1").await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
        assert!(String::from_utf8(body).unwrap().contains("otelcol_process_uptime "));
        assert!(ask("GET / HTTP/1.1").await.0.starts_with("HTTP/1.1 404"));
        assert!(ask("POST /metrics HTTP/1.1").await.0.starts_with("HTTP/1.1 405"));
        endpoint.shutdown().await;
        assert!(TcpStream::connect(endpoint.address).await.is_err());
    }

    #[tokio::test]
    async fn the_contract_is_served_and_told_apart_by_its_tag() {
        let (endpoint, _process) = endpoint().await;
        let (head, body) = fetch(endpoint.address, "GET /contract HTTP/1.1").await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert!(head.contains("content-type: application/json\r\n"), "{head}");
        assert_eq!(String::from_utf8(body).unwrap(), etalon_telemetry::CONTRACT_JSON);
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        for known in [tag, "*", &format!("\"other\", {}", tag.trim_start_matches("W/"))] {
            let asks = format!("GET /contract HTTP/1.1\r\nif-none-match: {known}");
            let (head, body) = fetch(endpoint.address, &asks).await;
            assert!(head.starts_with("HTTP/1.1 304"), "{known}: {head}");
            assert!(head.contains(&format!("etag: {tag}\r\n")), "{head}");
            assert_eq!(body, b"");
        }
        let asks = "GET /contract HTTP/1.1\r\nif-none-match: \"other\"\r\naccept-encoding: gzip";
        let (head, body) = fetch(endpoint.address, asks).await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-encoding: gzip\r\n"), "{head}");
        let mut text = vec![0; etalon_telemetry::CONTRACT_JSON.len()];
        libdeflater::Decompressor::new().gzip_decompress(&body, &mut text).unwrap();
        assert_eq!(text, etalon_telemetry::CONTRACT_JSON.as_bytes());
    }

    #[tokio::test]
    async fn the_contract_is_only_read_and_its_head_has_no_body() {
        let (endpoint, _process) = endpoint().await;
        let (head, body) = fetch(endpoint.address, "HEAD /contract HTTP/1.1").await;
        let length = format!("content-length: {}\r\n", etalon_telemetry::CONTRACT_JSON.len());
        assert!(head.starts_with("HTTP/1.1 200") && head.contains(&length), "{head}");
        assert_eq!(body, b"");
        let (head, _) = fetch(endpoint.address, "DELETE /contract HTTP/1.1").await;
        assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: GET, HEAD\r\n"), "{head}");
    }

    #[tokio::test]
    async fn a_client_gets_the_format_and_the_encoding_that_it_asks_for() {
        let (endpoint, _process) = endpoint().await;
        let asks = "GET /metrics HTTP/1.1\r\naccept: image/png\r\naccept: application/openmetrics-text\r\naccept-encoding: gzip";
        let (head, body) = fetch(endpoint.address, asks).await;
        assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
        assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
        assert!(head.contains("vary: Accept, Accept-Encoding\r\n"), "{head}");
        let mut text = vec![0; 64 * 1024];
        let size = libdeflater::Decompressor::new().gzip_decompress(&body, &mut text).unwrap();
        assert!(text[..size].ends_with(b"# EOF\n"));
    }

    #[tokio::test]
    async fn what_is_served_can_be_exchanged() {
        let (endpoint, _process) = endpoint().await;
        let mut reader = PrometheusReader::default();
        reader.exposition.type_suffix = true;
        endpoint.set(reader);
        let (_, body) = fetch(endpoint.address, "GET /metrics HTTP/1.1").await;
        assert!(String::from_utf8(body).unwrap().contains("otelcol_process_uptime_total "));
    }
}
