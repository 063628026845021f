//! Making a connection: a socket, a tunnel through a proxy if there is one, then TLS if wanted.

use std::io;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::target::Address;
use super::tunnel::{Tunnel, TunnelError};
use crate::tls::{ClientTls, HandshakeError};

/// A byte stream behind a seam: TCP, TLS, a Unix domain socket, or a tunnel.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How to speak to a destination once there is a socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    /// The socket is that of a proxy, and this the way through it.
    pub(super) tunnel: Option<Tunnel>,
    /// TLS with the destination.
    pub(super) tls: Option<Tls>,
}

/// How to speak TLS to a destination.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: ClientTls,
    /// The name that the certificate must be valid for.
    pub(super) name: ServerName<'static>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("cannot resolve {host}")]
    Resolve { host: String, source: io::Error },
    #[error("cannot connect to {address}")]
    Socket { address: Address, source: io::Error },
    #[error("the proxy {address} makes no tunnel")]
    Tunnel { address: Address, source: TunnelError },
    #[error("TLS handshake with {address} failed")]
    Tls { address: Address, source: HandshakeError },
    #[error("HTTP/2 handshake with {address} failed")]
    Http2 { address: Address, source: h2::Error },
    #[error("HTTP handshake with {address} failed")]
    Http { address: Address, source: hyper::Error },
    #[error("no connection within {} s", super::CONNECT_TIMEOUT.as_secs())]
    TimedOut,
}

/// Connects to `address`. What ALPN agreed on is in the second part, when there was TLS.
pub(super) async fn dial(
    address: &Address,
    route: &Route,
) -> Result<(Box<dyn Stream>, Option<Vec<u8>>), ConnectError> {
    let opened = socket(address).await;
    let mut stream = opened.map_err(|source| ConnectError::Socket { address: address.clone(), source })?;
    if let Some(tunnel) = &route.tunnel {
        if let Some(tls) = &tunnel.tls {
            (stream, _) = handshake(address, tls, stream).await?;
        }
        let tunnelled = tunnel.open(stream).await;
        stream = tunnelled.map_err(|source| ConnectError::Tunnel { address: address.clone(), source })?;
    }
    match &route.tls {
        Some(tls) => handshake(address, tls, stream).await,
        None => Ok((stream, None)),
    }
}

async fn socket(address: &Address) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Tcp(address) => {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(Box::new(tcp))
        }
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
    }
}

async fn handshake(
    address: &Address,
    tls: &Tls,
    stream: Box<dyn Stream>,
) -> Result<(Box<dyn Stream>, Option<Vec<u8>>), ConnectError> {
    let connected = TlsConnector::from(tls.config.current().await).connect(tls.name.clone(), stream).await;
    let stream = connected.map_err(|error| ConnectError::Tls {
        address: address.clone(),
        source: HandshakeError::of_client(error),
    })?;
    let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    Ok((Box::new(stream), protocol))
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}
