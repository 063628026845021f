//! The forms of a gRPC exporter's `endpoint`.

use std::path::Path;

use super::target::{Place, Target};

/// What a gRPC client connects to, as its `endpoint` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcEndpoint {
    pub(super) place: Place,
    scheme: Scheme,
}

/// What stands in front of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Nothing, or `dns:///`: all addresses of the name are of use.
    Dns,
    /// `http://`. It does not turn TLS off.
    Http,
    /// `https://`. It turns TLS on.
    Https,
    /// `passthrough:///`: the name is left to the system, and one address is of use.
    Passthrough,
    /// `unix:`: a Unix domain socket.
    Unix,
}

/// What is wrong with an `endpoint`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// `unix://` and nothing behind it.
    #[error("unix socket path cannot be empty")]
    UnixPathEmpty,
    /// `unix://` and a path that does not begin with a slash.
    #[error(
        "\"{0}\" is not a socket; write it as unix:///path, or as unix:path relative to the working directory"
    )]
    UnixHost(String),
    /// An abstract socket.
    #[error("abstract sockets are not supported by this version: \"{0}\"; use unix:///path")]
    UnixAbstract(String),
    /// A scheme that has another meaning, or none, for a gRPC client.
    #[error(
        "the scheme of \"{0}\" is not supported yet by this version; use host:port, http://, https://, dns:/// or unix:///"
    )]
    Scheme(String),
    /// `dns://server/name`.
    #[error(
        "a name server in the endpoint is not supported yet by this version: \"{0}\"; use dns:///host:port"
    )]
    NameServer(String),
    /// No port.
    #[error("address {0}: missing port in address")]
    PortMissing(String),
    /// More than one colon, and no brackets.
    #[error("address {0}: too many colons in address; put brackets around an IPv6 address")]
    Colons(String),
    /// `[` without `]`.
    #[error("address {0}: missing ']' in address")]
    Bracket(String),
    /// The port is not a number from 1 to 65535.
    #[error("invalid port \"{0}\"")]
    Port(String),
}

impl GrpcEndpoint {
    /// Reads `host:port`, `http://host:port`, `https://host:port`, `dns:///host:port`,
    /// `passthrough:///host:port`, `unix:///path` or `unix:path`. No host means this machine.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        if let Some(rest) = text.strip_prefix("unix:") {
            let path = socket_path(text, rest)?;
            return Ok(Self { place: Place::Unix(path.into()), scheme: Scheme::Unix });
        }
        let (scheme, address) = split_scheme(text)?;
        Ok(Self { place: Place::Host(split_address(address)?), scheme })
    }

    /// The host, without the brackets of an IPv6 address; of a socket its path.
    pub fn host(&self) -> String {
        match &self.place {
            Place::Host(target) => target.host.clone(),
            Place::Unix(path) => path.display().to_string(),
        }
    }

    /// The port; a Unix domain socket has none.
    pub fn port(&self) -> Option<u16> {
        match &self.place {
            Place::Host(target) => Some(target.port),
            Place::Unix(_) => None,
        }
    }

    /// The name that TLS verifies where the configuration has no other.
    pub(super) fn server_name(&self) -> &str {
        match &self.place {
            Place::Host(target) => &target.host,
            Place::Unix(_) => "localhost",
        }
    }

    /// `:authority` where the configuration has no other.
    pub(super) fn authority(&self) -> String {
        match &self.place {
            Place::Host(target) => target.authority(),
            Place::Unix(_) => "localhost".to_owned(),
        }
    }

    /// What stands in front of the address.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
}

