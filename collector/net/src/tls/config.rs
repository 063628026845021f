//! What servers and clients have in common.

use std::time::Duration as StdDuration;

use etalon_conf::{Check, Duration};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use super::TlsError;
use super::files::{PemFault, Source, system_authorities};
use super::live::Part;
use super::parameters::Parameters;

/// The keys that servers and clients have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'a> {
    pub(super) ca: Source<'a>,
    pub(super) cert: Source<'a>,
    pub(super) key: Source<'a>,
    pub(super) reload_interval: Duration,
    pub(super) parameters: Parameters<'a>,
}

/// The [`Common`] keys of a configuration, which both kinds have under the same names.
macro_rules! common_of {
    ($config:expr) => {
        Common {
            ca: Source { file: &$config.ca_file, pem: &$config.ca_pem },
            cert: Source { file: &$config.cert_file, pem: &$config.cert_pem },
            key: Source { file: &$config.key_file, pem: &$config.key_pem },
            reload_interval: $config.reload_interval,
            parameters: Parameters {
                min_version: &$config.min_version,
                max_version: &$config.max_version,
                cipher_suites: &$config.cipher_suites,
                include_insecure_cipher_suites: $config.include_insecure_cipher_suites,
                curve_preferences: &$config.curve_preferences,
            },
        }
    };
}
pub(super) use common_of;

impl<'a> Common<'a> {
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
        if self.reload_interval.is_negative() {
            check.at("reload_interval", |check| check.error("must not be negative; 0 is never"));
        }
        self.parameters.validate(check);
    }

    /// Certificate and key, when they are given.
    pub(super) fn identity(self) -> Vec<Part<'a>> {
        if !self.cert.is_given() {
            return Vec::new();
        }
        let part = |source, what| Part { source, what, error: TlsError::Identity, again: self.again() };
        vec![part(self.cert, "TLS cert"), part(self.key, "TLS key")]
    }

    /// When files are looked at again.
    pub(super) fn again(self) -> Option<StdDuration> {
        (!self.reload_interval.is_zero()).then(|| self.reload_interval.to_std())
    }

    /// How an error with the authorities is reported.
    pub(super) fn ca_error(self) -> fn(PemFault) -> TlsError {
        if self.ca.file.is_empty() { TlsError::AuthoritiesPem } else { TlsError::AuthoritiesFile }
    }
}

/// A store of these authorities, and the system's if asked for.
pub(super) fn authorities(
    certificates: Vec<CertificateDer<'static>>,
    with_system: bool,
) -> Result<RootCertStore, TlsError> {
    let mut roots =
        if with_system { system_authorities().map_err(TlsError::System)? } else { RootCertStore::empty() };
    for certificate in certificates {
        roots.add(certificate).map_err(TlsError::Authority)?;
    }
    Ok(roots)
}
