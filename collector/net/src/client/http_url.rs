//! The URL of an HTTP destination.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use super::metadata::base64_encoded;
use super::target::Target;

/// Where an HTTP client posts to.
#[derive(Clone, Debug)]
pub(super) struct Url {
    pub(super) tls: bool,
    pub(super) target: Target,
    pub(super) path: PathAndQuery,
    /// `Host`, without the port where it is the scheme's own.
    pub(super) host: String,
    /// `Authorization` of the user and password in the URL.
    pub(super) authorization: Option<HeaderValue>,
}

/// What is wrong with a URL.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Invalid(#[source] http::uri::InvalidUri),
    /// The scheme is not `http` or `https`, or is missing.
    #[error("its scheme must be http or https")]
    Scheme,
    /// There is no host.
    #[error("it has no host")]
    Host,
    /// What follows the host is not a number from 1 to 65535.
    #[error("its port must be a number from 1 to 65535")]
    Port,
}

/// Checks that an [`HttpClient`](super::HttpClient) can post to this URL.
pub fn check_url(text: &str) -> Result<(), UrlError> {
    Url::parse(text).map(drop)
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(UrlError::Invalid)?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(UrlError::Scheme),
        };
        let name = uri.host().filter(|host| !host.is_empty()).ok_or(UrlError::Host)?;
        let default_port = if tls { 443 } else { 80 };
        let port = port(&uri)?.unwrap_or(default_port);
        let host = if port == default_port { name.to_owned() } else { format!("{name}:{port}") };
        let user = uri.authority().and_then(|authority| authority.as_str().rsplit_once('@'));
        Ok(Self {
            tls,
            target: Target { host: name.trim_matches(['[', ']']).to_owned(), port },
            path: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            host,
            authorization: user.and_then(|(user, _)| basic(user)),
        })
    }

    /// `Host`, as part of a URL.
    pub(super) fn authority(&self) -> Result<Authority, UrlError> {
        self.host.parse().map_err(UrlError::Invalid)
    }

    /// The place that `Location` names, if it is at the same destination.
    pub(super) fn redirected(&self, location: &str) -> Option<PathAndQuery> {
        if location.starts_with('/') && !location.starts_with("//") {
            return location.parse().ok();
        }
        let other = Self::parse(location).ok()?;
        (other.tls == self.tls && other.target == self.target).then_some(other.path)
    }
}

impl std::fmt::Display for Url {
    /// Without user and password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", if self.tls { "https" } else { "http" }, self.host, self.path)
    }
}

/// The port, if there is one. The library that parsed the URL takes anything for one.
fn port(uri: &Uri) -> Result<Option<u16>, UrlError> {
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let after_host = place.rsplit_once(']').map_or(place, |(_, after)| after);
    match after_host.split_once(':').map(|(_, port)| port) {
        None | Some("") => Ok(None),
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => Err(UrlError::Port),
            Ok(port) => Ok(Some(port)),
        },
    }
}

/// RFC 7617, of `user:password` as in a URL.
fn basic(user: &str) -> Option<HeaderValue> {
    let plain = super::metadata::percent_decoded(user.as_bytes());
    let plain = if plain.contains(':') { plain } else { format!("{plain}:") };
    let mut encoded = base64_encoded(plain.as_bytes());
    while !encoded.len().is_multiple_of(4) {
        encoded.push('=');
    }
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_shown_without_its_password() {
        let url = Url::parse("https://user:p%40ss@example.org/otlp/v1/traces?a=b").unwrap();
        assert!(url.tls);
        assert_eq!(url.target, Target { host: "example.org".to_owned(), port: 443 });
        assert_eq!(url.to_string(), "https://example.org/otlp/v1/traces?a=b");
        assert_eq!(url.authorization.unwrap(), "Basic dXNlcjpwQHNz");
        let url = Url::parse("http://[::1]:4318").unwrap();
        assert_eq!(
            (url.target.host.as_str(), url.host.as_str(), url.path.as_str()),
            ("::1", "[::1]:4318", "/")
        );
    }

    #[test]
    fn what_is_not_an_http_url_is_refused() {
        for text in ["example.org:4318", "/v1/traces", "ftp://example.org/", "http:///v1", "", "http://a b/"]
        {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_that_is_none_is_refused_and_not_taken_for_the_usual_one() {
        for text in ["http://host:4318x/", "http://host:99999", "https://host:0/", "http://u:p@[::1]:x/"] {
            assert!(matches!(Url::parse(text), Err(UrlError::Port)), "{text}");
        }
        for (text, port) in [("http://host:/", 80), ("https://u:1@host", 443), ("http://u@[::1]:1/", 1)] {
            assert_eq!(Url::parse(text).unwrap().target.port, port, "{text}");
        }
    }

    #[test]
    fn a_redirect_is_followed_only_to_the_same_destination() {
        let url = Url::parse("http://example.org:4318/v1/traces").unwrap();
        let to = |location| url.redirected(location).map(|path| path.to_string());
        assert_eq!(to("/v2/traces").as_deref(), Some("/v2/traces"));
        assert_eq!(to("http://example.org:4318/x?y").as_deref(), Some("/x?y"));
        for elsewhere in
            ["http://evil.org:4318/x", "https://example.org:4318/x", "http://example.org/x", "//evil.org/"]
        {
            assert_eq!(to(elsewhere), None, "{elsewhere}");
        }
    }
}
