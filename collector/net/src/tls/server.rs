//! TLS of servers.

use std::sync::Arc;

use etalon_conf::{Check, Secret, Validate};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TlsError;
use super::config::{Common, Source};
use crate::server::Unsupported;

/// TLS of a server.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsServerConfig {
    /// File with the certificate and its chain, PEM.
    pub cert_file: String,
    /// The certificate and its chain themselves, PEM.
    pub cert_pem: Secret,
    /// File with the private key, PEM.
    pub key_file: String,
    /// The private key itself, PEM.
    pub key_pem: Secret,
    /// File with the authorities of client certificates, PEM. When given, clients must show one.
    pub client_ca_file: String,
    /// Not supported.
    pub client_ca_file_reload: Unsupported,
    /// File with authorities, PEM. A server reads it and has no use for it, as in Go.
    pub ca_file: String,
    /// Authorities themselves, PEM. A server has no use for them.
    pub ca_pem: Secret,
    /// Whether the system's authorities count for client certificates too.
    pub include_system_ca_certs_pool: bool,
    /// Lowest version: `1.2` or `1.3`. Empty is 1.2.
    pub min_version: String,
    /// Highest version: `1.2` or `1.3`. Empty is 1.3.
    pub max_version: String,
    /// Cipher suites of TLS 1.2 that are allowed, by their registered names. Empty is all.
    pub cipher_suites: Vec<String>,
    /// Not supported: there are no insecure ones.
    pub include_insecure_cipher_suites: Unsupported,
    /// Curves in the order of preference. Empty is the default.
    pub curve_preferences: Vec<String>,
    /// Not supported.
    pub reload_interval: Unsupported,
    /// Not supported.
    pub tpm: Unsupported,
}

impl TlsServerConfig {
    /// Reads the files and makes what a connection needs. `alpn` is what the server speaks.
    pub(crate) fn load(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
        let common = self.common();
        if common.ca.is_given() {
            common.ca.authorities(false)?;
            tracing::warn!(
                "ca_file and ca_pem have no effect on a server; client_ca_file is what verifies clients"
            );
        }
        let provider = common.provider();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&common.versions())
            .map_err(TlsError::Parameters)?;
        let builder = if self.client_ca_file.is_empty() {
            builder.with_no_client_auth()
        } else {
            let clients = Source { file: &self.client_ca_file, pem: &Secret::default() };
            let authorities = clients.authorities(self.include_system_ca_certs_pool)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
                .build()
                .map_err(TlsError::ClientVerifier)?;
            builder.with_client_cert_verifier(verifier)
        };
        let mut config = builder
            .with_single_cert(common.cert.certificates("certificate")?, common.key.key()?)
            .map_err(TlsError::KeyPair)?;
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn common(&self) -> Common<'_> {
        Common {
            ca: Source { file: &self.ca_file, pem: &self.ca_pem },
            cert: Source { file: &self.cert_file, pem: &self.cert_pem },
            key: Source { file: &self.key_file, pem: &self.key_pem },
            min_version: &self.min_version,
            max_version: &self.max_version,
            cipher_suites: &self.cipher_suites,
            curve_preferences: &self.curve_preferences,
        }
    }
}

impl Validate for TlsServerConfig {
    fn validate(&self, check: &mut Check) {
        let common = self.common();
        common.validate(check);
        if !common.cert.is_given() && !common.key.is_given() {
            check.error("TLS configuration must include both certificate and key for server connections");
        }
        check.field("client_ca_file_reload", &self.client_ca_file_reload);
        check.field("include_insecure_cipher_suites", &self.include_insecure_cipher_suites);
        check.field("reload_interval", &self.reload_interval);
        check.field("tpm", &self.tpm);
    }
}
