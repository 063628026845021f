//! Handshakes between our own server and client, over a pipe in memory.

mod clients;
mod files;
mod keys;
mod pem;
mod reload;

use std::io;

use etalon_testkit::certificates::{Authority, Signed};
use rustls::{CipherSuite, NamedGroup, ProtocolVersion};
use rustls_pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{ClientTls, ServerTls, TlsClientConfig, TlsServerConfig};

const ALPN: &[&[u8]] = &[b"h2"];
/// Bytes that the pipe holds.
const PIPE: usize = 64 * 1024;

/// What a handshake has agreed on, as the server sees it.
#[derive(Debug, PartialEq, Eq)]
struct Agreed {
    version: ProtocolVersion,
    suite: CipherSuite,
    curve: NamedGroup,
    /// The certificate that the server showed, as the client sees it.
    shown: Vec<u8>,
    is_resumed: bool,
}

/// Why there is no connection, at either end.
#[derive(Debug)]
struct Refused {
    server: String,
    client: String,
}

/// The server's side of a section that has what a server needs.
fn server_of(signed: &Signed) -> TlsServerConfig {
    TlsServerConfig {
        cert_pem: signed.cert().into(),
        key_pem: signed.key().into(),
        ..TlsServerConfig::default()
    }
}

/// A client that trusts `authority`.
fn client_of(authority: &Authority) -> TlsClientConfig {
    TlsClientConfig { ca_pem: authority.cert().into(), ..TlsClientConfig::default() }
}

/// Loads both, and lets the client connect to `localhost`.
async fn handshake(server: &TlsServerConfig, client: &TlsClientConfig) -> Result<Agreed, Refused> {
    shake(&server.load(ALPN).unwrap(), &client.load(ALPN).unwrap()).await
}

/// Lets the client connect to `localhost`, and both exchange a byte: a server of TLS 1.3 refuses a client after the
/// client has finished.
async fn shake(server: &ServerTls, client: &ClientTls) -> Result<Agreed, Refused> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (near, far) = tokio::io::duplex(PIPE);
    let (acceptor, connector) =
        (TlsAcceptor::from(server.current().await), TlsConnector::from(client.current().await));
    let serve = async {
        let mut stream = acceptor.accept(near).await?;
        stream.write_u8(1).await?;
        stream.flush().await?;
        stream.read_u8().await?;
        io::Result::Ok(stream)
    };
    let call = async {
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), far).await?;
        stream.read_u8().await?;
        stream.write_u8(1).await?;
        stream.flush().await?;
        io::Result::Ok(stream)
    };
    let (served, called) = tokio::join!(serve, call);
    match (served, called) {
        (Ok(served), Ok(called)) => {
            let (server, client) = (served.get_ref().1, called.get_ref().1);
            Ok(Agreed {
                version: server.protocol_version().unwrap(),
                suite: server.negotiated_cipher_suite().unwrap().suite(),
                curve: server
                    .negotiated_key_exchange_group()
                    .map_or(NamedGroup::Unknown(0), rustls::crypto::SupportedKxGroup::name),
                shown: client.peer_certificates().unwrap()[0].to_vec(),
                is_resumed: client.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            })
        }
        (served, called) => {
            let told = |result: io::Result<()>| {
                result.map_or_else(|error| error.to_string(), |()| "fine".to_owned())
            };
            Err(Refused { server: told(served.map(drop)), client: told(called.map(drop)) })
        }
    }
}
