//! Requests over each way that OTLP has: HTTP/1.1, HTTP/2 by prior knowledge and by ALPN, and gRPC.

use std::io::BufReader;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::http::{self, Answer};
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

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// Header fields, besides those that each request has.
    pub fields: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// Whether the body ends where it ends, or at least one byte more is announced that never comes.
    pub ends: bool,
}

/// Sends a request on a connection of its own, and waits for its answer. `identity` is the server's, for
/// [`Version::Alpn`].
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
    let sent = Sent { method, path, fields, body, ends: true };
    conversation(version, to, identity, &[sent]).pop().expect("one answer")
}

/// Sends requests on one connection, each when the one before is answered, and gives their answers.
///
/// # Panics
///
/// When one has no answer.
pub fn conversation(
    version: Version,
    to: SocketAddr,
    identity: &Identity,
    requests: &[Sent<'_>],
) -> Vec<Answer> {
    if version == Version::One {
        return over_http_1(to, requests).expect("answers over HTTP/1.1");
    }
    run(async {
        let stream = tokio::net::TcpStream::connect(to).await.expect("a connection");
        if version == Version::Two {
            return answers_over_http_2(stream, to, requests).await;
        }
        let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting(identity)));
        let name = ServerName::try_from("localhost").expect("a valid name");
        let stream = connector.connect(name, stream).await.expect("a TLS connection");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        answers_over_http_2(stream, to, requests).await
    })
}

/// Calls a gRPC method: with these header fields besides those that each call has, and with these frames of data.
///
/// # Panics
///
/// When there is no answer.
pub fn grpc(to: SocketAddr, path: &str, fields: &[(&str, &str)], frames: &[&[u8]]) -> GrpcAnswer {
    let request = grpc_request(to, path, fields);
    let frames = frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect();
    grpc_answer(run(async {
        let stream = tokio::net::TcpStream::connect(to).await.expect("a connection");
        over_http_2(&mut open(stream).await, request, frames, true).await
    }))
}

/// One connection over which one gRPC call after the other is made.
#[derive(Debug)]
pub struct GrpcCalls {
    runtime: tokio::runtime::Runtime,
    open: Open,
    to: SocketAddr,
}

impl GrpcCalls {
    /// Connects.
    ///
    /// # Errors
    /// Nobody is there, or speaks HTTP/2.
    pub fn open(to: SocketAddr) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let open = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(to).await?;
            try_open(stream).await.map_err(std::io::Error::other)
        })?;
        Ok(Self { runtime, open, to })
    }

    /// Makes a call with these header fields besides those that each call has, and waits for its answer.
    ///
    /// # Errors
    /// There is none.
    pub fn call(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        body: Vec<u8>,
    ) -> std::io::Result<GrpcAnswer> {
        let request = grpc_request(self.to, path, fields);
        let open = &mut self.open;
        let received = self.runtime.block_on(async {
            tokio::time::timeout(WAIT, try_over_http_2(open, request, vec![body.into()], true)).await
        });
        received?.map(grpc_answer).map_err(std::io::Error::other)
    }
}

fn grpc_request(to: SocketAddr, path: &str, fields: &[(&str, &str)]) -> ::http::Request<()> {
    let mut request = ::http::Request::post(format!("http://{to}{path}")).header("te", "trailers");
    if !fields.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a valid request")
}

fn grpc_answer((head, body, trailers): Received) -> GrpcAnswer {
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

fn over_http_1(to: SocketAddr, requests: &[Sent<'_>]) -> std::io::Result<Vec<Answer>> {
    let mut stream = TcpStream::connect_timeout(&to, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut answers = Vec::new();
    for (index, sent) in requests.iter().enumerate() {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {to}\r\n", sent.method, sent.path);
        for (name, value) in sent.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if index + 1 == requests.len() {
            head.push_str("Connection: close\r\n");
        }
        let announced = sent.body.len() + usize::from(!sent.ends);
        head.push_str(&format!("Content-Length: {announced}\r\n\r\n"));
        // A server that answers before it has read all may close the connection under what is still on its way.
        let written = stream.write_all(&[head.as_bytes(), sent.body].concat());
        match http::read(&mut reader)? {
            Some(message) => answers.push(message.into_answer()?),
            None => return Err(written.err().unwrap_or(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }
    Ok(answers)
}

/// An HTTP/2 connection; it ends when this is dropped.
#[derive(Debug)]
struct Open {
    client: h2::client::SendRequest<Bytes>,
    _driver: tokio::task::JoinSet<()>,
}

async fn open<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Open {
    try_open(stream).await.expect("HTTP/2")
}

async fn try_open<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Open, h2::Error> {
    let (client, connection) = h2::client::handshake(stream).await?;
    let mut driver = tokio::task::JoinSet::new();
    // What goes wrong with the connection is seen by the request.
    driver.spawn(async { drop(connection.await) });
    Ok(Open { client, _driver: driver })
}

async fn answers_over_http_2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    to: SocketAddr,
    requests: &[Sent<'_>],
) -> Vec<Answer> {
    let mut connection = open(stream).await;
    let mut answers = Vec::new();
    for sent in requests {
        let mut request =
            ::http::Request::builder().method(sent.method).uri(format!("http://{to}{}", sent.path));
        for (name, value) in sent.fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a valid request");
        let frames = vec![Bytes::copy_from_slice(sent.body)];
        let (head, body, _) = over_http_2(&mut connection, request, frames, sent.ends).await;
        answers.push(Answer { status: head.status.as_u16(), headers: fields_of(&head.headers), body });
    }
    answers
}

type Received = (::http::response::Parts, Vec<u8>, ::http::HeaderMap);

async fn over_http_2(
    connection: &mut Open,
    request: ::http::Request<()>,
    frames: Vec<Bytes>,
    ends: bool,
) -> Received {
    try_over_http_2(connection, request, frames, ends).await.expect("an answer over HTTP/2")
}

async fn try_over_http_2(
    connection: &mut Open,
    request: ::http::Request<()>,
    frames: Vec<Bytes>,
    ends: bool,
) -> Result<Received, h2::Error> {
    let mut client = connection.client.clone().ready().await?;
    let (response, mut body) = client.send_request(request, frames.is_empty() && ends)?;
    let last = frames.len().saturating_sub(1);
    for (index, frame) in frames.into_iter().enumerate() {
        // The server may have answered already, without reading to the end.
        if body.send_data(frame, ends && index == last).is_err() {
            break;
        }
    }
    let (head, mut stream) = response.await?.into_parts();
    let received = whole(&mut stream).await?;
    let trailers = stream.trailers().await?.unwrap_or_default();
    Ok((head, received, trailers))
}

/// All data of an HTTP/2 stream.
pub(crate) async fn whole(stream: &mut h2::RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut whole = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        whole.extend_from_slice(&data);
    }
    Ok(whole)
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
