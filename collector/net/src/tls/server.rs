//! TLS of servers.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use etalon_conf::{Check, Duration, Secret, Validate};
use etalon_telemetry::tell;
use rustls::ServerConfig;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TlsError;
use super::config::{Common, authorities, common_of};
use super::files::{Source, Text};
use super::live::{Live, Part, Section};
use super::parameters::Parameters;
use super::tpm::TpmConfig;

/// Authorities and revocation lists are looked at again after this time.
const CLIENTS_AGAIN: StdDuration = StdDuration::from_secs(1);

/// TLS of a server.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsServerConfig {
    /// File with the server's certificate and the chain above it, PEM.
    pub cert_file: String,
    /// The server's certificate and the chain above it themselves, PEM. Instead of `cert_file`.
    pub cert_pem: Secret,
    /// File with the server's private key, PEM, without a passphrase.
    pub key_file: String,
    /// The server's private key itself, PEM. Instead of `key_file`.
    pub key_pem: Secret,
    /// File with the authorities of client certificates, PEM. When it is given, a client must show a certificate
    /// that one of them has signed.
    pub client_ca_file: String,
    /// Whether a change of `client_ca_file` is taken over while the collector runs. The file is looked at when a
    /// client connects, at most once a second.
    pub client_ca_file_reload: bool,
    /// File with revocation lists, PEM: clients whose certificate is on one are refused. It needs
    /// `client_ca_file`, and a list of each authority whose clients shall get in; a list past its date lets
    /// nobody in. A change is taken over while the collector runs, as with `client_ca_file_reload`.
    pub crl_file: String,
    /// File with authorities, PEM. It must be readable, and has no effect: `client_ca_file` is for clients.
    pub ca_file: String,
    /// Authorities themselves, PEM. They must be valid, and have no effect: `client_ca_file` is for clients.
    pub ca_pem: Secret,
    /// Whether clients with a certificate of an authority of the system get in too, besides those of
    /// `client_ca_file`.
    pub include_system_ca_certs_pool: bool,
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
    /// The files of certificate and key are looked at again when a client connects and this time has passed.
    /// 0 is never.
    pub reload_interval: Duration,
    /// A key in a TPM. Not supported: only `enabled: false` is accepted.
    pub tpm: TpmConfig,
}

/// What a server needs for its handshakes.
pub(crate) type ServerTls = Live<ServerSection>;

/// A section, and what the server speaks on top.
pub(crate) struct ServerSection {
    config: TlsServerConfig,
    alpn: Vec<Vec<u8>>,
}

impl TlsServerConfig {
    /// Reads the files and makes what a connection needs. `alpn` is what the server speaks.
    pub(crate) fn load(&self, alpn: &[&[u8]]) -> Result<ServerTls, TlsError> {
        self.common().parameters.warn();
        if self.common().ca.is_given() {
            let text = self.common().ca.read("cert").map_err(self.common().ca_error())?;
            text.certificates().map_err(self.common().ca_error())?;
            tell!(TlsCaIgnored);
        }
        let alpn = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Live::load(ServerSection { config: self.clone(), alpn })
    }

    fn common(&self) -> Common<'_> {
        common_of!(self)
    }

    /// Who verifies clients, of the text of `client_ca_file` and that of `crl_file`.
    fn verifier(
        &self,
        clients: &Text,
        lists: Option<&Text>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let certificates = clients.certificates().map_err(TlsError::ClientAuthorities)?;
        let roots = authorities(certificates, self.include_system_ca_certs_pool)?;
        let provider = self.common().parameters.provider();
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if let Some(lists) = lists {
            let lists = lists.revocation_lists().map_err(TlsError::RevocationLists)?;
            builder = builder.with_crls(lists).enforce_revocation_expiration();
        }
        builder.build().map_err(TlsError::ClientVerifier)
    }
}

impl Section for ServerSection {
    type Settings = ServerConfig;

    fn parts(&self) -> Vec<Part<'_>> {
        const NO_PEM: &Secret = &Secret::EMPTY;
        let config = &self.config;
        let mut parts = config.common().identity();
        if !config.client_ca_file.is_empty() {
            parts.push(Part {
                source: Source { file: &config.client_ca_file, pem: NO_PEM },
                what: "cert",
                error: TlsError::ClientAuthorities,
                again: config.client_ca_file_reload.then_some(CLIENTS_AGAIN),
            });
        }
        if !config.crl_file.is_empty() {
            parts.push(Part {
                source: Source { file: &config.crl_file, pem: NO_PEM },
                what: "CRL",
                error: TlsError::RevocationLists,
                again: Some(CLIENTS_AGAIN),
            });
        }
        parts
    }

    fn certificate<'a>(&self, texts: &'a [Text]) -> Option<&'a Text> {
        texts.first()
    }

    fn build(&self, texts: &[Text]) -> Result<ServerConfig, TlsError> {
        let parameters = self.config.common().parameters;
        let builder = ServerConfig::builder_with_provider(parameters.provider())
            .with_protocol_versions(&parameters.versions())
            .map_err(TlsError::Parameters)?;
        let [cert, key, clients @ ..] = texts else { return Err(TlsError::NoCertificate) };
        let builder = match clients {
            [] => builder.with_no_client_auth(),
            [authorities, lists @ ..] => {
                builder.with_client_cert_verifier(self.config.verifier(authorities, lists.first())?)
            }
        };
        let certificates = cert.certificates().map_err(TlsError::Identity)?;
        let key = key.key().map_err(TlsError::Identity)?;
        let mut config = builder.with_single_cert(certificates, key).map_err(TlsError::key_pair)?;
        if !clients.is_empty() {
            // A session that is taken up again shows no certificate, so that one which has expired or has been
            // revoked since would go unseen.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}

impl Validate for TlsServerConfig {
    fn validate(&self, check: &mut Check) {
        let common = self.common();
        common.validate(check);
        if !common.cert.is_given() && !common.key.is_given() {
            check.error("TLS configuration must include both certificate and key for server connections");
        }
        if self.client_ca_file.is_empty() && !self.crl_file.is_empty() {
            check.at("crl_file", |check| {
                check.error_with_help(
                    "revocation lists are of client certificates, and clients are asked for none",
                    "add client_ca_file, or remove crl_file",
                );
            });
        }
        check.field("tpm", &self.tpm);
    }
}
