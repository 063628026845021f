//! Requests over each way that OTLP has: HTTP/1.1, HTTP/2 by prior knowledge and by ALPN, and gRPC.

use std::io::BufReader;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::http::{self, Answer, Message};
use crate::{Identity, WAIT};

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    One,
    /// HTTP/2 without TLS, which both sides know of.
    Two,
    /// HTTP/2 over TLS, agreed on by ALPN.
    Alpn,
}

/// The answer to a gRPC call.
#[derive(Debug)]
pub struct GrpcAnswer {
    /// The HTTP status.
    pub http: u16,
    /// `grpc-status`; none when there is none.
    pub code: Option<u16>,
    /// Header fields and trailers.
    pub headers: Vec<(String, String)>,
    /// Everything before the trailers: messages with their prefixes.
    pub body: Vec<u8>,
}

impl GrpcAnswer {
    /// The value of a header field or trailer, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http::find(&self.headers, name)
    }

    /// `grpc-message`, still percent-encoded.
    pub fn message(&self) -> &str {
        self.header("grpc-message").unwrap_or_default()
    }
}

/// Sends a request and waits for its answer. `identity` is the server's, for [`Version::Alpn`].
///
/// # Panics
///
/// When there is no answer.
pub fn exchange(
    version: Version,
    to: SocketAddr,
    identity: &Identity,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    if version == Version::One {
        return over_http_1(to, method, path, fields, body).expect("an answer over HTTP/1.1");
    }
    let mut request = ::http::Request::builder().method(method).uri(format!("http://{to}{path}"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a valid request");
    let body = Bytes::copy_from_slice(body);
    let (head, body, _) = run(async {
        let stream = tokio::net::TcpStream::connect(to).await.expect("a connection");
        if version == Version::Two {
            return over_http_2(stream, request, vec![body]).await;
        }
        let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting(identity)));
        let name = ServerName::try_from("localhost").expect("a valid name");
        let stream = connector.connect(name, stream).await.expect("a TLS connection");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        over_http_2(stream, request, vec![body]).await
    });
    Answer { status: head.status.as_u16(), headers: fields_of(&head.headers), body }
}

/// Calls a gRPC method: with these header fields besides those that each call has, and with these frames of data.
///
/// # Panics
///
/// When there is no answer.
pub fn grpc(to: SocketAddr, path: &str, fields: &[(&str, &str)], frames: &[&[u8]]) -> GrpcAnswer {
    let mut request = ::http::Request::post(format!("http://{to}{path}")).header("te", "trailers");
    if !fields.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a valid request");
    let frames = frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect();
    let (head, body, trailers) = run(async {
        let stream = tokio::net::TcpStream::connect(to).await.expect("a connection");
        over_http_2(stream, request, frames).await
    });
    let headers = [fields_of(&head.headers), fields_of(&trailers)].concat();
    let code = http::find(&headers, "grpc-status").and_then(|code| code.parse().ok());
    GrpcAnswer { http: head.status.as_u16(), code, headers, body }
}

/// A gRPC message with its prefix.
pub fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).expect("a message of a test");
    [&[flag][..], &len.to_be_bytes(), message].concat()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(WAIT, future).await.expect("an answer in time") })
}

fn over_http_1(
    to: SocketAddr,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&to, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let Some(Message { first_line, headers, body }) = http::read(&mut BufReader::new(stream))? else {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let status = first_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer { status: status.ok_or(std::io::ErrorKind::InvalidData)?, headers, body })
}

type Received = (::http::response::Parts, Vec<u8>, ::http::HeaderMap);

async fn over_http_2<S>(stream: S, request: ::http::Request<()>, frames: Vec<Bytes>) -> Received
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.expect("an HTTP/2 connection");
    let (response, mut body) = client.send_request(request, frames.is_empty()).expect("a valid request");
    let last = frames.len().saturating_sub(1);
    for (index, frame) in frames.into_iter().enumerate() {
        // The server may have answered already, without reading to the end.
        if body.send_data(frame, index == last).is_err() {
            break;
        }
    }
    let (head, mut stream) = response.await.expect("an answer over HTTP/2").into_parts();
    let mut received = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.expect("the rest of the answer");
        stream.flow_control().release_capacity(data.len()).expect("what was received can be released");
        received.extend_from_slice(&data);
    }
    let trailers = stream.trailers().await.expect("the end of the answer").unwrap_or_default();
    connection.abort();
    (head, received, trailers)
}

fn fields_of(headers: &::http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// A client that trusts one server, and offers HTTP/2.
fn trusting(identity: &Identity) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
    roots.add(certificate).expect("a certificate that can be trusted");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}
