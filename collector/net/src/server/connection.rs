//! One connection: what it speaks, and how long it lives.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Sender, random_unit};
use etalon_telemetry::tell;
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, Manners, Patience, Verdict, Watched};
use super::calm::{Calm, PingPolicy};
use super::running::{Seldom, Tasks};
use super::stream::{Peer, Stream};
use super::unreadable::Unreadable;
use super::{HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, HEADER_BYTES_MAX, STALL_TIMEOUT};
use crate::coalesced::coalesced;
use crate::tls::{HandshakeError, ServerTls, Turns};

/// Flow control windows, in bytes: large enough that a sender never waits for one on a network with
/// much bandwidth and delay. The connection's window bounds what one client can make us hold unread.
const STREAM_WINDOW: u32 = 8 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// Largest HTTP/2 frame that clients may send, in bytes: fewer frames, fewer system calls.
const FRAME_MAX: u32 = 1024 * 1024;
/// Bytes that are read from a connection at once, unless configured.
pub(super) const READ_BUFFER: usize = 64 * 1024;
/// Bytes that are gathered before they are written to an HTTP/2 connection, unless configured: as in grpc-go.
pub(super) const WRITE_BUFFER: usize = 32 * 1024;
/// Streams that an HTTP/2 client may reset before we have looked at them: CVE-2023-44487.
const RESETS_MAX: usize = 20;
/// Streams that an HTTP/2 client may make us reset, on one connection: CVE-2025-8671.
const ERROR_RESETS_MAX: usize = 1024;
/// Header fields of an HTTP/1 request.
pub(super) const HEADERS_MAX: usize = 100;
/// Pause between two looks at a connection of which only part of the first three bytes has arrived.
const PEEK_PAUSE: Duration = Duration::from_millis(10);
/// Time to learn from its first bytes what a plaintext connection speaks, unless configured.
const FIRST_BYTES_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that a connection without a request stays open when the server takes nothing new, so that one that was on its way
/// has an answer.
const LATE: Duration = Duration::from_millis(500);
/// Time that a client without requests has to close its connection when it is asked to.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(10);

const ALPN_H2: &[u8] = b"h2";
/// First byte of a TLS connection: a handshake record, RFC 8446 section 5.1.
const TLS_HANDSHAKE: u8 = 0x16;
/// No method of HTTP/1 begins like the preface of HTTP/2, RFC 9113 section 3.4.
const PREFACE: &[u8] = b"PRI";
/// Bytes that are read from a client that has been told to go, and for how long.
const TOLD_BYTES_MAX: u64 = 64 * 1024;
const TOLD_TIMEOUT: Duration = Duration::from_secs(1);
/// What an HTTP/2 client that forgot the TLS is told.
const NOT_TLS_TEXT: &[u8] = b"this port speaks TLS, and the client plaintext";
/// What an HTTP/1 client that forgot the TLS is told; it is what Go says.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\n";

/// What is spoken on top of HTTP.
pub(super) trait Protocol: Send + Sync + 'static {
    type Body: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static;

    /// Answers a request. Every problem has an answer.
    fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

/// Who sends a request.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) peer: Peer,
    pub(super) sender: Sender,
    /// The request began after the server was to take nothing new.
    pub(super) is_late: bool,
}

/// What is fixed about the connections of one server.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) tls: Option<ServerTls>,
    /// Whether a TLS client that does not say what it speaks is taken to speak HTTP/2.
    pub(super) h2_without_alpn: bool,
    /// Whether HTTP/1 connections serve more than one request.
    pub(super) h1_keep_alive: bool,
    pub(super) streams_max: u32,
    /// Bytes that are read at once, and, with HTTP/2, gathered before they are written.
    pub(super) read_buffer: usize,
    pub(super) write_buffer: usize,
    pub(super) patience: Patience,
    pub(super) ping: Option<Ping>,
    /// How often clients may ping. Nothing means as often as they like.
    pub(super) ping_policy: Option<PingPolicy>,
    pub(super) age: Option<Age>,
    pub(super) handshakes: Turns,
    pub(super) quiet: Seldom,
}

/// HTTP/2 pings that find out whether the client is still there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ping {
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

