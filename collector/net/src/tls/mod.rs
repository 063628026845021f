//! TLS by rustls, configured with the keys of Go's `configtls`.
//!
//! The crypto provider is passed explicitly everywhere: nothing depends on a default of the process.

mod client;
mod config;
mod server;

pub use client::TlsClientConfig;
pub use server::TlsServerConfig;

use std::io;
use std::path::PathBuf;

use rustls_pki_types::pem;

/// Why a TLS configuration cannot be used. The messages begin as Go's do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("failed to load {what} {path:?}")]
    Read {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A PEM text cannot be read.
    #[error("failed to parse {what}")]
    Pem {
        /// What it holds, and where it comes from.
        what: String,
        /// Cause.
        source: pem::Error,
    },
    /// A PEM text has no certificate in it.
    #[error("failed to parse {what}: there is no certificate in it")]
    Empty {
        /// What it should hold, and where it comes from.
        what: String,
    },
    /// A certificate of an authority cannot be used.
    #[error("failed to use a certificate of {what}")]
    Authority {
        /// Where it comes from.
        what: String,
        /// Cause.
        source: rustls::Error,
    },
    /// The system's certificates cannot be read.
    #[error("failed to load the system's CA certificates")]
    System(#[source] rustls_native_certs::Error),
    /// The certificate and the key cannot be used, or do not belong together.
    #[error("failed to load TLS cert and key PEMs")]
    KeyPair(#[source] rustls::Error),
    /// The rules for client certificates cannot be made.
    #[error("failed to use the CA certificates of clients")]
    ClientVerifier(#[source] rustls::server::VerifierBuilderError),
    /// The rules for the server's certificate cannot be made.
    #[error("failed to use the CA certificates of the server")]
    ServerVerifier(#[source] rustls::client::VerifierBuilderError),
    /// No cipher suite, curve and version fit together.
    #[error("no TLS connection is possible with these versions, cipher suites and curves")]
    Parameters(#[source] rustls::Error),
}
