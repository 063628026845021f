//! Binds a listening socket where Go's `net.Listen` would.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

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
    /// The system does not tell the address that was bound.
    #[error("cannot tell the address that was bound")]
    LocalAddress(#[source] io::Error),
    /// A file of the TLS configuration cannot be used.
    #[error("failed to load TLS config")]
    Tls(#[from] TlsError),
}

/// Listens on `<host>:<port>`. No host, `0.0.0.0` and `[::]` all are every address of the machine, over IPv6
/// and IPv4; of a name, the first IPv4 address is taken, else the first.
pub(super) async fn listen(endpoint: &str) -> Result<TcpListener, ListenError> {
    let (host, port) =
        split(endpoint).ok_or_else(|| ListenError::Endpoint { endpoint: endpoint.to_owned() })?;
    let address = if host.is_empty() { Ok(Ipv6Addr::UNSPECIFIED.into()) } else { host.parse::<IpAddr>() };
    let address = match address {
        Ok(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        Ok(ip) => SocketAddr::from((ip, port)),
        Err(_) => resolved(endpoint, host, port).await?,
    };
    let refused = |address, source| ListenError::Bind { endpoint: endpoint.to_owned(), address, source };
    match bind(address) {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && is_without_ipv6(&error) => {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            bind(address).map_err(|source| refused(address, source))
        }
        Err(source) => Err(refused(address, source)),
        Ok(listener) => Ok(listener),
    }
}

async fn resolved(endpoint: &str, host: &str, port: u16) -> Result<SocketAddr, ListenError> {
    let unresolved = |source| ListenError::Resolve { endpoint: endpoint.to_owned(), source };
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(unresolved)?.collect();
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first());
    address.copied().ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))
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

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
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
        let listener = listen("localhost:0").await.unwrap();
        assert_eq!(listener.local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
    }

    #[tokio::test]
    async fn every_address_is_ipv4_too() {
        for endpoint in [":0", "0.0.0.0:0", "[::]:0"] {
            let listener = listen(endpoint).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            tokio::net::TcpStream::connect(address).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_the_address() {
        let first = listen("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap();
        let error = listen(&address.to_string()).await.unwrap_err();
        assert!(error.to_string().contains(&format!("cannot listen on {address}")), "{error}");
        let ListenError::Bind { source, .. } = error else { panic!("{error:?}") };
        assert_eq!(source.kind(), io::ErrorKind::AddrInUse);
    }
}
