//! Proxies, and which destinations are reached through one: the rules of Go's `httpproxy`.

use std::net::IpAddr;

use http::HeaderValue;
use http::uri::Authority;
use rustls_pki_types::ServerName;

use super::dial::{Route, Tls};
use super::http_url::{Url, UrlError};
use super::target::Target;
use super::tunnel::Tunnel;
use crate::tls::{TlsClientConfig, TlsError};

/// An HTTP proxy.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    /// Whether to speak TLS to the proxy itself.
    pub(super) tls: bool,
    pub(super) target: Target,
    /// `Proxy-Authorization` of the user and password in its URL.
    pub(super) authorization: Option<HeaderValue>,
}

/// Why a proxy cannot be used. Its URL may hold a password, and is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// It cannot be read.
    #[error("the URL of the proxy in {place} cannot be used")]
    Url {
        /// The key or the environment variable.
        place: &'static str,
        /// What is wrong with it.
        source: UrlError,
    },
    /// SOCKS.
    #[error("the proxy in {place} is one of SOCKS, which this version does not speak; use an HTTP proxy")]
    Socks {
        /// The key or the environment variable.
        place: &'static str,
    },
    /// A web server must not take a proxy from `HTTP_PROXY`, which its clients can set.
    #[error(
        "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy; unset REQUEST_METHOD"
    )]
    Cgi,
    /// TLS with the proxy cannot be set up.
    #[error("TLS with the proxy cannot be set up")]
    Tls(#[source] TlsError),
    /// TLS cannot verify this host.
    #[error("\"{0}\" is not a name that the certificate of a proxy can be valid for")]
    ServerName(String),
    /// The destination has no name that can be told to a proxy.
    #[error("\"{0}\" cannot be reached through a proxy")]
    Destination(String),
}

impl Proxy {
    /// Reads a URL with a scheme; `place` is where it was written.
    pub(super) fn parse(url: &str, place: &'static str) -> Result<Self, ProxyError> {
        if url.starts_with("socks5:") || url.starts_with("socks5h:") {
            return Err(ProxyError::Socks { place });
        }
        let url = Url::parse(url).map_err(|source| ProxyError::Url { place, source })?;
        Ok(Self { tls: url.tls, target: url.target, authorization: url.authorization })
    }

    /// TLS with the proxy, if it wants it; by the parameters of the destination.
    pub(super) fn tls(&self, config: &TlsClientConfig) -> Result<Option<Tls>, ProxyError> {
        if !self.tls {
            return Ok(None);
        }
        let host = self.target.host.clone();
        let name = ServerName::try_from(host.clone()).map_err(|_| ProxyError::ServerName(host))?;
        Ok(Some(Tls { config: config.load(&[b"http/1.1"]).map_err(ProxyError::Tls)?, name }))
    }

    /// The way through the proxy to `destination`, with which `tls` is spoken.
    pub(super) fn route(
        &self,
        destination: &Target,
        tls: Option<Tls>,
        config: &TlsClientConfig,
    ) -> Result<Route, ProxyError> {
        let authority = destination.authority();
        let authority: Authority =
            authority.parse().map_err(|_| ProxyError::Destination(authority.clone()))?;
        let tunnel = Tunnel { tls: self.tls(config)?, authority, authorization: self.authorization.clone() };
        Ok(Route { tunnel: Some(tunnel), tls })
    }
}

/// What the environment says about proxies.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxyEnvironment {
    http: Option<Variable>,
    https: Option<Variable>,
    exempt: Vec<Exemption>,
    cgi: bool,
}

#[derive(Clone)]
struct Variable {
    name: &'static str,
    value: String,
}

/// A part of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exemption {
    All,
    Net(IpAddr, u8),
    Address(IpAddr, Option<String>),
    /// A domain, and whether its own name counts besides those below it.
    Domain {
        suffix: String,
        itself: bool,
        port: Option<String>,
    },
}

