//! The side of the client: how to be let in.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use etalon_component::{BoxError, BoxFuture, ClientAuthenticator, Component, Context, Host, Outcome};
use etalon_conf::Secret;
use etalon_net::watched_file::{WatchedFile, single_value};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::config::ClientAuth;

/// Sends user and password along.
pub(crate) struct Client {
    user: Source,
    password: Source,
}

enum Source {
    Fixed(Secret),
    File(WatchedFile<Secret>),
}

impl Client {
    pub(crate) fn new(config: &ClientAuth) -> Self {
        let user = Source::new(&config.username_file, Secret::new(config.username.as_str()), |name| {
            if name.contains(':') { Err("a user name has no colon".into()) } else { Ok(()) }
        });
        let password = Source::new(&config.password_file, config.password.clone(), |_| Ok(()));
        Self { user, password }
    }
}

impl Source {
    fn new(file: &str, fixed: Secret, check: fn(&str) -> Result<(), BoxError>) -> Self {
        if file.is_empty() {
            return Self::Fixed(fixed);
        }
        Self::File(WatchedFile::new(file, move |content| {
            let text = single_value(content)?;
            check(&text)?;
            Ok(Secret::new(text))
        }))
    }

    /// Hands out the text; an empty one before the start.
    fn with<T>(&self, then: impl FnOnce(&str) -> T) -> T {
        match self {
            Self::Fixed(secret) => then(secret.expose()),
            Self::File(file) => then(file.current().as_deref().map(Secret::expose).unwrap_or_default()),
        }
    }

    async fn start(&self) -> Result<(), BoxError> {
        match self {
            Self::Fixed(_) => Ok(()),
            Self::File(file) => Ok(file.start().await?),
        }
    }

    async fn stop(&self) {
        if let Self::File(file) = self {
            file.stop().await;
        }
    }
}

impl ClientAuthenticator for Client {
    fn authorize(&self, _: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        let both = self.user.with(|user| self.password.with(|password| format!("{user}:{password}")));
        let value = format!("Basic {}", BASE64_STANDARD.encode(both));
        let mut value = HeaderValue::try_from(value).expect("base64 is a valid value");
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    fn needs_encryption(&self) -> bool {
        true
    }
}

impl Component for Client {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async {
            self.user.start().await?;
            self.password.start().await
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            self.user.stop().await;
            self.password.stop().await;
            Ok(())
        })
    }
}
