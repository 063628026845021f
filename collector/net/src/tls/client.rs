//! TLS of clients.

use std::sync::Arc;

use etalon_conf::{Check, Secret, Validate};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TlsError;
use super::config::{Common, Source, system_authorities};
use crate::server::Unsupported;

/// TLS of a client.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsClientConfig {
    /// No TLS, unless a CA is configured. HTTP clients go by the scheme of the URL instead.
    pub insecure: bool,
    /// Accept any certificate of the server.
    pub insecure_skip_verify: bool,
    /// The name that the server's certificate must be valid for, instead of the host.
    pub server_name_override: String,
    /// File with the authorities of the server's certificate, PEM. Without it the system's count.
    pub ca_file: String,
    /// The authorities themselves, PEM.
    pub ca_pem: Secret,
    /// Whether the system's authorities count besides those given.
    pub include_system_ca_certs_pool: bool,
    /// File with the client's certificate and its chain, PEM.
    pub cert_file: String,
    /// The client's certificate and its chain themselves, PEM.
    pub cert_pem: Secret,
    /// File with the client's private key, PEM.
    pub key_file: String,
    /// The client's private key itself, PEM.
    pub key_pem: Secret,
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

impl TlsClientConfig {
    /// Whether the section alone asks for TLS: unless it is `insecure` and has no CA.
    pub fn is_wanted(&self) -> bool {
        !self.insecure || self.common().ca.is_given()
    }

    /// Reads the files and makes what a connection needs. `alpn` is what the client speaks.
    pub(crate) fn load(&self, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
        let common = self.common();
        let provider = common.provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&common.versions())
            .map_err(TlsError::Parameters)?;
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        } else {
            let authorities = if common.ca.is_given() {
                common.ca.authorities(self.include_system_ca_certs_pool)?
            } else {
                system_authorities()?
            };
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider)
                .build()
                .map_err(TlsError::ServerVerifier)?;
            builder.with_webpki_verifier(verifier)
        };
        let mut config = if common.cert.is_given() {
            let certificates = common.cert.certificates("certificate")?;
            builder.with_client_auth_cert(certificates, common.key.key()?).map_err(TlsError::KeyPair)?
        } else {
            builder.with_no_client_auth()
        };
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

impl Validate for TlsClientConfig {
    fn validate(&self, check: &mut Check) {
        self.common().validate(check);
        if !self.server_name_override.is_empty()
            && ServerName::try_from(self.server_name_override.as_str()).is_err()
        {
            check.at("server_name_override", |check| check.error("this is not a host name or an IP address"));
        }
        check.field("include_insecure_cipher_suites", &self.include_insecure_cipher_suites);
        check.field("reload_interval", &self.reload_interval);
        check.field("tpm", &self.tpm);
    }
}

/// Accepts any certificate, but only from who holds its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
