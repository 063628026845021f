//! A private key in a TPM: the keys are known, and refused when they ask for it.

use etalon_conf::{Check, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A private key in a TPM. Not supported.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TpmConfig {
    /// Whether the private key is in a TPM. Only `false` is accepted.
    pub enabled: bool,
    /// Device of the TPM. Not looked at.
    pub path: String,
    /// Authorisation of its owner. Not looked at.
    pub owner_auth: Secret,
    /// Authorisation of the key. Not looked at.
    pub auth: Secret,
}

impl Validate for TpmConfig {
    fn validate(&self, check: &mut Check) {
        if self.enabled {
            check.at("enabled", |check| {
                check.error_with_help(
                    "private keys in a TPM are not supported",
                    "remove tpm, and name a file with the private key in key_file",
                );
            });
        }
    }
}
