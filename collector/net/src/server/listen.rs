//! Binds a listening socket where Go's `net.Listen` would.

mod unix;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use etalon_component::{Address, Host};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::stream::{Peer, Stream};
use super::transport::Transport;
use crate::tls::TlsError;

/// Connections that the kernel keeps for us to accept.
const BACKLOG: i32 = 1024;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The extension that `auth` names cannot be used.
    #[error(transparent)]
    Authenticator(#[from] etalon_component::AuthenticatorError),
    /// An extension that `middlewares` names cannot be used.
    #[error(transparent)]
    Middleware(#[from] etalon_component::MiddlewareError),
    /// The endpoint is not `<host>:<port>`.
    #[error("invalid endpoint {endpoint:?}: expected <host>:<port>")]
    Endpoint {
        /// The endpoint as configured.
        endpoint: String,
    },
    /// The host has no address.
    #[error("cannot resolve the host of endpoint {endpoint:?}")]
    Resolve {
        /// The endpoint as configured.
        endpoint: String,
        /// Cause.
        source: io::Error,
    },
    /// The host has addresses, but none that the transport can use.
    #[error("the host of endpoint {endpoint:?} has no address for transport {transport}")]
    NoAddress {
        /// The endpoint as configured.
        endpoint: String,
        /// The transport as configured.
        transport: Transport,
    },
    /// The address is in use, is not of this machine, or may not be bound.
    #[error("cannot listen on {address} (endpoint {endpoint:?})")]
    Bind {
        /// The endpoint as configured.
        endpoint: String,
        /// The address that was tried.
        address: SocketAddr,
        /// Cause.
        source: io::Error,
    },
    /// The socket file cannot be made.
    #[error("cannot listen on the socket file {path:?}")]
    SocketFile {
        /// The path as configured.
        path: String,
        /// Cause.
        source: io::Error,
    },
    /// Another process listens on the socket file.
    #[error("another process listens on the socket file {path:?}")]
    SocketInUse {
        /// The path as configured.
        path: String,
    },
    /// There is a file which is not a socket: it is left alone.
    #[error("cannot listen on {path:?}: there is a file which is not a socket")]
    NotASocket {
        /// The path as configured.
        path: String,
    },
    /// The system does not tell the address that was bound.
    #[error("cannot tell the address that was bound")]
    LocalAddress(#[source] io::Error),
    /// A file of the TLS configuration cannot be used.
    #[error("failed to load TLS config")]
    Tls(#[from] TlsError),
}

/// A bound socket. Dropping it removes its file, if it has one.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, unix::SocketFile),
}

impl Listener {
    /// The address as bound.
    pub(super) fn address(&self) -> Result<Address, ListenError> {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map(Address::Network).map_err(ListenError::LocalAddress)
            }
            Self::Unix(_, file) => Ok(Address::Unix(file.path().to_owned())),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Peer::Network(address)))
            }
            Self::Unix(listener, _) => Ok((Stream::Unix(listener.accept().await?.0), Peer::Local)),
        }
    }
}

/// Listens on `<host>:<port>`, or on a socket file.
///
/// No host, `0.0.0.0` and `[::]` all are every address of the machine, over the kinds of IP that the transport has;
/// of a name, the first IPv4 address is taken, else the first.
///
/// A socket that a component which is being replaced has at the address is taken over.
pub(super) async fn listen(
    transport: Transport,
    endpoint: &str,
    host: &Host,
) -> Result<Arc<Listener>, ListenError> {
    let listener = match transport {
        Transport::Unix => match inherited(host, &Address::Unix(endpoint.into())) {
            Some(inherited) => inherited,
            None => {
                let (listener, file) = unix::bind(endpoint).await?;
                Arc::new(Listener::Unix(listener, file))
            }
        },
        Transport::Tcp | Transport::Tcp4 | Transport::Tcp6 => {
            listen_on_port(transport, endpoint, host).await?
        }
    };
    host.hold_socket(listener.address()?, &listener);
    Ok(listener)
}

async fn listen_on_port(
    transport: Transport,
    endpoint: &str,
    host: &Host,
) -> Result<Arc<Listener>, ListenError> {
    let (name, port) =
        split(endpoint).ok_or_else(|| ListenError::Endpoint { endpoint: endpoint.to_owned() })?;
    let address = address(transport, endpoint, name, port).await?;
    let take = |address, dual| match inherited(host, &Address::Network(address)) {
        Some(inherited) => Ok(inherited),
        None => bind(address, dual).map(|listener| Arc::new(Listener::Tcp(listener))),
    };
    let refused = |address, source| ListenError::Bind { endpoint: endpoint.to_owned(), address, source };
    let dual = transport == Transport::Tcp && address.ip() == Ipv6Addr::UNSPECIFIED;
    match take(address, dual) {
        Err(error) if dual && is_without_ipv6(&error) => {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            take(address, false).map_err(|source| refused(address, source))
        }
        taken => taken.map_err(|source| refused(address, source)),
    }
}

fn inherited(host: &Host, address: &Address) -> Option<Arc<Listener>> {
    host.inherited_socket(address)?.downcast().ok()
}

