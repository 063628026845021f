//! One GET of a small document, such as a configuration.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;

use super::dial::{ConnectError, Route, Tls, dial};
use super::http_url::{Url, UrlError};
use super::target::Target;
use crate::tls::{TlsClientConfig, TlsError};

/// A document must have arrived in full within this time.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is not `http://host…` or `https://host…`.
    #[error("invalid URL")]
    Url(#[source] UrlError),
    /// No certificate can be valid for this host.
    #[error("\"{0}\" is not a name that a certificate can be valid for")]
    ServerName(String),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] TlsError),
    /// There was no connection.
    #[error("cannot connect")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke.
    #[error("the request failed")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server answered, but not with the document.
    #[error("status code: {0}")]
    Status(u16),
    /// The document is larger than the caller takes.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    /// The document did not arrive in time.
    #[error("no answer within {} s", FETCH_TIMEOUT.as_secs())]
    TimedOut,
}

/// The document at an `http` or `https` URL, of at most `max_bytes`. One try; redirects are not followed;
/// only the status 200 counts. User and password in the URL are sent. `https` trusts the system's authorities.
pub async fn fetch(url: &str, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    match tokio::time::timeout(FETCH_TIMEOUT, fetch_now(url, max_bytes)).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::TimedOut),
    }
}

async fn fetch_now(url: &str, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    let url = Url::parse(url).map_err(FetchError::Url)?;
    let tls = if url.tls { Some(tls_for(&url.target)?) } else { None };
    let stream = connect(&url.target, &Route { tunnel: None, tls }).await?;

    let failed = |error: hyper::Error| FetchError::Request(error.into());
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = url.path.into();
    let host = HeaderValue::from_str(&url.host).map_err(|error| FetchError::Request(error.into()))?;
    request.headers_mut().insert(header::HOST, host);
    request.headers_mut().extend(url.authorization.map(|value| (header::AUTHORIZATION, value)));
    let answer = async {
        let response = send.send_request(request).await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => capped(response.into_body(), max_bytes).await,
            other => Err(FetchError::Status(other.as_u16())),
        }
    };
    tokio::pin!(answer);
    // The connection does nothing unless polled; it ends before the answer only when it breaks, and
    // then the answer says so.
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

async fn connect(target: &Target, route: &Route) -> Result<Box<dyn super::dial::Stream>, FetchError> {
    let host = target.host.clone();
    let resolved = target.resolve().await;
    let resolved =
        resolved.map_err(|source| FetchError::Connect(ConnectError::Resolve { host, source }.into()))?;
    let mut last = None;
    for address in resolved {
        match dial(&address, route).await {
            Ok((stream, _)) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(FetchError::Connect(last.map_or_else(|| "the name has no address".into(), Into::into)))
}

fn tls_for(target: &Target) -> Result<Tls, FetchError> {
    let name = ServerName::try_from(target.host.clone());
    let name = name.map_err(|_| FetchError::ServerName(target.host.clone()))?;
    let config = TlsClientConfig::default().load(&[b"http/1.1"]).map_err(FetchError::Tls)?;
    Ok(Tls { config, name })
}

async fn capped(mut body: Incoming, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    let mut document = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Request(error.into()))?;
        let Some(data) = frame.data_ref() else { continue };
        if data.len() > max_bytes - document.len() {
            return Err(FetchError::TooLarge(max_bytes));
        }
        document.extend_from_slice(data);
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with `answer`, and gives the request back.
    async fn answering(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/conf.yaml?site=1", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let n = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..n]).into_owned()
        });
        (url, served)
    }

    #[tokio::test]
    async fn a_document_is_fetched_with_one_get() {
        let (url, served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na: 1").await;
        assert_eq!(fetch(&url, 4).await.unwrap(), b"a: 1");
        let request = served.await.unwrap();
        assert!(request.starts_with("GET /conf.yaml?site=1 HTTP/1.1\r\nhost: 127.0.0.1:"), "{request}");
        assert!(!request.contains("authorization"), "{request}");
    }

    #[tokio::test]
    async fn user_and_password_of_the_url_are_sent() {
        let (url, served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        fetch(&url.replace("http://", "http://user:p%40ss@"), 4).await.unwrap();
        let request = served.await.unwrap();
        assert!(request.contains("\r\nauthorization: Basic dXNlcjpwQHNz\r\n"), "{request}");
    }

    #[tokio::test]
    async fn only_200_is_a_document() {
        let (url, _) = answering("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n").await;
        assert!(matches!(fetch(&url, 100).await, Err(FetchError::Status(302))));
    }

    #[tokio::test]
    async fn a_document_that_is_too_large_is_refused_while_it_arrives() {
        let (url, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n12345").await;
        assert!(matches!(fetch(&url, 4).await, Err(FetchError::TooLarge(4))));
    }

    #[tokio::test]
    async fn a_document_that_ends_early_is_not_one() {
        let (url, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345").await;
        assert!(matches!(fetch(&url, 100).await, Err(FetchError::Request(_))));
    }

    #[tokio::test]
    async fn what_is_no_url_is_said_to_be_none() {
        for url in ["ftp://x/", "http:", "/etc/passwd", "https://", "http://x:y/"] {
            assert!(matches!(fetch(url, 1).await, Err(FetchError::Url(_))), "{url}");
        }
    }
}
