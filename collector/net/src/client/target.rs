//! Where a client connects to, and how its errors name it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use super::ADDRESSES_MAX;

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a client connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Host(Target),
    /// A Unix domain socket.
    Unix(Arc<Path>),
}

/// What one connection is made to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Unix(Arc<Path>),
}

impl Target {
    /// Its addresses: at least one, at most [`ADDRESSES_MAX`], in the resolver's order.
    pub(super) async fn resolve(&self) -> io::Result<Vec<Address>> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![Address::Tcp(SocketAddr::new(ip, self.port))]);
        }
        let mut addresses = Vec::new();
        for address in tokio::net::lookup_host((self.host.as_str(), self.port)).await? {
            let address = Address::Tcp(address);
            if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }

    /// As in a URL: an IPv6 address in brackets.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Place {
    /// Its addresses: at least one.
    pub(super) async fn resolve(&self) -> io::Result<Vec<Address>> {
        match self {
            Self::Host(target) => target.resolve().await,
            Self::Unix(path) => Ok(vec![Address::Unix(path.clone())]),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(target) => f.write_str(&target.authority()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
