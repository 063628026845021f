//! An OTLP/HTTP client that sends bytes: HTTP/1.1, one request at a time on its connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Answer, NoAnswer, Shared};
use crate::bench::content;
use crate::bench::corpus::Prepared;
use crate::bench::error::Error;
use crate::bench::load::Body;

/// An export response is a few bytes; a peer that sends more than this is not understood.
const MAX_RESPONSE: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Client {
    target: SocketAddr,
    requests: SendRequest<Full<Bytes>>,
    path: &'static str,
    headers: HeaderMap,
    is_json: bool,
}

impl Client {
    pub(super) async fn open(shared: &Shared) -> Result<Self, Error> {
        let host = HeaderValue::from_str(&shared.target.to_string()).expect("an address is a valid header");
        let content_type = match shared.body {
            Body::Protobuf | Body::Gzip => "application/x-protobuf",
            Body::Json => "application/json",
        };
        let mut headers = HeaderMap::from_iter([
            (header::HOST, host),
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::USER_AGENT, HeaderValue::from_static("etalon-bench")),
        ]);
        if shared.body == Body::Gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let requests = connect(shared.target).await?;
        Ok(Self {
            target: shared.target,
            requests,
            path: shared.case.signal.http_path(),
            headers,
            is_json: shared.body == Body::Json,
        })
    }

    pub(super) async fn reconnect(&mut self) -> Result<(), Error> {
        self.requests = connect(self.target).await?;
        Ok(())
    }

    pub(super) async fn send(&mut self, request: &Prepared) -> Result<Answer, NoAnswer> {
        // A peer that refuses what it has not read closes the connection with its answer.
        if self.requests.is_closed() {
            self.reconnect().await.map_err(|error| NoAnswer(format!("HTTP/1.1: {error}")))?;
        }
        self.exchange(request).await.map_err(|error| NoAnswer(format!("HTTP/1.1: {error}")))
    }

    async fn exchange(&mut self, request: &Prepared) -> Result<Answer, hyper::Error> {
        self.requests.ready().await?;
        let mut head = Request::new(Full::new(request.body.clone()));
        *head.method_mut() = http::Method::POST;
        *head.uri_mut() = http::Uri::from_static(self.path);
        *head.headers_mut() = self.headers.clone();
        let (head, mut body) = self.requests.send_request(head).await?.into_parts();
        let mut message = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(chunk) = frame?.into_data() {
                if message.len() + chunk.len() > MAX_RESPONSE {
                    return Ok(Answer::Refused("the response is too long".into()));
                }
                message.extend_from_slice(&chunk);
            }
        }
        Ok(judge(head.status, &message, self.is_json))
    }
}

async fn connect(target: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Error> {
    let stream = TcpStream::connect(target)
        .await
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|source| Error::Connect { address: target, source })?;
    let (requests, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::Http1Handshake)?;
    // An error of the connection reaches the request on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(requests)
}

fn judge(status: StatusCode, message: &[u8], is_json: bool) -> Answer {
    if status != StatusCode::OK {
        return Answer::Refused(format!("HTTP status {status}"));
    }
    if is_json {
        // What was rejected is counted as a string there; a full success has no such key.
        let is_full = serde_json::from_slice::<serde_json::Value>(message).is_ok_and(|answer| {
            answer
                .pointer("/partialSuccess")
                .is_none_or(|p| p.as_object().is_some_and(serde_json::Map::is_empty))
        });
        return if is_full {
            Answer::Accepted { rejected: 0 }
        } else {
            Answer::Refused("the response is no full success".into())
        };
    }
    match content::rejected(message) {
        Ok(rejected) => Answer::Accepted { rejected },
        Err(content::Malformed) => Answer::Refused("the response is no OTLP message".into()),
    }
}
