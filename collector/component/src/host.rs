//! What a component sees of the collector that runs it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::mpsc;

use crate::{
    AuthenticatorError, BoxError, ClientAuthenticator, ComponentId, Extension, MemoryBudget, MiddlewareError,
    ServerAuthenticator, Status, Storage, StorageError,
};

/// The running collector, as its components see it.
#[derive(Debug)]
pub struct Host {
    extensions: BTreeMap<ComponentId, Extension>,
    listening: Mutex<Vec<Listening>>,
    sockets: Mutex<Vec<HeldSocket>>,
    /// Those of components that are about to be replaced.
    inheritance: Mutex<Vec<HeldSocket>>,
    /// What components of one configuration go on using that those of the next one use as well.
    shared: Arc<Mutex<BTreeMap<PathBuf, Weak<dyn Any + Send + Sync>>>>,
    status: Status,
    fatal: mpsc::Sender<(ComponentId, BoxError)>,
}

/// A listening socket, as long as somebody listens on it.
#[derive(Clone, Debug)]
struct HeldSocket {
    address: Address,
    socket: Weak<dyn Any + Send + Sync>,
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
    /// A host without extensions that passes fatal errors to `fatal`.
    pub fn new(fatal: mpsc::Sender<(ComponentId, BoxError)>) -> Self {
        Self {
            extensions: BTreeMap::new(),
            listening: Mutex::default(),
            sockets: Mutex::default(),
            inheritance: Mutex::default(),
            shared: Arc::default(),
            status: Status::default(),
            fatal,
        }
    }

    /// The host of the next configuration, in which the components stay for which `stays` is true. The
    /// sockets of the others can be inherited.
    pub fn successor(&self, stays: impl Fn(&ComponentId) -> bool) -> Self {
        let listening = self.listening();
        let (kept, gone): (Vec<_>, Vec<_>) = listening.into_iter().partition(|known| stays(&known.component));
        let held = self.sockets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of = |listening: &[Listening]| {
            let is_of = |held: &&HeldSocket| listening.iter().any(|known| known.address == held.address);
            held.iter().filter(is_of).cloned().collect()
        };
        Self {
            extensions: BTreeMap::new(),
            sockets: Mutex::new(of(&kept)),
            inheritance: Mutex::new(of(&gone)),
            listening: Mutex::new(kept),
            shared: self.shared.clone(),
            status: self.status.clone(),
            fatal: self.fatal.clone(),
        }
    }

    /// The listening socket at `address` of a component that is being replaced: whoever takes it over
    /// listens there without the port ever being closed. Only the first who asks gets it. Its type is
    /// known to who has held it.
    pub fn inherited_socket(&self, address: &Address) -> Option<Arc<dyn Any + Send + Sync>> {
        let mut inheritance = self.inheritance.lock().unwrap_or_else(PoisonError::into_inner);
        let place = inheritance.iter().position(|held| held.address == *address)?;
        inheritance.swap_remove(place).socket.upgrade()
    }

    /// Makes a listening socket known, so that a successor can inherit it.
    pub fn hold_socket(&self, address: Address, socket: &Arc<impl Any + Send + Sync>) {
        let socket: Arc<dyn Any + Send + Sync> = socket.clone();
        let held = HeldSocket { address, socket: Arc::downgrade(&socket) };
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }

    /// With the extensions that are in service.
    pub fn with_extensions(mut self, extensions: BTreeMap<ComponentId, Extension>) -> Self {
        self.extensions = extensions;
        self
    }

    /// The authenticator for a server that `id` offers.
    pub fn server_authenticator(
        &self,
        id: &ComponentId,
    ) -> Result<Arc<dyn ServerAuthenticator>, AuthenticatorError> {
        self.authenticator(id)?.server_authenticator().cloned().ok_or(AuthenticatorError::NotServer)
    }

    /// The authenticator for a client that `id` offers. `protocol` is what the client speaks, as people
    /// write it: `gRPC`, `HTTP`.
    pub fn client_authenticator(
        &self,
        id: &ComponentId,
        protocol: &'static str,
    ) -> Result<Arc<dyn ClientAuthenticator>, AuthenticatorError> {
        let offered = self.authenticator(id)?.client_authenticator().cloned();
        offered.ok_or(AuthenticatorError::NotClient(protocol))
    }

    /// The storage that `id` offers.
    pub fn storage(&self, id: &ComponentId) -> Result<&Storage, StorageError> {
        let extension = self.extensions.get(id).ok_or_else(|| StorageError::NotFound(id.clone()))?;
        extension.storage().ok_or_else(|| StorageError::NotStorage(id.clone()))
    }

    /// The budget of memory that `id` offers to a server.
    pub fn memory_budget(&self, id: &ComponentId) -> Result<MemoryBudget, MiddlewareError> {
        let extension = self.extensions.get(id).ok_or_else(|| MiddlewareError::NotFound(id.clone()))?;
        extension.memory_budget().cloned().ok_or_else(|| MiddlewareError::NotServer(id.clone()))
    }

    /// What a component has made known for this path, as long as anybody uses it: the component that takes its place
    /// uses the same.
    pub fn shared(&self, path: &Path) -> Option<Arc<dyn Any + Send + Sync>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).get(path)?.upgrade()
    }

    /// Makes something known for a path.
    pub fn share(&self, path: PathBuf, what: &Arc<impl Any + Send + Sync>) {
        let what: Arc<dyn Any + Send + Sync> = what.clone();
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).insert(path, Arc::downgrade(&what));
    }

    fn authenticator(&self, id: &ComponentId) -> Result<&Extension, AuthenticatorError> {
        self.extensions.get(id).ok_or_else(|| AuthenticatorError::NotFound(id.clone()))
    }

    /// Tells that a component has bound an address.
    pub fn report_listening(&self, listening: Listening) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).push(listening);
    }

    /// The addresses bound up to now, in the order of binding.
    pub fn listening(&self) -> Vec<Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the collector knows of itself: its phase, its components, its configuration. The hosts of all its
    /// configurations share it.
    pub fn status(&self) -> &Status {
        &self.status
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
