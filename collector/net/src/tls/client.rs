//! TLS of clients.

use std::sync::Arc;

use etalon_conf::{Check, Duration, Secret, Validate};
use etalon_telemetry::tell;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TlsError;
use super::config::{Common, authorities, common_of};
use super::files::{Source, Text, system_authorities};
use super::live::{Live, Part, Section};
use super::parameters::Parameters;
use super::tpm::TpmConfig;

/// TLS of a client.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsClientConfig {
    /// Whether to speak plaintext, unless a CA is configured. `otlp_http` goes by the scheme of the URL instead.
    pub insecure: bool,
    /// Whether any certificate of the server is accepted: for a test, never for more.
    pub insecure_skip_verify: bool,
    /// Name that the server's certificate must be valid for, instead of the host of the endpoint.
    pub server_name_override: String,
    /// File with the authorities of the server's certificate, PEM. Without it those of the system count.
    pub ca_file: String,
    /// The authorities of the server's certificate themselves, PEM. Instead of `ca_file`.
    pub ca_pem: Secret,
    /// Whether the authorities of the system count besides those given.
    pub include_system_ca_certs_pool: bool,
    /// File with the client's certificate and the chain above it, PEM, for servers that ask for one.
    pub cert_file: String,
    /// The client's certificate and the chain above it themselves, PEM. Instead of `cert_file`.
    pub cert_pem: Secret,
    /// File with the client's private key, PEM, without a passphrase.
    pub key_file: String,
    /// The client's private key itself, PEM. Instead of `key_file`.
    pub key_pem: Secret,
    /// Lowest version: `1.2` or `1.3`. Empty is 1.2. With `1.0` and `1.1` it is 1.2 as well, with a warning.
    pub min_version: String,
    /// Highest version: `1.2` or `1.3`. Empty is 1.3.
    pub max_version: String,
    /// Cipher suites of TLS 1.2 that are allowed, by their registered names. Empty is all. Those of TLS 1.3
    /// cannot be chosen.
    pub cipher_suites: Vec<String>,
    /// Not supported: there are no insecure cipher suites. Only `false` is accepted.
    pub include_insecure_cipher_suites: bool,
    /// Curves that are allowed, in the order of preference: X25519MLKEM768, X25519, P256, P384. Empty is all, in
    /// this order.
    pub curve_preferences: Vec<String>,
    /// The files of authorities, certificate and key are looked at again when a connection is made and this time
    /// has passed. 0 is never.
    pub reload_interval: Duration,
    /// A key in a TPM. Not supported: only `enabled: false` is accepted.
    pub tpm: TpmConfig,
}

/// What a client needs for its handshakes.
pub(crate) type ClientTls = Live<ClientSection>;

/// A section, and what the client speaks on top.
pub(crate) struct ClientSection {
    config: TlsClientConfig,
    alpn: Vec<Vec<u8>>,
}

impl TlsClientConfig {
    /// Whether the section alone asks for TLS: unless it is `insecure` and has no CA.
    pub fn is_wanted(&self) -> bool {
        !self.insecure || self.common().ca.is_given()
    }

    /// Reads the files and makes what a connection needs. `alpn` is what the client speaks.
    pub(crate) fn load(&self, alpn: &[&[u8]]) -> Result<ClientTls, TlsError> {
        self.common().parameters.warn();
        if self.insecure_skip_verify {
            tell!(TlsVerificationOff);
        }
        let alpn = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Live::load(ClientSection { config: self.clone(), alpn })
    }

    fn common(&self) -> Common<'_> {
        common_of!(self)
    }

    /// Who verifies the server, of the text of the authorities if there are any.
    fn verifier(
        &self,
        given: Option<&Text>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let roots = match given {
            Some(text) => {
                let certificates = text.certificates().map_err(self.common().ca_error())?;
                authorities(certificates, self.include_system_ca_certs_pool)?
            }
            None if self.insecure_skip_verify => RootCertStore::empty(),
            None => system_authorities().map_err(TlsError::System)?,
        };
        if self.insecure_skip_verify {
            return Ok(Arc::new(Anyone(provider)));
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(builder.build().map_err(TlsError::ServerVerifier)?)
    }
}

impl Section for ClientSection {
    type Settings = ClientConfig;

    /// Certificate and key if there are any, then the authorities if there are any.
    fn parts(&self) -> Vec<Part<'_>> {
        let common = self.config.common();
        let mut parts = common.identity();
        if common.ca.is_given() {
            parts.push(Part {
                source: common.ca,
                what: "cert",
                error: common.ca_error(),
                again: common.again(),
            });
        }
        parts
    }

    fn certificate<'a>(&self, texts: &'a [Text]) -> Option<&'a Text> {
        texts.first().filter(|_| self.config.common().cert.is_given())
    }

    fn build(&self, texts: &[Text]) -> Result<ClientConfig, TlsError> {
        let common = self.config.common();
        let provider = common.parameters.provider();
        let (identity, given) = match texts {
            [cert, key, given @ ..] if common.cert.is_given() => (Some((cert, key)), given.first()),
            given => (None, given.first()),
        };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&common.parameters.versions())
            .map_err(TlsError::Parameters)?
            .dangerous()
            .with_custom_certificate_verifier(self.config.verifier(given, provider)?);
        let mut config = match identity {
            Some((cert, key)) => {
                let certificates = cert.certificates().map_err(TlsError::Identity)?;
                let key = key.key().map_err(TlsError::Identity)?;
                builder.with_client_auth_cert(certificates, key).map_err(TlsError::key_pair)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
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
