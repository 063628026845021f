//! What users write.

use etalon_conf::{Check, Secret, Validate};
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tokens::Tokens;

/// Configuration of a `bearertokenauth` extension.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// The header field that carries the token.
    pub header: String,
    /// What stands before the token, in any case; empty when nothing does.
    pub scheme: String,
    /// The token.
    pub token: Secret,
    /// Several tokens, instead of `token`: servers take any of them, clients send the first.
    pub tokens: Vec<Secret>,
    /// A file with a token on each line, which is read again when it changes. It wins over the other two.
    pub filename: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            header: "Authorization".to_owned(),
            scheme: "Bearer".to_owned(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: String::new(),
        }
    }
}

impl Config {
    /// The tokens that are written in the configuration.
    pub(crate) fn written(&self) -> Vec<&str> {
        match self.tokens.as_slice() {
            [] => vec![self.token.expose()],
            tokens => tokens.iter().map(Secret::expose).collect(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if self.header.parse::<HeaderName>().is_err() {
            check.at("header", |check| check.error("not a valid name of a header field"));
        }
        if self.token.is_empty() && self.tokens.is_empty() && self.filename.is_empty() {
            check.error("no bearer token provided");
            return;
        }
        if !self.token.is_empty() && !self.tokens.is_empty() {
            check.error("either tokens or token should be provided, not both");
        }
        if self.filename.is_empty()
            && let Err(error) = Tokens::new(&self.scheme, self.written())
        {
            check.error(error.to_string());
        }
    }
}
