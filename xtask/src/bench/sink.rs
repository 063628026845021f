//! The sink: accepts every export, counts and hashes it, and answers with success.
//!
//! One port takes gRPC (HTTP/2 with prior knowledge) and OTLP/HTTP (HTTP/1.1): the first bytes of a
//! connection tell them apart.

mod grpc;
mod http;
mod message;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use self::message::Receiver;
use super::error::Error;
use super::events::{Event, watch_stdin};

#[derive(Debug, clap::Args)]
pub(crate) struct SinkArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Answer so many milliseconds after a request has arrived
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=600_000))]
    delay: u64,
    /// End when the standard input ends, so that no sink outlives its harness
    #[arg(long, hide = true)]
    watch_stdin: bool,
}

/// Prints where it listens, then what it received for each line of its standard input.
pub(crate) async fn run(args: SinkArgs) -> Result<(), Error> {
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|source| Error::Listen { address: args.listen, source })?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address: args.listen, source })?;
    let receiver = Arc::new(Receiver::answering_after(Duration::from_millis(args.delay)));
    Event::Listening { address }.print()?;
    tokio::select! {
        result = accept(&listener, &receiver) => result,
        result = answer(&receiver, args.watch_stdin) => result,
    }
}

async fn answer(receiver: &Receiver, end_with_stdin: bool) -> Result<(), Error> {
    let mut lines = watch_stdin()?;
    while lines.recv().await.is_some() {
        Event::Received(receiver.received()).print()?;
    }
    if end_with_stdin { Ok(()) } else { std::future::pending().await }
}

async fn accept(listener: &TcpListener, receiver: &Arc<Receiver>) -> Result<(), Error> {
    loop {
        let (stream, _) = listener.accept().await.map_err(Error::Accept)?;
        let receiver = Arc::clone(receiver);
        tokio::spawn(async move {
            // A connection that breaks takes its unanswered requests with it; the sender sees that.
            let _broken = stream.set_nodelay(true);
            match speaks_http2(&stream).await {
                Some(true) => grpc::serve(stream, receiver).await,
                Some(false) => http::serve(stream, receiver).await,
                None => {}
            }
        });
    }
}

/// Whether the connection begins as HTTP/2; `None` when it ends before it says.
async fn speaks_http2(stream: &TcpStream) -> Option<bool> {
    // The preface is longer, but no HTTP/1.1 method begins like this.
    const PREFACE: [u8; 3] = *b"PRI";
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => return None,
            Ok(length) if length == PREFACE.len() => return Some(first == PREFACE),
            // The rest is on its way, and the socket stays readable meanwhile.
            Ok(_) => sleep(Duration::from_millis(1)).await,
        }
    }
}
