//! A gRPC client that sends bytes.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::{Answer, NoAnswer, Shared};
use crate::bench::content;
use crate::bench::corpus::Prepared;
use crate::bench::error::Error;
use crate::bench::load::Body;

const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// An export response is a few bytes; a peer that sends more than this is not understood.
const MAX_RESPONSE: usize = 64 << 10;

/// A connection that several clients share.
#[derive(Debug)]
pub(super) struct Connection {
    target: SocketAddr,
    current: Mutex<Current>,
}

#[derive(Clone, Debug)]
struct Current {
    /// Counts the connections, so that only the first client that sees one break opens another.
    generation: u64,
    requests: h2::client::SendRequest<Bytes>,
}

impl Connection {
    pub(super) async fn open(target: SocketAddr) -> Result<Self, Error> {
        let current = Current { generation: 0, requests: handshake(target).await? };
        Ok(Self { target, current: Mutex::new(current) })
    }

    async fn after(&self, broken: u64) -> Result<Current, Error> {
        let mut current = self.current.lock().await;
        if current.generation == broken {
            *current = Current { generation: broken + 1, requests: handshake(self.target).await? };
        }
        Ok(current.clone())
    }
}

async fn handshake(target: SocketAddr) -> Result<h2::client::SendRequest<Bytes>, Error> {
    let stream = TcpStream::connect(target)
        .await
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|source| Error::Connect { address: target, source })?;
    let (requests, connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_push(false)
        .handshake(stream)
        .await
        .map_err(Error::Http2Handshake)?;
    // An error of the connection reaches every request on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(requests)
}

#[derive(Debug)]
pub(super) struct Client {
    connection: Arc<Connection>,
    current: Current,
    /// The head of every request, without the body.
    head: Request<()>,
}

impl Client {
    pub(super) async fn new(connection: Arc<Connection>, shared: &Shared) -> Self {
        let current = connection.current.lock().await.clone();
        let mut head = Request::post(format!("http://{}{}", shared.target, shared.case.signal.grpc_path()))
            .version(http::Version::HTTP_2)
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .header("user-agent", "etalon-bench");
        if shared.body == Body::Gzip {
            head = head.header("grpc-encoding", "gzip");
        }
        let head = head.body(()).expect("the address and the headers are valid");
        Self { connection, current, head }
    }

    pub(super) async fn reconnect(&mut self) -> Result<(), Error> {
        self.current = self.connection.after(self.current.generation).await?;
        Ok(())
    }

    pub(super) async fn send(&mut self, request: &Prepared) -> Result<Answer, NoAnswer> {
        self.exchange(request).await.map_err(|error| NoAnswer(format!("HTTP/2: {error}")))
    }

    async fn exchange(&mut self, request: &Prepared) -> Result<Answer, h2::Error> {
        let mut requests = self.current.requests.clone().ready().await?;
        let (response, mut body) = requests.send_request(self.head.clone(), false)?;
        body.send_data(request.body.clone(), true)?;
        let (head, mut body) = response.await?.into_parts();
        let mut message = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            if message.len() + chunk.len() > MAX_RESPONSE {
                return Ok(Answer::Refused("the response is too long".into()));
            }
            message.extend_from_slice(&chunk);
        }
        let trailers = body.trailers().await?;
        Ok(judge(&Response::from_parts(head, ()), &message, trailers.as_ref()))
    }
}

fn judge(head: &Response<()>, message: &[u8], trailers: Option<&HeaderMap>) -> Answer {
    if head.status() != http::StatusCode::OK {
        return Answer::Refused(format!("HTTP status {}", head.status()));
    }
    // Without a body, the status comes in the headers.
    let find =
        |name: &str| trailers.and_then(|trailers| trailers.get(name)).or_else(|| head.headers().get(name));
    match find("grpc-status").map(http::HeaderValue::as_bytes) {
        Some(b"0") => {}
        Some(status) => {
            let detail = find("grpc-message").map(http::HeaderValue::as_bytes).unwrap_or_default();
            let (status, detail) = (String::from_utf8_lossy(status), String::from_utf8_lossy(detail));
            return Answer::Refused(format!("gRPC status {status}: {detail}"));
        }
        None => return Answer::Refused("there is no gRPC status".into()),
    }
    let Some(message) = unframed(message) else {
        return Answer::Refused("the response is no gRPC message".into());
    };
    match content::rejected(&message) {
        Ok(rejected) => Answer::Accepted { rejected },
        Err(content::Malformed) => Answer::Refused("the response is no OTLP message".into()),
    }
}

/// The message of a response, decompressed: grpc-go answers a compressed request with a compressed response.
fn unframed(framed: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [flag, a, b, c, d, message @ ..] = framed else { return None };
    if u32::from_be_bytes([*a, *b, *c, *d]) as usize != message.len() {
        return None;
    }
    if *flag == 0 {
        return Some(Cow::Borrowed(message));
    }
    let mut decompressed = vec![0; MAX_RESPONSE];
    let len = libdeflater::Decompressor::new().gzip_decompress(message, &mut decompressed).ok()?;
    decompressed.truncate(len);
    Some(Cow::Owned(decompressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16) -> Response<()> {
        Response::builder().status(status).body(()).unwrap()
    }

    fn trailers(status: &'static str) -> HeaderMap {
        HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())])
    }

    #[test]
    fn only_status_0_with_an_otlp_message_is_success() {
        let ok = judge(&head(200), &[0; 5], Some(&trailers("0")));
        assert!(matches!(ok, Answer::Accepted { rejected: 0 }));
        let partial = judge(&head(200), &[0, 0, 0, 0, 4, 0x0a, 2, 8, 7], Some(&trailers("0")));
        assert!(matches!(partial, Answer::Accepted { rejected: 7 }));
        let mut compressed = [0; 64];
        let compressor = &mut libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let len = compressor.gzip_compress(&[0x0a, 2, 8, 7], &mut compressed).unwrap();
        let framed = [&[1, 0, 0, 0, u8::try_from(len).unwrap()], &compressed[..len]].concat();
        let partial = judge(&head(200), &framed, Some(&trailers("0")));
        assert!(matches!(partial, Answer::Accepted { rejected: 7 }));
        for answer in [
            judge(&head(200), &[1, 0, 0, 0, 4, 0x0a, 2, 8, 7], Some(&trailers("0"))),
            judge(&head(200), &[0; 5], Some(&trailers("14"))),
            judge(&head(200), &[0; 5], None),
            judge(&head(502), &[0; 5], Some(&trailers("0"))),
            judge(&head(200), &[], Some(&trailers("0"))),
            judge(&head(200), &[0, 0, 0, 0, 9], Some(&trailers("0"))),
        ] {
            assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
        }
    }
}
