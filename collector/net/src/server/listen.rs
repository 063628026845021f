//! Binds a listening socket where Go's `net.Listen` would.

mod unix;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use etalon_component::Address;
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
pub(super) async fn listen(transport: Transport, endpoint: &str) -> Result<Listener, ListenError> {
    if transport == Transport::Unix {
        let (listener, file) = unix::bind(endpoint).await?;
        return Ok(Listener::Unix(listener, file));
    }
    let (host, port) =
        split(endpoint).ok_or_else(|| ListenError::Endpoint { endpoint: endpoint.to_owned() })?;
    let address = address(transport, endpoint, host, port).await?;
    let refused = |address, source| ListenError::Bind { endpoint: endpoint.to_owned(), address, source };
    let dual = transport == Transport::Tcp && address.ip() == Ipv6Addr::UNSPECIFIED;
    match bind(address, dual) {
        Err(error) if dual && is_without_ipv6(&error) => {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            bind(address, false).map_err(|source| refused(address, source))
        }
        Err(source) => Err(refused(address, source)),
        Ok(listener) => Ok(listener),
    }
    .map(Listener::Tcp)
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
    use super::*;

    async fn bound(transport: Transport, endpoint: &str) -> Result<(Listener, SocketAddr), ListenError> {
        let listener = listen(transport, endpoint).await?;
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
        let error = listen(Transport::Tcp, &address.to_string()).await.unwrap_err();
        assert!(error.to_string().contains(&format!("cannot listen on {address}")), "{error}");
        let ListenError::Bind { source, .. } = error else { panic!("{error:?}") };
        assert_eq!(source.kind(), io::ErrorKind::AddrInUse);
    }
}
