//! Making a connection: TCP, then TLS if wanted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A byte stream behind a seam: TCP or TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How to speak TLS to a destination.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<rustls::ClientConfig>,
    /// The name that the certificate must be valid for.
    pub(super) name: ServerName<'static>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("cannot resolve {host}")]
    Resolve { host: String, source: io::Error },
    #[error("cannot connect to {address}")]
    Tcp { address: SocketAddr, source: io::Error },
    #[error("TLS handshake with {address} failed")]
    Tls { address: SocketAddr, source: io::Error },
    #[error("HTTP/2 handshake with {address} failed")]
    Http2 { address: SocketAddr, source: h2::Error },
    #[error("HTTP/1.1 handshake with {address} failed")]
    Http1 { address: SocketAddr, source: hyper::Error },
    #[error("no connection within {} s", super::CONNECT_TIMEOUT.as_secs())]
    TimedOut,
}

/// Connects to `address`. What ALPN agreed on is in the second part, when there was TLS.
pub(super) async fn dial(
    address: SocketAddr,
    tls: Option<&Tls>,
) -> Result<(Box<dyn Stream>, Option<Vec<u8>>), ConnectError> {
    let tcp = TcpStream::connect(address).await.map_err(|source| ConnectError::Tcp { address, source })?;
    tcp.set_nodelay(true).map_err(|source| ConnectError::Tcp { address, source })?;
    let Some(tls) = tls else { return Ok((Box::new(tcp), None)) };
    let connected = TlsConnector::from(tls.config.clone()).connect(tls.name.clone(), tcp).await;
    let stream = connected.map_err(|source| ConnectError::Tls { address, source })?;
    let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    Ok((Box::new(stream), protocol))
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}
