//! Both sides: whom a server lets in, and what a client sends.

use std::sync::Arc;

use etalon_component::{
    AuthError, BoxError, BoxFuture, ClientAuthenticator, Component, Context, Host, Identity, Outcome,
    ServerAuthenticator,
};
use etalon_net::watched_file::WatchedFile;
use etalon_telemetry::tell;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::config::Config;
use crate::tokens::Tokens;

/// Takes and sends tokens.
pub(crate) struct Authenticator {
    header: HeaderName,
    scheme: String,
    source: Source,
    challenge: HeaderValue,
}

enum Source {
    Fixed(Arc<Tokens>),
    File(WatchedFile<Tokens>),
}

/// The file of tokens has not been read.
#[derive(Debug, thiserror::Error)]
#[error("the extension is not running")]
struct NotRunning;

impl Authenticator {
    pub(crate) fn new(config: &Config) -> Result<Self, BoxError> {
        let source = if config.filename.is_empty() {
            Source::Fixed(Arc::new(Tokens::new(&config.scheme, config.written())?))
        } else {
            if !config.token.is_empty() || !config.tokens.is_empty() {
                tell!(AuthTokensIgnored);
            }
            let scheme = config.scheme.clone();
            Source::File(WatchedFile::new(&config.filename, move |content| Tokens::of_file(&scheme, content)))
        };
        let asks_for = if config.scheme.is_empty() { "Bearer" } else { &config.scheme };
        let challenge = HeaderValue::from_str(asks_for)?;
        Ok(Self { header: config.header.parse()?, scheme: config.scheme.clone(), source, challenge })
    }

    fn tokens(&self) -> Result<Arc<Tokens>, NotRunning> {
        match &self.source {
            Source::Fixed(tokens) => Ok(tokens.clone()),
            Source::File(file) => file.current().ok_or(NotRunning),
        }
    }

    fn judge(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        let mut fields = headers.get_all(&self.header).iter();
        let Some(field) = fields.next().filter(|field| !field.is_empty()) else {
            return Err(AuthError::Rejected("missing or empty authorization header"));
        };
        if fields.next().is_some() {
            return Err(AuthError::Rejected("more than one authorization header"));
        }
        let tokens = self.tokens().map_err(|error| AuthError::Unavailable(error.into()))?;
        match self.without_scheme(field.as_bytes()) {
            Some(token) if tokens.contains(token) => Ok(()),
            _ => Err(AuthError::Rejected("scheme or token does not match")),
        }
    }

    fn without_scheme<'a>(&self, field: &'a [u8]) -> Option<&'a [u8]> {
        if self.scheme.is_empty() {
            return Some(field);
        }
        let (scheme, rest) = field.split_at_checked(self.scheme.len())?;
        let is_scheme = scheme.eq_ignore_ascii_case(self.scheme.as_bytes());
        (is_scheme && rest.first() == Some(&b' ')).then(|| rest.trim_ascii_start())
    }
}

impl ServerAuthenticator for Authenticator {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Identity, AuthError>> {
        Box::pin(async { self.judge(headers).map(|()| Identity::default()) })
    }

    fn challenge(&self) -> HeaderValue {
        self.challenge.clone()
    }
}

impl ClientAuthenticator for Authenticator {
    fn authorize(&self, _: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        let tokens = self.tokens().map_err(|error| Outcome::refused(error.to_string()))?;
        headers.insert(self.header.clone(), tokens.first().clone());
        Ok(())
    }

    fn needs_encryption(&self) -> bool {
        true
    }
}

impl Component for Authenticator {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async {
            match &self.source {
                Source::Fixed(_) => Ok(()),
                Source::File(file) => Ok(file.start().await?),
            }
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            if let Source::File(file) = &self.source {
                file.stop().await;
            }
            Ok(())
        })
    }
}
