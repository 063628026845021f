//! Who may come in, and what is noted of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use etalon_component::{
    AuthError, AuthenticatorError, Caller, Code, ComponentId, Host, Identity, Metadata, Outcome,
    ServerAuthenticator, random_unit,
};
use etalon_telemetry::event::Causes;
use etalon_telemetry::tell;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::running::Seldom;
use crate::status::Status;

/// Lets requests in. The default lets all in, and notes nothing.
#[derive(Default)]
pub(super) struct Guard {
    authenticator: Option<Arc<dyn ServerAuthenticator>>,
    /// Query parameters that are shown to the authenticator.
    params: Vec<HeaderName>,
    include_metadata: bool,
    turned_away: Seldom,
}

/// Why a request does not come in.
#[derive(Debug)]
pub(super) struct TurnedAway {
    pub(super) status: Status,
    /// What the client is asked for; nothing when it is not to blame.
    pub(super) challenge: Option<HeaderValue>,
}

impl Guard {
    /// A guard that lets in those whom `authenticator` knows, if there is one; their metadata is noted if
    /// `include_metadata`.
    pub(super) fn new(
        host: &Host,
        authenticator: Option<&ComponentId>,
        include_metadata: bool,
    ) -> Result<Self, AuthenticatorError> {
        let authenticator = authenticator.map(|id| host.server_authenticator(id)).transpose()?;
        Ok(Self { authenticator, include_metadata, ..Self::default() })
    }

    /// Shows these query parameters to the authenticator; names that no header field can have are left out.
    pub(super) fn with_params(self, params: &[String]) -> Self {
        Self { params: params.iter().filter_map(|name| name.parse().ok()).collect(), ..self }
    }

    /// Decides on a request by its head alone. What it resolves to belongs to the batch.
    pub(super) async fn admit(&self, head: &Parts) -> Result<Option<Arc<Caller>>, TurnedAway> {
        let identity = match &self.authenticator {
            None if !self.include_metadata => return Ok(None),
            None => Identity::default(),
            Some(authenticator) => self.authenticate(&**authenticator, head).await?,
        };
        let metadata = if self.include_metadata { metadata(head) } else { Metadata::default() };
        let nothing = metadata.is_empty() && identity.is_empty();
        Ok((!nothing).then(|| Arc::new(Caller { metadata, identity })))
    }

    async fn authenticate(
        &self,
        authenticator: &dyn ServerAuthenticator,
        head: &Parts,
    ) -> Result<Identity, TurnedAway> {
        let error = match authenticator.authenticate(&self.shown(head)).await {
            Ok(identity) => return Ok(identity),
            Err(error) => error,
        };
        let told = Causes(&error);
        match error {
            AuthError::Rejected(why) => {
                self.turned_away.then(|| tell!(ReceiverAuthRejected { error: &told }));
                let status = Status::new(Code::Unauthenticated, why);
                Err(TurnedAway { status, challenge: Some(authenticator.challenge()) })
            }
            AuthError::Unavailable(_) => {
                self.turned_away.then(|| tell!(ReceiverAuthUnavailable { error: &told }));
                let message = error.to_string();
                let status = Status::of_outcome(&Outcome::refused(message.clone()), random_unit())
                    .unwrap_or_else(|| Status::new(Code::Unavailable, message));
                Err(TurnedAway { status, challenge: None })
            }
        }
    }

    /// The header fields of a request, and the query parameters that count as such.
    fn shown<'a>(&self, head: &'a Parts) -> Cow<'a, HeaderMap> {
        let Some(query) = head.uri.query().filter(|_| !self.params.is_empty()) else {
            return Cow::Borrowed(&head.headers);
        };
        let mut shown = head.headers.clone();
        for param in &self.params {
            let values = form_urlencoded::parse(query.as_bytes())
                .filter(|(name, _)| param.as_str().eq_ignore_ascii_case(name))
                .filter_map(|(_, value)| HeaderValue::from_str(&value).ok());
            for (index, value) in values.enumerate() {
                match index {
                    0 => drop(shown.insert(param, value)),
                    _ => drop(shown.append(param, value)),
                }
            }
        }
        Cow::Owned(shown)
    }
}

/// All header fields, with the authority of HTTP/2 as `host`. The server's limit on the size of a header
/// ([`HEADER_BYTES_MAX`](super::HEADER_BYTES_MAX)) bounds it.
fn metadata(head: &Parts) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, value) in &head.headers {
        metadata.push(name.as_str(), value.as_bytes());
    }
    if let Some(authority) = head.uri.authority().filter(|_| !head.headers.contains_key(HOST)) {
        metadata.push(HOST.as_str(), authority.as_str().as_bytes());
    }
    metadata
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("authenticates", &self.authenticator.is_some())
            .field("include_metadata", &self.include_metadata)
            .finish_non_exhaustive()
    }
}
