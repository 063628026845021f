//! What a component sees of the collector that runs it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::{BoxError, ComponentId};

/// The running collector, as its components see it.
#[derive(Debug)]
pub struct Host {
    listening: Mutex<Vec<Listening>>,
    fatal: mpsc::Sender<(ComponentId, BoxError)>,
}

/// A bound address, for the startup banner and for tests that bind port 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The component that listens.
    pub component: ComponentId,
    /// What it speaks there: `grpc`, `http`.
    pub protocol: &'static str,
    /// The address as bound.
    pub address: Address,
    /// Whether it is TLS.
    pub tls: bool,
}

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a TCP port.
    Network(SocketAddr),
    /// The file of a Unix domain socket; `@` and a name is one without a file.
    Unix(PathBuf),
}

/// Name and version of the distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The command, `etalon`.
    pub command: &'static str,
    /// One line that says what it is; the first part of the User-Agent.
    pub description: &'static str,
    /// Version of the distribution.
    pub version: &'static str,
}

impl Address {
    /// The address, if it is one of a network.
    pub fn network(&self) -> Option<SocketAddr> {
        match self {
            Self::Network(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

/// As in the configuration: `<host>:<port>`, or the path.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl Host {
    /// A host that passes fatal errors to `fatal`.
    pub fn new(fatal: mpsc::Sender<(ComponentId, BoxError)>) -> Self {
        Self { listening: Mutex::default(), fatal }
    }

    /// Tells that a component has bound an address.
    pub fn report_listening(&self, listening: Listening) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).push(listening);
    }

    /// The addresses bound up to now, in the order of binding.
    pub fn listening(&self) -> Vec<Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The way to report, after the start, that a component cannot go on: the collector shuts down.
    /// When several do so at once, the first is reported.
    pub fn fatal(&self) -> mpsc::Sender<(ComponentId, BoxError)> {
        self.fatal.clone()
    }
}

impl BuildInfo {
    /// `<description>/<version> (<os>/<arch>)`, as upstream forms it.
    pub fn user_agent(&self) -> String {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        format!("{}/{} ({}/{arch})", self.description, self.version, std::env::consts::OS)
    }
}
