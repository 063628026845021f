//! One connection of HTTP/1.1 or HTTP/2.

use std::pin::Pin;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::BufReader;

use super::HEADER_BYTES_MAX;
use super::dial::Stream;
use super::http_body::Chunks;

/// The smallest write buffer that the HTTP implementation has, in bytes.
const WRITE_BUFFER_MIN: usize = 8 * 1024;

/// How connections are made.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) read_buffer: usize,
    pub(super) write_buffer: usize,
    /// Whether TLS offers HTTP/2 to the server.
    pub(super) offers_http2: bool,
    /// HTTP/2: a connection on which nothing arrives for this time is pinged.
    pub(super) ping_after: Option<Duration>,
    /// HTTP/2: a ping must be answered within this time.
    pub(super) ping_timeout: Duration,
}

pub(super) type Send1 = http1::SendRequest<Chunks>;
pub(super) type Send2 = http2::SendRequest<Chunks>;

/// Sends requests on a connection.
pub(super) enum Opened {
    Http1(Send1),
    Http2(Send2),
}

/// The work of a connection. Its error is also that of the requests in progress, if there are any.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Begins to speak HTTP on `stream`.
pub(super) async fn open(
    stream: Box<dyn Stream>,
    is_http2: bool,
    settings: &Settings,
) -> hyper::Result<(Opened, Driver)> {
    let stream = TokioIo::new(BufReader::with_capacity(settings.read_buffer, stream));
    if is_http2 {
        let (send, driver) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(settings.ping_after)
            .keep_alive_timeout(settings.ping_timeout)
            .keep_alive_while_idle(true)
            .max_header_list_size(HEADER_BYTES_MAX)
            .handshake(stream)
            .await?;
        return Ok((Opened::Http2(send), Box::pin(async move { driver.await.unwrap_or_default() })));
    }
    let (send, driver) = http1::Builder::new()
        .max_buf_size(settings.write_buffer.max(WRITE_BUFFER_MIN))
        .handshake(stream)
        .await?;
    Ok((Opened::Http1(send), Box::pin(async move { driver.await.unwrap_or_default() })))
}
