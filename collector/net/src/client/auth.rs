//! What is added to each request of a client, so that it is let in.

use std::fmt;
use std::sync::{Arc, OnceLock};

use etalon_component::{AuthenticatorError, ClientAuthenticator, ComponentId, Context, Host, Outcome};
use etalon_conf::Optional;
use etalon_telemetry::tell;
use http::HeaderMap;

use super::not_running;
use crate::auth::AuthConfig;

/// Why a client cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ClientStartError {
    /// The extension that `auth` names cannot be used.
    #[error(transparent)]
    Authenticator(#[from] AuthenticatorError),
    /// The credentials would cross the network for everybody to read.
    #[error(
        "the credentials of \"{0}\" require transport level security: remove `insecure: true` from `tls`"
    )]
    Plaintext(ComponentId),
}

/// Authenticates the requests of a client, if its configuration says how.
#[derive(Default)]
pub(super) struct Credentials {
    authenticator: Option<ComponentId>,
    resolved: OnceLock<Arc<dyn ClientAuthenticator>>,
}

impl Credentials {
    pub(super) fn new(auth: &Optional<AuthConfig>) -> Self {
        let authenticator = auth.get().and_then(|auth| auth.authenticator.clone());
        Self { authenticator, resolved: OnceLock::new() }
    }

    /// Looks the authenticator up. `protocol` is what the client speaks, as people write it.
    ///
    /// Over plaintext, gRPC sends no credentials, as everywhere; HTTP does, and warns.
    pub(super) fn resolve(
        &self,
        host: &Host,
        protocol: &'static str,
        encrypted: bool,
    ) -> Result<(), ClientStartError> {
        let Some(id) = &self.authenticator else { return Ok(()) };
        let found = host.client_authenticator(id, protocol)?;
        if found.needs_encryption() && !encrypted {
            if protocol == GRPC {
                return Err(ClientStartError::Plaintext(id.clone()));
            }
            tell!(ExporterCredentialsUnencrypted { authenticator: id });
        }
        self.resolved.get_or_init(|| found);
        Ok(())
    }

    /// Adds to the header of a request what lets it in.
    ///
    /// # Errors
    /// What becomes of the batch that cannot be sent.
    pub(super) fn add(&self, context: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        match (self.resolved.get(), &self.authenticator) {
            (Some(authenticator), _) => authenticator.authorize(context, headers),
            (None, None) => Ok(()),
            (None, Some(_)) => Err(not_running()),
        }
    }
}

/// What a gRPC client speaks, as people write it.
pub(super) const GRPC: &str = "gRPC";
/// What an HTTP client speaks, as people write it.
pub(super) const HTTP: &str = "HTTP";

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.authenticator).finish()
    }
}
