//! What servers and clients have in common.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use etalon_conf::{Check, Secret};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, SupportedCipherSuite, SupportedProtocolVersion};
use rustls_pki_types::pem::{Error as PemError, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// Something that is written in a file, or in the configuration itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) pem: &'a Secret,
}

/// The keys that servers and clients have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'a> {
    pub(super) ca: Source<'a>,
    pub(super) cert: Source<'a>,
    pub(super) key: Source<'a>,
    pub(super) min_version: &'a str,
    pub(super) max_version: &'a str,
    pub(super) cipher_suites: &'a [String],
    pub(super) curve_preferences: &'a [String],
}

impl Source<'_> {
    pub(super) fn is_given(self) -> bool {
        !self.file.is_empty() || !self.pem.is_empty()
    }

    fn is_given_twice(self) -> bool {
        !self.file.is_empty() && !self.pem.is_empty()
    }

    /// The PEM text, and what to call it.
    fn read(self, what: &'static str) -> Result<(Vec<u8>, String), TlsError> {
        if self.file.is_empty() {
            return Ok((self.pem.expose().as_bytes().to_vec(), format!("{what} PEM")));
        }
        let path = Path::new(self.file);
        let text = fs::read(path).map_err(|source| TlsError::Read { what, path: path.to_owned(), source })?;
        Ok((text, format!("{what} {}", self.file)))
    }

    /// The certificates in it: at least one.
    pub(super) fn certificates(self, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let (text, what) = self.read(what)?;
        let certificates: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&text).collect();
        match certificates {
            Ok(certificates) if certificates.is_empty() => Err(TlsError::Empty { what }),
            Ok(certificates) => Ok(certificates),
            Err(source) => Err(TlsError::Pem { what, source }),
        }
    }

    /// The first private key in it.
    pub(super) fn key(self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let (text, what) = self.read("key")?;
        PrivateKeyDer::from_pem_slice(&text).map_err(|source| TlsError::Pem { what, source })
    }

    /// The authorities in it, and the system's if asked for.
    pub(super) fn authorities(self, with_system: bool) -> Result<RootCertStore, TlsError> {
        let mut roots = if with_system { system_authorities()? } else { RootCertStore::empty() };
        for certificate in self.certificates("CA")? {
            let refused = |source| TlsError::Authority { what: self.name().to_owned(), source };
            roots.add(certificate).map_err(refused)?;
        }
        Ok(roots)
    }

    fn name(&self) -> &str {
        if self.file.is_empty() { "ca_pem" } else { self.file }
    }
}

/// What the system trusts. Certificates that cannot be read are left out, unless that is all of them.
pub(super) fn system_authorities() -> Result<RootCertStore, TlsError> {
    let mut found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() && !found.errors.is_empty() {
        return Err(TlsError::System(found.errors.swap_remove(0)));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    Ok(roots)
}

impl Common<'_> {
    /// Reports what can be wrong without looking at a file.
    pub(super) fn validate(self, check: &mut Check) {
        if self.ca.is_given_twice() {
            check.error("provide either a CA file or the PEM-encoded string, but not both");
        }
        if self.cert.is_given_twice() {
            check.error("provide either certificate file or PEM, but not both");
        }
        if self.key.is_given_twice() {
            check.error("provide either key file or PEM, but not both");
        }
        if self.cert.is_given() != self.key.is_given() {
            check.error(
                "TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)",
            );
        }
        let mut versions = Vec::new();
        for (key, text) in [("min_version", self.min_version), ("max_version", self.max_version)] {
            match version(text) {
                Ok(version) => versions.push(version),
                Err(problem) => check.error(format!("invalid TLS {key}: {problem}")),
            }
        }
        if let [Some(min), Some(max)] = versions[..]
            && min > max
        {
            check.error("invalid TLS configuration: min_version cannot be greater than max_version");
        }
        for name in self.cipher_suites {
            if suite(name).is_none() {
                check.error(format!("invalid TLS cipher suite: {name:?}"));
            }
        }
        for name in self.curve_preferences {
            if name == "P521" {
                check.error(
                    "curve P521 is not supported by this version; use P256, P384, X25519 or X25519MLKEM768",
                );
            } else if curve(name).is_none() {
                check.error(format!(
                    "invalid curve type: {name}. Expected values are [P256 P384 X25519 X25519MLKEM768]"
                ));
            }
        }
    }

    /// The crypto provider, with the suites and curves that are configured. Suites of TLS 1.3 cannot be
    /// chosen, as in Go.
    pub(super) fn provider(self) -> Arc<CryptoProvider> {
        let mut provider = aws_lc_rs::default_provider();
        if !self.cipher_suites.is_empty() {
            let chosen = |suite: &SupportedCipherSuite| {
                suite.version() == &TLS13 || self.cipher_suites.iter().any(|name| is_named(*suite, name))
            };
            provider.cipher_suites.retain(chosen);
        }
        if !self.curve_preferences.is_empty() {
            provider.kx_groups = self.curve_preferences.iter().filter_map(|name| curve(name)).collect();
        }
        Arc::new(provider)
    }

    /// The versions that are allowed.
    pub(super) fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        let min = version(self.min_version).ok().flatten().unwrap_or(2);
        let max = version(self.max_version).ok().flatten().unwrap_or(3);
        [(2, &TLS12), (3, &TLS13)]
            .into_iter()
            .filter(|(minor, _)| (min..=max).contains(minor))
            .map(|(_, version)| version)
            .collect()
    }
}

/// The minor number of a TLS version; nothing for the empty one, which is the default.
fn version(text: &str) -> Result<Option<u8>, String> {
    match text {
        "" => Ok(None),
        "1.2" => Ok(Some(2)),
        "1.3" => Ok(Some(3)),
        "1.0" | "1.1" => {
            Err(format!("TLS version {text:?} is not supported by this version; 1.2 and 1.3 are"))
        }
        _ => Err(format!("unsupported TLS version: {text:?}")),
    }
}

fn suite(name: &str) -> Option<SupportedCipherSuite> {
    aws_lc_rs::ALL_CIPHER_SUITES.iter().copied().find(|suite| is_named(*suite, name))
}

/// Go has the registered names: `TLS_AES_128_GCM_SHA256`. rustls says TLS13 for those of TLS 1.3.
fn is_named(suite: SupportedCipherSuite, name: &str) -> bool {
    suite.suite().as_str().is_some_and(|known| known == name || known.replacen("TLS13_", "TLS_", 1) == name)
}

fn curve(name: &str) -> Option<&'static dyn SupportedKxGroup> {
    Some(match name {
        "P256" => aws_lc_rs::kx_group::SECP256R1,
        "P384" => aws_lc_rs::kx_group::SECP384R1,
        "X25519" => aws_lc_rs::kx_group::X25519,
        "X25519MLKEM768" => aws_lc_rs::kx_group::X25519MLKEM768,
        _ => return None,
    })
}
