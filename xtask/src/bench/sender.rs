//! The sender: pre-encoded requests over real sockets, in closed or open loop.
//!
//! The client is the `h2` crate for gRPC (DATA frames of 16 KiB, one write each) and hyper for
//! HTTP/1.1, on one thread. It shares no code with the collector, so that it stays what it is while the
//! collector changes: a peer's cost depends on how its client writes.

mod grpc;
mod http;
mod pace;
mod record;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::record::Record;
use super::corpus::{self, Prepared};
use super::error::Error;
use super::events::{Event, watch_stdin};
use super::load::{Body, Case, Load, Mode, Protocol};

#[derive(Debug, clap::Args)]
pub(crate) struct SenderArgs {
    /// Address to send to: an IP address and a port
    #[arg(long, value_name = "ADDRESS")]
    target: SocketAddr,
    #[command(flatten)]
    case: Case,
    #[command(flatten)]
    load: Load,
    /// End when the standard input ends, so that no sender outlives its harness
    #[arg(long, hide = true)]
    watch_stdin: bool,
}

/// Most time for one answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Most time, after the window, for what is still in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
/// A sender gives up after so many requests without an answer.
const MAX_FAILED: u64 = 200;

pub(crate) async fn run(args: SenderArgs) -> Result<(), Error> {
    let watch = args.watch_stdin;
    let ended = async {
        if watch {
            let mut lines = watch_stdin()?;
            while lines.recv().await.is_some() {}
            Err(Error::Interrupted)
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        result = send(args) => result,
        result = ended => result,
    }
}

/// What the workers of a sender share.
#[derive(Debug)]
struct Shared {
    case: Case,
    body: Body,
    target: SocketAddr,
    corpus: Vec<Prepared>,
    next: AtomicUsize,
    stop: AtomicBool,
    record: Record,
}

async fn send(args: SenderArgs) -> Result<(), Error> {
    let shared = Arc::new(Shared {
        case: args.case,
        body: args.load.body,
        target: args.target,
        corpus: corpus::prepare(&args.case, &args.load)?,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        record: Record::default(),
    });
    let clients = connect_all(&shared, &args.load).await?;
    let due = match args.case.mode {
        Mode::Saturation => None,
        Mode::Rate(rate) => Some(Arc::new(Mutex::new(pace::start(rate, Arc::clone(&shared))?))),
    };
    let mut workers = JoinSet::new();
    for client in clients {
        workers.spawn(work(Arc::clone(&shared), client, due.clone()));
    }
    sleep(Duration::from_secs_f64(args.load.warm_up)).await;
    shared.record.begin();
    Event::Begin { acknowledged: shared.record.acknowledged(), refused: shared.record.refusals() }.print()?;
    sleep(Duration::from_secs_f64(args.load.seconds)).await;
    Event::End { acknowledged: shared.record.acknowledged(), refused: shared.record.refusals() }.print()?;
    shared.record.end();
    shared.stop.store(true, Ordering::Relaxed);
    // What is not answered by then has failed: dropping the workers drops their requests.
    let drained = timeout(DRAIN_TIMEOUT, async { while workers.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        shared.record.failed("requests were still in flight at the end");
    }
    Event::Done(Box::new(shared.record.sent())).print()
}

/// One client for each request that may be in flight; those of one gRPC connection share it.
async fn connect_all(shared: &Arc<Shared>, load: &Load) -> Result<Vec<Client>, Error> {
    let in_flight = load.in_flight(shared.case.mode);
    let mut clients = Vec::new();
    for _ in 0..load.connections {
        match shared.case.protocol {
            Protocol::Grpc => {
                let connection = Arc::new(grpc::Connection::open(shared.target).await?);
                for _ in 0..in_flight {
                    clients.push(Client::Grpc(grpc::Client::new(Arc::clone(&connection), shared).await));
                }
            }
            Protocol::Http => {
                for _ in 0..in_flight {
                    clients.push(Client::Http(http::Client::open(shared).await?));
                }
            }
        }
    }
    Ok(clients)
}

/// How a request was answered.
#[derive(Debug)]
enum Answer {
    /// With success, but for so many items.
    Accepted { rejected: u64 },
    /// With this error.
    Refused(String),
}

/// There was no answer; the text says why.
#[derive(Debug)]
struct NoAnswer(String);

#[derive(Debug)]
enum Client {
    Grpc(grpc::Client),
    Http(http::Client),
}

impl Client {
    async fn send(&mut self, request: &Prepared) -> Result<Answer, NoAnswer> {
        let answer = async {
            match self {
                Self::Grpc(client) => client.send(request).await,
                Self::Http(client) => client.send(request).await,
            }
        };
        timeout(REQUEST_TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| Err(NoAnswer(format!("no answer within {REQUEST_TIMEOUT:?}"))))
    }

    async fn reconnect(&mut self) -> Result<(), Error> {
        match self {
            Self::Grpc(client) => client.reconnect().await,
            Self::Http(client) => client.reconnect().await,
        }
    }
}

/// Sends one request after the other: at once, or when the next is due.
async fn work(shared: Arc<Shared>, mut client: Client, due: Option<Arc<Mutex<mpsc::Receiver<Instant>>>>) {
    loop {
        let intended = match &due {
            None if shared.stop.load(Ordering::Relaxed) => return,
            None => Instant::now(),
            Some(due) => match due.lock().await.recv().await {
                Some(intended) => {
                    shared.record.left(intended, Instant::now());
                    intended
                }
                None => return,
            },
        };
        let at = shared.next.fetch_add(1, Ordering::Relaxed) % shared.corpus.len();
        let request = &shared.corpus[at];
        match client.send(request).await {
            Ok(Answer::Accepted { rejected }) => shared.record.accepted(request, rejected, intended),
            Ok(Answer::Refused(why)) => shared.record.refused(&why),
            Err(NoAnswer(why)) => {
                if shared.record.failed(&why) > MAX_FAILED {
                    return;
                }
                if let Err(error) = client.reconnect().await {
                    shared.record.failed(&super::chain(&error));
                    return;
                }
            }
        }
    }
}