async fn address(
    transport: Transport,
    endpoint: &str,
    host: &str,
    port: u16,
) -> Result<SocketAddr, ListenError> {
    let every_address = if transport == Transport::Tcp4 {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let found = match host.parse::<IpAddr>() {
        _ if host.is_empty() => vec![every_address],
        Ok(ip) if ip.is_unspecified() && transport == Transport::Tcp => vec![every_address],
        Ok(ip) => vec![ip],
        Err(_) => {
            let unresolved = |source| ListenError::Resolve { endpoint: endpoint.to_owned(), source };
            let found = tokio::net::lookup_host((host, port)).await.map_err(unresolved)?;
            found.map(|address| address.ip()).collect()
        }
    };
    let mut usable = found.iter().filter(|ip| match transport {
        Transport::Tcp4 => ip.is_ipv4(),
        Transport::Tcp6 => ip.is_ipv6(),
        Transport::Tcp | Transport::Unix => true,
    });
    let first = usable.clone().find(|ip| ip.is_ipv4()).or(usable.next());
    let none = || ListenError::NoAddress { endpoint: endpoint.to_owned(), transport };
    first.map(|ip| SocketAddr::from((*ip, port))).ok_or_else(none)
}

/// Whether an endpoint can be read.
pub(super) fn is_endpoint(endpoint: &str) -> bool {
    split(endpoint).is_some()
}

fn split(endpoint: &str) -> Option<(&str, u16)> {
    let (host, port) = endpoint.rsplit_once(':')?;
    let port = port.parse().ok()?;
    match host.strip_prefix('[') {
        Some(host) => Some((host.strip_suffix(']')?, port)),
        None if host.contains(':') => None,
        None => Some((host, port)),
    }
}

/// Binds an address; a `dual` one of IPv6 is for IPv4 too.
fn bind(address: SocketAddr, dual: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Linux: the address family is compiled out, or switched off.
fn is_without_ipv6(error: &io::Error) -> bool {
    /// `EAFNOSUPPORT` of errno(3) on Linux.
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    use etalon_component::Listening;

    use super::*;

    fn host() -> Host {
        Host::new(tokio::sync::mpsc::channel(1).0)
    }

    async fn bound(transport: Transport, endpoint: &str) -> Result<(Arc<Listener>, SocketAddr), ListenError> {
        let listener = listen(transport, endpoint, &host()).await?;
        let address = listener.address()?.network().expect("a network address");
        Ok((listener, address))
    }

    #[test]
    fn endpoints_are_split_at_the_port() {
        assert_eq!(split("localhost:4317"), Some(("localhost", 4317)));
        assert_eq!(split(":4317"), Some(("", 4317)));
        assert_eq!(split("[::1]:4317"), Some(("::1", 4317)));
        for wrong in ["", "localhost", "::1:4317", "[::1:4317", "localhost:", "localhost:99999", "a:b"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn localhost_is_the_ipv4_loopback() {
        for transport in [Transport::Tcp, Transport::Tcp4] {
            assert_eq!(bound(transport, "localhost:0").await.unwrap().1.ip(), Ipv4Addr::LOCALHOST);
        }
    }

    #[tokio::test]
    async fn every_address_is_ipv4_too() {
        for endpoint in [":0", "0.0.0.0:0", "[::]:0"] {
            let (_listener, bound) = bound(Transport::Tcp, endpoint).await.unwrap();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port()));
            tokio::net::TcpStream::connect(address).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_transport_of_one_kind_of_ip_listens_on_no_other() {
        assert_eq!(bound(Transport::Tcp4, ":0").await.unwrap().1.ip(), Ipv4Addr::UNSPECIFIED);
        let (_listener, six) = bound(Transport::Tcp6, ":0").await.unwrap();
        assert_eq!(six.ip(), Ipv6Addr::UNSPECIFIED);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, six.port()));
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
        for (transport, endpoint) in [(Transport::Tcp4, "[::1]:0"), (Transport::Tcp6, "127.0.0.1:0")] {
            let error = bound(transport, endpoint).await.unwrap_err();
            assert!(matches!(error, ListenError::NoAddress { .. }), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_the_address() {
        let (_first, address) = bound(Transport::Tcp, "127.0.0.1:0").await.unwrap();
        let error = listen(Transport::Tcp, &address.to_string(), &host()).await.unwrap_err();
        assert!(error.to_string().contains(&format!("cannot listen on {address}")), "{error}");
        let ListenError::Bind { source, .. } = error else { panic!("{error:?}") };
        assert_eq!(source.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_socket_passes_to_the_successor_and_stays_open() {
        let first = host();
        let listener = listen(Transport::Tcp, "127.0.0.1:0", &first).await.unwrap();
        let address = listener.address().unwrap();
        first.report_listening(Listening {
            component: "otlp".parse().unwrap(),
            protocol: "grpc",
            address: address.clone(),
            tls: false,
        });
        let second = first.successor(|_| false);
        let inherited = listen(Transport::Tcp, &address.to_string(), &second).await.unwrap();
        assert!(Arc::ptr_eq(&listener, &inherited));
        drop(listener);
        assert!(tokio::net::TcpStream::connect(address.network().unwrap()).await.is_ok());
        let twice = listen(Transport::Tcp, &address.to_string(), &second).await;
        assert!(matches!(twice, Err(ListenError::Bind { .. })), "only one can have it");
        let unchanged = first.successor(|_| true);
        let other = listen(Transport::Tcp, &address.to_string(), &unchanged).await;
        assert!(matches!(other, Err(ListenError::Bind { .. })), "one that stays keeps it");
    }
}