/// What follows `unix:`.
fn socket_path<'a>(text: &str, rest: &'a str) -> Result<&'a Path, EndpointError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err(EndpointError::UnixPathEmpty);
    }
    if path.len() < rest.len() && !path.starts_with('/') {
        return Err(EndpointError::UnixHost(text.to_owned()));
    }
    Ok(Path::new(path))
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), EndpointError> {
    if text.starts_with("unix-abstract:") {
        return Err(EndpointError::UnixAbstract(text.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("dns://") {
        let name = rest.strip_prefix('/').ok_or_else(|| EndpointError::NameServer(text.to_owned()))?;
        return Ok((Scheme::Dns, name));
    }
    let known = [
        ("http://", Scheme::Http),
        ("https://", Scheme::Https),
        ("dns:", Scheme::Dns),
        ("passthrough:///", Scheme::Passthrough),
    ];
    for (prefix, scheme) in known {
        if let Some(address) = text.strip_prefix(prefix) {
            return Ok((scheme, address));
        }
    }
    if text.contains("://") {
        return Err(EndpointError::Scheme(text.to_owned()));
    }
    Ok((Scheme::Dns, text))
}

fn split_address(address: &str) -> Result<Target, EndpointError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) =
                rest.split_once(']').ok_or_else(|| EndpointError::Bracket(address.to_owned()))?;
            (host, rest.strip_prefix(':').ok_or_else(|| EndpointError::PortMissing(address.to_owned()))?)
        }
        None => {
            let (host, port) =
                address.rsplit_once(':').ok_or_else(|| EndpointError::PortMissing(address.to_owned()))?;
            if host.contains(':') {
                return Err(EndpointError::Colons(address.to_owned()));
            }
            (host, port)
        }
    };
    let number = port.parse().ok().filter(|number| *number > 0 && port.bytes().all(|b| b.is_ascii_digit()));
    let port = number.ok_or_else(|| EndpointError::Port(port.to_owned()))?;
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(Target { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_endpoint_is_read() {
        let read = |text| GrpcEndpoint::parse(text).map(|e| (e.scheme, e.host(), e.port()));
        let ok = |scheme, host: &str, port| Ok((scheme, host.to_owned(), Some(port)));
        assert_eq!(read("example.org:4317"), ok(Scheme::Dns, "example.org", 4317));
        assert_eq!(read("http://example.org:4317"), ok(Scheme::Http, "example.org", 4317));
        assert_eq!(read("https://10.0.0.1:443"), ok(Scheme::Https, "10.0.0.1", 443));
        assert_eq!(read("dns:///example.org:4317"), ok(Scheme::Dns, "example.org", 4317));
        assert_eq!(read("dns:example.org:4317"), ok(Scheme::Dns, "example.org", 4317));
        assert_eq!(read("passthrough:///example.org:4317"), ok(Scheme::Passthrough, "example.org", 4317));
        assert_eq!(read("[::1]:4317"), ok(Scheme::Dns, "::1", 4317));
        assert_eq!(read(":4317"), ok(Scheme::Dns, "localhost", 4317));
        assert_eq!(read("unix:///run/otlp.sock"), Ok((Scheme::Unix, "/run/otlp.sock".to_owned(), None)));
        assert_eq!(read("unix:/run/otlp.sock"), Ok((Scheme::Unix, "/run/otlp.sock".to_owned(), None)));
        assert_eq!(read("unix:otlp.sock"), Ok((Scheme::Unix, "otlp.sock".to_owned(), None)));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        let error = |text| GrpcEndpoint::parse(text).unwrap_err().to_string();
        assert_eq!(error("example.org"), "address example.org: missing port in address");
        assert_eq!(error("example.org:otlp"), "invalid port \"otlp\"");
        assert_eq!(error("example.org:70000"), "invalid port \"70000\"");
        assert_eq!(error("example.org:+80"), "invalid port \"+80\"");
        assert_eq!(error("https://example.org:4317/v1"), "invalid port \"4317/v1\"");
        assert_eq!(error("unix://"), "unix socket path cannot be empty");
        assert_eq!(error("unix:"), "unix socket path cannot be empty");
        assert!(error("unix://host/otlp.sock").contains("unix:///path"));
        assert!(error("unix-abstract:otlp").contains("not supported"));
        assert!(error("xds:///example:1").contains("not supported yet"));
        assert!(error("dns://8.8.8.8/example:1").contains("name server"));
        assert!(error("::1:4317").contains("too many colons"));
        assert!(error("[::1:4317").contains("missing ']'"));
    }
}
