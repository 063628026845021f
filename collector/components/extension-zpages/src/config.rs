//! What users write.

use etalon_conf::{Check, Validate};
use etalon_net::server::HttpServerConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shows people what runs, how much passes through it, and what is wrong.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(HttpServerConfig, Own)", into = "(HttpServerConfig, Own)")]
pub struct Config {
    /// The server.
    pub server: HttpServerConfig,
    /// What else there is.
    pub own: Own,
}

/// What else there is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Own {
    /// Variables of the Go runtime.
    pub expvar: Expvar,
}

/// Variables of the Go runtime, which this program has not got.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Expvar {
    /// Whether to show them. Only `false` is supported.
    pub enabled: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { server: HttpServerConfig::of_site("localhost:55679"), own: Own::default() }
    }
}

etalon_conf::joined!(Config { server: HttpServerConfig, own: Own });

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        self.server.validate(check);
        if self.own.expvar.enabled {
            check.at("expvar::enabled", |check| {
                check.error_with_help(
                    "these are variables of the Go runtime, which this program has not got",
                    "remove it; memory and CPU time are at /debug/servicez and in the metrics",
                );
            });
        }
    }
}
