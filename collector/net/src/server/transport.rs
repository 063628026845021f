//! What a user writes about the kind of network that a server listens on.

use std::fmt;

use etalon_conf::{Check, Duration, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::listen;

/// Longest path of a Unix domain socket, in bytes: `sun_path` of unix(7), less its end.
const PATH_MAX: usize = 107;

/// Kind of network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP over IPv4 and IPv6.
    #[default]
    Tcp,
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6.
    Tcp6,
    /// A Unix domain socket: the endpoint is the path of its file.
    Unix,
}

/// How connections are dialled. A server dials none: these keys are known, as in Go, and change nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Dialer {
    /// Time to connect. Without effect on a server.
    pub timeout: Duration,
}

impl Transport {
    /// The name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Unix => "unix",
        }
    }

    /// Checks that an endpoint is one of this kind of network.
    pub(super) fn check_endpoint(self, check: &mut Check, endpoint: &str) {
        check.at("endpoint", |check| match self {
            Self::Unix if endpoint.is_empty() => {
                check.error_with_help("the path of the socket file is missing", "write `endpoint: <path>`");
            }
            Self::Unix if endpoint.len() > PATH_MAX => check.error(format!(
                "the path of a socket file has at most {PATH_MAX} bytes: {endpoint:?} has {}",
                endpoint.len()
            )),
            Self::Unix => {}
            Self::Tcp | Self::Tcp4 | Self::Tcp6 if listen::is_endpoint(endpoint) => {}
            Self::Tcp | Self::Tcp4 | Self::Tcp6 => match endpoint.strip_prefix("unix:") {
                Some(path) => check.error_with_help(
                    format!("invalid endpoint {endpoint:?}: expected <host>:<port>"),
                    format!("write `transport: unix` and `endpoint: {}`", path.trim_start_matches("//")),
                ),
                None => check.error(format!("invalid endpoint {endpoint:?}: expected <host>:<port>")),
            },
        });
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Validate for Dialer {
    fn validate(&self, check: &mut Check) {
        if self.timeout.is_negative() {
            check.at("timeout", |check| check.error(format!("must not be negative: {}", self.timeout)));
        }
    }
}

impl<'de> Deserialize<'de> for Transport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = [Self::Tcp, Self::Tcp4, Self::Tcp6, Self::Unix];
        if let Some(transport) = known.into_iter().find(|transport| transport.name() == name) {
            return Ok(transport);
        }
        let why = match name.as_str() {
            "" => return Err(de::Error::custom("invalid transport type \"\"")),
            "udp" | "udp4" | "udp6" | "ip" | "ip4" | "ip6" | "unixgram" => {
                "it carries datagrams, and OTLP needs a stream"
            }
            "unixpacket" => "it carries packets, and OTLP needs a stream; use unix",
            "npipe" => "it exists on Windows only; use unix",
            _ => return Err(de::Error::custom(format!("unsupported transport type {name:?}"))),
        };
        Err(de::Error::custom(format!("transport type {name:?} cannot be used for OTLP: {why}")))
    }
}