/// When a connection that works is ended nevertheless, so that clients spread anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    /// Give or take a tenth, so that connections do not end together.
    pub(super) max: Duration,
    /// Time that requests in progress have then. Nothing means as long as they take.
    pub(super) grace: Option<Duration>,
}

impl Settings {
    /// No limits on time, but for clients that do not take what they are sent.
    pub(super) fn new(tls: Option<ServerTls>) -> Self {
        Self {
            tls,
            h2_without_alpn: false,
            h1_keep_alive: true,
            streams_max: super::STREAMS_MAX,
            read_buffer: READ_BUFFER,
            write_buffer: WRITE_BUFFER,
            patience: Patience { stall: STALL_TIMEOUT, late: LATE, ..Patience::default() },
            ping: None,
            ping_policy: None,
            age: None,
            handshakes: Turns::new(HANDSHAKES_MAX),
            quiet: Seldom::default(),
        }
    }

    fn first_bytes_timeout(&self) -> Duration {
        if self.patience.head.is_zero() { FIRST_BYTES_TIMEOUT } else { self.patience.head }
    }
}

enum Version {
    H1,
    H2,
}

/// Serves a connection until its end.
pub(super) async fn serve<P: Protocol>(
    stream: Stream,
    peer: Peer,
    protocol: Arc<P>,
    settings: Arc<Settings>,
    tasks: Tasks,
) {
    let connection = Connection { peer, protocol, settings, tasks };
    let established = match connection.settings.tls.clone() {
        None => connection.serve_plaintext(stream).await,
        Some(tls) => connection.serve_tls(stream, tls).await,
    };
    if let Err(error) = established {
        tracing::debug!(%peer, error = &error as &dyn std::error::Error, "A connection ended before its first request");
    }
}

struct Connection<P> {
    peer: Peer,
    protocol: Arc<P>,
    settings: Arc<Settings>,
    tasks: Tasks,
}

