//! Versions, cipher suites and curves: the names that users write, and what rustls has of them.

use std::sync::Arc;

use etalon_conf::Check;
use etalon_telemetry::tell;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// What is offered, in Go's order of preference: first what a quantum computer cannot break later.
const CURVES: [(&str, &dyn SupportedKxGroup); 4] = [
    ("X25519MLKEM768", aws_lc_rs::kx_group::X25519MLKEM768),
    ("X25519", aws_lc_rs::kx_group::X25519),
    ("P256", aws_lc_rs::kx_group::SECP256R1),
    ("P384", aws_lc_rs::kx_group::SECP384R1),
];

/// Suites that Go has and rustls has not: without forward secrecy, or with CBC, RC4 or 3DES.
const SUITES_OF_GO: [&str; 17] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
];

/// The keys about how TLS is spoken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a> {
    pub(super) min_version: &'a str,
    pub(super) max_version: &'a str,
    pub(super) cipher_suites: &'a [String],
    pub(super) include_insecure_cipher_suites: bool,
    pub(super) curve_preferences: &'a [String],
}

impl Parameters<'_> {
    pub(super) fn validate(self, check: &mut Check) {
        self.validate_versions(check);
        check.at("cipher_suites", |check| {
            for (index, name) in self.cipher_suites.iter().enumerate().filter(|(_, name)| suite(name).is_none()) {
                let message = if SUITES_OF_GO.contains(&name.as_str()) {
                    format!("the cipher suite {name} is not supported: it lacks forward secrecy, or has a broken cipher or mode")
                } else {
                    format!("invalid TLS cipher suite: {name:?}")
                };
                check.at(index, |check| check.error_with_help(message, format!("there are {}", suite_names().join(", "))));
            }
        });
        if self.include_insecure_cipher_suites {
            check.at("include_insecure_cipher_suites", |check| {
                check.error_with_help("not supported: there are no insecure cipher suites here", "remove it");
            });
        }
        check.at("curve_preferences", |check| {
            let known = CURVES.map(|(name, _)| name).join(" ");
            for (index, name) in
                self.curve_preferences.iter().enumerate().filter(|(_, name)| curve(name).is_none())
            {
                let message = match name.as_str() {
                    "P521" => format!("the curve P521 is not supported; there are [{known}]"),
                    name => format!("invalid curve type: {name}. Expected values are [{known}]"),
                };
                check.at(index, |check| check.error(message));
            }
        });
    }

    fn validate_versions(self, check: &mut Check) {
        let mut minors = Vec::new();
        for (key, text) in [("min_version", self.min_version), ("max_version", self.max_version)] {
            match minor(text) {
                Ok(minor) => minors.push(minor),
                Err(()) => check.at(key, |check| {
                    check.error_with_help(
                        format!("invalid TLS {key}: unsupported TLS version: {text:?}"),
                        "write 1.2 or 1.3",
                    );
                }),
            }
        }
        let [min, max] = minors[..] else { return };
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            check.error("invalid TLS configuration: min_version cannot be greater than max_version");
        } else if max.is_some_and(|max| max < 2) {
            check.at("max_version", |check| {
                check.error_with_help(
                    format!("TLS {} and older are not supported, so no version is left", self.max_version),
                    "write 1.2 or 1.3; whoever connects must speak one of them",
                );
            });
        }
    }

    /// Says what is accepted and cannot be had in full.
    pub(super) fn warn(self) {
        if minor(self.min_version).ok().flatten().is_some_and(|minor| minor < 2) {
            tell!(TlsMinVersionRaised { min_version: &self.min_version });
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
        provider.kx_groups = if self.curve_preferences.is_empty() {
            CURVES.map(|(_, curve)| curve).to_vec()
        } else {
            self.curve_preferences.iter().filter_map(|name| curve(name)).collect()
        };
        Arc::new(provider)
    }

    /// The versions that are allowed.
    pub(super) fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        let min = minor(self.min_version).ok().flatten().unwrap_or(2);
        let max = minor(self.max_version).ok().flatten().unwrap_or(3);
        let versions = [(2, &TLS12), (3, &TLS13)].into_iter();
        versions.filter(|(minor, _)| (min..=max).contains(minor)).map(|(_, version)| version).collect()
    }
}

/// The minor number of a TLS version; nothing for the empty one, which is the default.
fn minor(text: &str) -> Result<Option<u8>, ()> {
    match text {
        "" => Ok(None),
        "1.0" => Ok(Some(0)),
        "1.1" => Ok(Some(1)),
        "1.2" => Ok(Some(2)),
        "1.3" => Ok(Some(3)),
        _ => Err(()),
    }
}

fn suite(name: &str) -> Option<SupportedCipherSuite> {
    aws_lc_rs::ALL_CIPHER_SUITES.iter().copied().find(|suite| is_named(*suite, name))
}

fn suite_names() -> Vec<String> {
    aws_lc_rs::ALL_CIPHER_SUITES
        .iter()
        .filter_map(|suite| Some(registered(suite.suite().as_str()?)))
        .collect()
}

fn is_named(suite: SupportedCipherSuite, name: &str) -> bool {
    suite.suite().as_str().is_some_and(|known| registered(known) == name)
}

/// rustls says TLS13 for suites of TLS 1.3; the registered names, which Go has, say TLS.
fn registered(name: &str) -> String {
    name.replacen("TLS13_", "TLS_", 1)
}

fn curve(name: &str) -> Option<&'static dyn SupportedKxGroup> {
    CURVES.into_iter().find(|(known, _)| *known == name).map(|(_, curve)| curve)
}
