//! What can go wrong while benching.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start `{program}`")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot pin this process to CPU {cpu}")]
    Pin {
        cpu: usize,
        #[source]
        source: io::Error,
    },
    #[error("cannot ask for a signal when the parent dies")]
    ParentDeathSignal(#[source] io::Error),
    #[error("cannot run `{program}`")]
    Exec {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{name} ended before it was asked to; it said: {said}")]
    Ended { name: String, said: String },
    #[error("{name} did not {what} within {limit:?}; it said: {said}")]
    TooLate { name: String, what: &'static str, limit: Duration, said: String },
    #[error("{name} printed something else than an event: {line}")]
    Event {
        name: String,
        line: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("{name} printed {event} where {expected} was due")]
    WrongEvent { name: String, event: String, expected: &'static str },
    #[error("cannot read the pipe of {name}")]
    Pipe {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot read what {name} uses from /proc")]
    Usage {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("{acknowledged} requests were accepted and {refused} refused where all were to be {wanted}")]
    OtherFate { wanted: String, acknowledged: u64, refused: u64 },
    #[error("cannot make a folder for configurations")]
    Folder(#[source] io::Error),
    #[error("cannot find a free port")]
    FreePort(#[source] io::Error),
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the template of {name} asks for {{{variable}}}; it can have: {known}")]
    Variable { name: String, variable: String, known: String },
    #[error("--peer {0}: expected NAME=COMMAND, for example --peer mine='/opt/mine --config {{config}}'")]
    PeerSyntax(String),
    #[error("--peer-config {0}: expected NAME=FILE")]
    PeerConfigSyntax(String),
    #[error("--peer-config names `{0}`, which is no peer of this run")]
    PeerConfigOrphan(String),
    #[error("two peers are called `{0}`")]
    PeerTwice(String),
    #[error("the command of {0} uses {{config}}; give it one with --peer-config {0}=FILE")]
    NoConfig(String),
    #[error("there is no peer called `{0}`; built in are etalon, nginx and haproxy")]
    UnknownPeer(String),
    #[error("the anchor `{0}` is not among the peers that can run")]
    NoAnchor(String),
    #[error("none of the peers can run here")]
    NoPeers,
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot connect to {address}")]
    Connect {
        address: std::net::SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("HTTP/2 handshake failed")]
    Http2Handshake(#[source] h2::Error),
    #[error("HTTP/1.1 handshake failed")]
    Http1Handshake(#[source] hyper::Error),
    #[error("cannot start the thread that {what}")]
    Thread {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("cannot listen on {address}")]
    Listen {
        address: std::net::SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot accept a connection")]
    Accept(#[source] io::Error),
    #[error("cannot print")]
    Print(#[source] io::Error),
    #[error("the generated request {0} is not valid OTLP")]
    Corpus(usize),
    #[error("a request of the corpus could not be written as JSON")]
    Json,
    #[error("JSON travels over HTTP: use --protocol http")]
    JsonOverGrpc,
    #[error("gzip could not compress a request")]
    Gzip,
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    #[error("interrupted")]
    Interrupted,
}