impl<P: Protocol> Connection<P> {
    async fn serve_plaintext(self, stream: Stream) -> io::Result<()> {
        let first = timeout(self.settings.first_bytes_timeout(), first_bytes(&stream));
        let Some(first) = self.tasks.before_the_end(LATE, first).await else { return Ok(()) };
        match first? {
            Ok(First::H1) => self.serve_http(stream, Version::H1).await,
            Ok(First::H2) => self.serve_http(stream, Version::H2).await,
            Ok(First::Tls) => {
                let peer = self.peer;
                self.settings.quiet.then(|| tell!(ReceiverTlsUnexpected { peer: &peer }));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn serve_tls(self, stream: Stream, tls: ServerTls) -> io::Result<()> {
        let handshake = timeout(HANDSHAKE_TIMEOUT, handshake(stream, &tls, &self.settings.handshakes));
        let Some(shaken) = self.tasks.before_the_end(LATE, handshake).await else { return Ok(()) };
        let stream = match shaken? {
            Ok(Shaken::Hands(stream)) => stream,
            Ok(Shaken::Gone) => return Ok(()),
            Ok(Shaken::Plaintext) => {
                let peer = self.peer;
                self.settings.quiet.then(|| tell!(ReceiverTlsMissing { peer: &peer }));
                return Ok(());
            }
            Err(error) => {
                let (peer, error) = (self.peer, HandshakeError::of_server(error));
                self.settings.quiet.then(|| tell!(ReceiverTlsHandshakeFailed { peer: &peer, error: &error }));
                return Ok(());
            }
        };
        let version = match stream.get_ref().1.alpn_protocol() {
            Some(ALPN_H2) => Version::H2,
            None if self.settings.h2_without_alpn => Version::H2,
            Some(_) | None => Version::H1,
        };
        self.serve_http(stream, version).await;
        Ok(())
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin + 'static>(self, stream: S, version: Version) {
        let Self { peer, protocol, settings, tasks } = self;
        let activity = Activity::new();
        let service = {
            let (activity, sender, tasks) = (activity.clone(), Sender::default(), tasks.clone());
            service_fn(move |request| {
                let in_flight = activity.begin();
                let client = Client { peer, sender: sender.clone(), is_late: tasks.refuses() };
                // On the heap from the start: it is kilobytes, and on its way into a task it is moved
                // several times.
                let response = Box::pin(protocol.clone().respond(request, client));
                async move {
                    let response = response.await;
                    drop(in_flight);
                    Ok::<_, Infallible>(response)
                }
            })
        };
        let ended = match version {
            Version::H2 => {
                // GOAWAY tells what was taken, so that nothing need be waited for.
                let patience = Patience { head: Duration::ZERO, late: Duration::ZERO, ..settings.patience };
                let executor = Tracked { tasks: tasks.clone(), cut: tasks.cut.child_token() };
                let (stream, mut flusher) = coalesced(stream, settings.read_buffer, settings.write_buffer);
                let manners = Manners::H2(Calm::new(settings.ping_policy));
                let stream = Watched::new(stream, activity.clone(), manners);
                let connection = h2(executor, &settings).serve_connection(TokioIo::new(stream), service);
                let drain = http2::Connection::graceful_shutdown;
                let flush = |cx: &mut Context<'_>| {
                    let flushed = flusher.poll_flush_after_others(cx);
                    activity.note_writing(&flushed);
                    flushed
                };
                drive(pin!(connection), flush, drain, &activity, patience, settings.age, &tasks).await
            }
            Version::H1 => {
                let stream = BufStream::with_capacity(settings.read_buffer, 0, stream);
                let stream = Watched::new(stream, activity.clone(), Manners::H1(Unreadable::default()));
                let connection = h1(&settings).serve_connection(TokioIo::new(stream), service);
                let drain = http1::Connection::graceful_shutdown;
                let flush = |_: &mut Context<'_>| Poll::Ready(Ok(()));
                drive(pin!(connection), flush, drain, &activity, settings.patience, settings.age, &tasks)
                    .await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, error = &error as &dyn std::error::Error, "A connection broke");
        }
    }
}

/// Runs a connection, and ends it when it is time to.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    mut flush: impl FnMut(&mut Context<'_>) -> Poll<io::Result<()>>,
    drain: impl Fn(Pin<&mut C>),
    activity: &Activity,
    patience: Patience,
    age: Option<Age>,
    tasks: &Tasks,
) -> hyper::Result<()> {
    let mut draining = false;
    let (mut gone_at, mut left_at) = (None, None);
    let mut old_at = age.map(|age| Instant::now() + age.max.mul_f64(0.9 + 0.2 * random_unit()));
    loop {
        let look_at = match activity.verdict(patience) {
            Verdict::SlowHead | Verdict::Stalled => return Ok(()),
            Verdict::Idle if !draining => {
                draining = true;
                gone_at = Some(Instant::now() + GOODBYE_TIMEOUT);
                drain(connection.as_mut());
                continue;
            }
            Verdict::Idle => None,
            Verdict::Wait(at) => Some(at),
        };
        tokio::select! {
            // What has arrived is looked at before the time is.
            biased;
            ended = poll_fn(|cx| turn(connection.as_mut(), &mut flush, cx)) => return ended,
            () = tasks.drain.cancelled(), if !draining => {
                draining = true;
                if tasks.refuses() && !patience.late.is_zero() && !activity.is_busy() {
                    left_at = Some(Instant::now() + patience.late);
                } else {
                    drain(connection.as_mut());
                }
            }
            () = at(left_at) => {
                left_at = activity.has_begun_head().then(|| Instant::now() + patience.late);
                if left_at.is_none() {
                    drain(connection.as_mut());
                }
            }
            () = at(old_at) => {
                if draining {
                    return Ok(());
                }
                draining = true;
                drain(connection.as_mut());
                old_at = age.and_then(|age| age.grace).map(|grace| Instant::now() + grace);
            }
            () = at(gone_at) => {
                if !activity.is_busy() {
                    return Ok(());
                }
                gone_at = Some(Instant::now() + GOODBYE_TIMEOUT);
            }
            () = at(look_at) => {}
        }
    }
}

/// Polls a connection, and then sends what it wrote.
fn turn<C: Future<Output = hyper::Result<()>>>(
    connection: Pin<&mut C>,
    flush: &mut impl FnMut(&mut Context<'_>) -> Poll<io::Result<()>>,
    cx: &mut Context<'_>,
) -> Poll<hyper::Result<()>> {
    let polled = connection.poll(cx);
    match flush(cx) {
        // The connection meets the error itself when it reads or writes next, or has nobody to meet.
        _ if polled.is_ready() => polled,
        Poll::Ready(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "An answer could not be sent");
            Poll::Ready(Ok(()))
        }
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    }
}

/// Resolves at a time, or never.
pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn h1(settings: &Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .keep_alive(settings.h1_keep_alive);
    builder
}

#[expect(clippy::cast_possible_truncation, reason = "a constant that fits")]
fn h2(executor: Tracked, settings: &Settings) -> http2::Builder<Tracked> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(ERROR_RESETS_MAX)
        .max_concurrent_streams(settings.streams_max);
    if let Some(ping) = settings.ping {
        builder.keep_alive_interval(ping.interval).keep_alive_timeout(ping.timeout);
    }
    builder
}

