//! What an extension that authenticates offers: to servers, and to clients.

use etalon_conf::Secret;
use http::{HeaderMap, HeaderValue};

use crate::{BoxError, BoxFuture, Context, Outcome};

/// Decides whether a request may come in.
pub trait ServerAuthenticator: Send + Sync {
    /// Looks at the header fields of a request, before its body is read, and tells who sent it.
    ///
    /// A server that was asked for more than header fields (query parameters) shows those as well.
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Identity, AuthError>>;

    /// What a rejected client is asked for: the value of `WWW-Authenticate`.
    fn challenge(&self) -> HeaderValue;
}

/// Lets the requests of a client be let in elsewhere.
pub trait ClientAuthenticator: Send + Sync {
    /// Changes the header fields of one request, which carries a batch that came in with `context`.
    ///
    /// # Errors
    /// What becomes of the batch, which is not sent; it is never [`Outcome::Delivered`].
    fn authorize(&self, context: &Context, headers: &mut HeaderMap) -> Result<(), Outcome>;

    /// Whether what it sends must not cross a network unencrypted.
    fn needs_encryption(&self) -> bool;
}

/// Why a request was not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The credentials are missing or wrong. The text goes to the client: it holds no secret.
    #[error("{0}")]
    Rejected(&'static str),
    /// Nobody could find out. The client may try again.
    #[error("authentication is not available at the moment")]
    Unavailable(#[source] BoxError),
}

/// Who sent a request, as an authenticator found out: named attributes, whose values are not printed.
#[derive(Clone, Debug, Default)]
pub struct Identity(Vec<(&'static str, Secret)>);

impl Identity {
    /// Adds an attribute.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, Secret::new(value.into())));
        self
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.expose())
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
