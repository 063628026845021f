//! TLS by rustls, configured with the keys of Go's `configtls`.
//!
//! The crypto provider is passed explicitly everywhere: nothing depends on a default of the process.

mod advice;
mod client;
mod config;
mod files;
mod live;
mod parameters;
mod server;
mod tpm;
mod turns;

pub(crate) use advice::HandshakeError;
pub(crate) use client::ClientTls;
pub use client::TlsClientConfig;
pub use files::{PemFault, TLS_FILE_BYTES_MAX};
pub use live::TlsHealth;
pub(crate) use server::ServerTls;
pub use server::TlsServerConfig;
pub use tpm::TpmConfig;
pub(crate) use turns::Turns;

use etalon_conf::with_causes;

/// Why a TLS configuration cannot be used. The messages begin as Go's do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `ca_file` cannot be used.
    #[error("failed to load CA CertPool File")]
    AuthoritiesFile(#[source] PemFault),
    /// `ca_pem` cannot be used.
    #[error("failed to load CA CertPool PEM")]
    AuthoritiesPem(#[source] PemFault),
    /// `client_ca_file` cannot be used.
    #[error("failed to load client CA CertPool")]
    ClientAuthorities(#[source] PemFault),
    /// `crl_file` cannot be used.
    #[error("failed to load revocation lists")]
    RevocationLists(#[source] PemFault),
    /// The certificate or the key cannot be read.
    #[error("failed to load TLS cert and key")]
    Identity(#[source] PemFault),
    /// There is no certificate.
    #[error("failed to load TLS cert and key: there is none")]
    NoCertificate,
    /// A certificate of an authority cannot be used.
    #[error("failed to use the certificate of an authority")]
    Authority(#[source] rustls::Error),
    /// The system's certificates cannot be read.
    #[error("failed to load the system's CA certificates")]
    System(#[source] rustls_native_certs::Error),
    /// The certificate and the key cannot be used.
    #[error("failed to load TLS cert and key PEMs")]
    KeyPair(#[source] rustls::Error),
    /// The key is that of another certificate.
    #[error(
        "failed to load TLS cert and key PEMs: the private key is not that of the certificate; with several certificates in one file, the server's comes first"
    )]
    OtherKey,
    /// The rules for client certificates cannot be made.
    #[error("failed to use the CA certificates and revocation lists of clients")]
    ClientVerifier(#[source] rustls::server::VerifierBuilderError),
    /// The rules for the server's certificate cannot be made.
    #[error("failed to use the CA certificates of the server")]
    ServerVerifier(#[source] rustls::client::VerifierBuilderError),
    /// No cipher suite, curve and version fit together.
    #[error("no TLS connection is possible with these versions, cipher suites and curves")]
    Parameters(#[source] rustls::Error),
}

impl TlsError {
    fn key_pair(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch) => Self::OtherKey,
            error => Self::KeyPair(error),
        }
    }
}

#[cfg(test)]
mod tests;