/// Runs the requests of one HTTP/2 connection as tasks that end when the server is cut.
#[derive(Clone)]
struct Tracked {
    tasks: Tasks,
    /// A child of the server's, so that connections do not contend for one lock.
    cut: tokio_util::sync::CancellationToken,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, request: F) {
        let cut = self.cut.clone();
        self.tasks.tracker.spawn(async move {
            cut.run_until_cancelled(request).await;
        });
    }
}

/// What a plaintext connection begins with.
enum First {
    H1,
    H2,
    Tls,
}

/// Looks at the first bytes of a connection, and leaves them there.
async fn first_bytes(stream: &Stream) -> io::Result<First> {
    loop {
        let mut first = [0; PREFACE.len()];
        let len = stream.peek(&mut first).await?;
        let first = &first[..len];
        match first.first() {
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(&TLS_HANDSHAKE) => return Ok(First::Tls),
            Some(_) if first == PREFACE => return Ok(First::H2),
            Some(_) if PREFACE.starts_with(first) => tokio::time::sleep(PEEK_PAUSE).await,
            Some(_) => return Ok(First::H1),
        }
    }
}

/// How a handshake ended.
enum Shaken {
    Hands(Box<tokio_rustls::server::TlsStream<Stream>>),
    /// The client did not mean to: it has been told.
    Plaintext,
    /// The client has left, or others took its place.
    Gone,
}

/// Shakes hands.
async fn handshake(mut stream: Stream, tls: &ServerTls, turns: &Turns) -> io::Result<Shaken> {
    let mut first = [0; PREFACE.len()];
    let len = stream.peek(&mut first).await?;
    match first.first() {
        _ if len == 0 => return Ok(Shaken::Gone),
        Some(first) if !first.is_ascii_uppercase() => {}
        _ => {
            let answer = if first == PREFACE { not_tls_h2() } else { NOT_TLS.to_vec() };
            tell(&mut stream, &answer).await?;
            return Ok(Shaken::Plaintext);
        }
    }
    let turn = turns.begin();
    // On the heap: it is large, and most of the time of a connection there is none.
    let shaking =
        Box::pin(async { TlsAcceptor::from(tls.current().await).accept(stream).into_fallible().await });
    match turn.run(shaking).await {
        Some(Ok(stream)) => Ok(Shaken::Hands(Box::new(stream))),
        Some(Err((error, mut stream))) => {
            drop(turn);
            // The alert has been written. Whether it arrives changes nothing here.
            tell(&mut stream, &[]).await.ok();
            Err(error)
        }
        None => Ok(Shaken::Gone),
    }
}

/// SETTINGS, then GOAWAY with the error `INADEQUATE_SECURITY`: RFC 9113 sections 6.5, 6.8 and 7.
fn not_tls_h2() -> Vec<u8> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    #[expect(clippy::cast_possible_truncation, reason = "a constant that fits")]
    const LEN: u8 = 8 + NOT_TLS_TEXT.len() as u8;
    const GOAWAY: [u8; 17] = [0, 0, LEN, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc];
    [&SETTINGS[..], &GOAWAY, NOT_TLS_TEXT].concat()
}

/// Says something last. What the client sends meanwhile is read: a connection that is closed on unread bytes is
/// reset, and the client may never see the answer.
async fn tell(stream: &mut Stream, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    let mut left = stream.take(TOLD_BYTES_MAX);
    // When there is more, or it takes longer, the client does not listen anyway.
    timeout(TOLD_TIMEOUT, tokio::io::copy(&mut left, &mut tokio::io::sink())).await.ok();
    Ok(())
}