impl ProxyEnvironment {
    /// The environment of this process.
    pub(super) fn of_process() -> Self {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&'static str) -> Option<String>) -> Self {
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some(Variable { name, value })
            })
        };
        let exempt = first(["NO_PROXY", "no_proxy"]).map(|variable| exemptions(&variable.value));
        Self {
            http: first(["HTTP_PROXY", "http_proxy"]),
            https: first(["HTTPS_PROXY", "https_proxy"]),
            exempt: exempt.unwrap_or_default(),
            cgi: variable("REQUEST_METHOD").is_some_and(|method| !method.is_empty()),
        }
    }

    /// The proxy for a destination. A gRPC destination counts as one of TLS, whether it has it or not.
    pub(super) fn proxy_for(&self, tls: bool, destination: &Target) -> Result<Option<Proxy>, ProxyError> {
        let Some(Variable { name, value }) = (if tls { &self.https } else { &self.http }) else {
            return Ok(None);
        };
        if !tls && self.cgi {
            return Err(ProxyError::Cgi);
        }
        if !self.concerns(destination) {
            return Ok(None);
        }
        if value.contains("://") {
            return Proxy::parse(value, name).map(Some);
        }
        Proxy::parse(&format!("http://{value}"), name).map(Some)
    }

    fn concerns(&self, destination: &Target) -> bool {
        let host = destination.host.trim().to_lowercase();
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return false;
        }
        let port = destination.port.to_string();
        !self.exempt.iter().any(|exemption| exemption.covers(&host, ip, &port))
    }
}

impl Exemption {
    fn covers(&self, host: &str, ip: Option<IpAddr>, port: &str) -> bool {
        let same_port = |wanted: &Option<String>| wanted.as_deref().is_none_or(|wanted| wanted == port);
        match self {
            Self::All => true,
            Self::Net(net, bits) => ip.is_some_and(|ip| is_in(ip, *net, *bits)),
            Self::Address(address, wanted) => ip == Some(*address) && same_port(wanted),
            Self::Domain { suffix, itself, port: wanted } => {
                (host.ends_with(suffix.as_str()) || (*itself && host == &suffix[1..])) && same_port(wanted)
            }
        }
    }
}

/// Reads a value of `NO_PROXY`; what cannot be read exempts nothing.
fn exemptions(value: &str) -> Vec<Exemption> {
    let parts = value.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty());
    let mut exemptions = Vec::new();
    for part in parts {
        if part == "*" {
            return vec![Exemption::All];
        }
        exemptions.extend(net(&part).or_else(|| address(&part)).or_else(|| domain(&part)));
    }
    exemptions
}

fn net(part: &str) -> Option<Exemption> {
    let (address, bits) = part.split_once('/')?;
    let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (bits <= longest).then_some(Exemption::Net(address, bits))
}

fn address(part: &str) -> Option<Exemption> {
    if let Ok(ip) = part.parse::<IpAddr>() {
        return Some(Exemption::Address(ip.to_canonical(), None));
    }
    let (host, port) = part.rsplit_once(':')?;
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok()?;
    Some(Exemption::Address(ip.to_canonical(), Some(port.to_owned())))
}

fn domain(part: &str) -> Option<Exemption> {
    let (host, port) = match part.split_once(':') {
        Some((host, port)) => (host, Some(port.to_owned())),
        None => (part, None),
    };
    let host = if host.starts_with("*.") { &host[1..] } else { host };
    let itself = !host.starts_with('.');
    let suffix = if itself { format!(".{host}") } else { host.to_owned() };
    (suffix.len() > 1).then_some(Exemption::Domain { suffix, itself, port })
}

fn is_in(ip: IpAddr, net: IpAddr, bits: u8) -> bool {
    let shifted = |value: u128, length: u8| value.checked_shr(u32::from(length - bits)).unwrap_or(0);
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            shifted(ip.to_bits().into(), 32) == shifted(net.to_bits().into(), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => shifted(ip.to_bits(), 128) == shifted(net.to_bits(), 128),
        _ => false,
    }
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests;
