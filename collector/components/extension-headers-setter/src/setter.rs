//! Does what is configured to the header of each request.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use etalon_component::{
    BoxError, BoxFuture, ClientAuthenticator, Code, Component, ComponentId, Context, Host, Outcome,
};
use etalon_conf::Secret;
use etalon_net::watched_file::{WatchedFile, single_value};
use etalon_telemetry::tell;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::config::{Action, Config, HeaderConfig};

/// Sets header fields, then lets another authenticator do its part.
pub(crate) struct Setter {
    headers: Vec<Header>,
    additional: Option<ComponentId>,
    resolved: OnceLock<Arc<dyn ClientAuthenticator>>,
}

struct Header {
    action: Action,
    name: HeaderName,
    source: Source,
}

enum Source {
    Fixed(HeaderValue),
    File(WatchedFile<HeaderValue>),
    Metadata { key: String, default: Vec<u8> },
    Attribute { key: String, default: Vec<u8> },
}

impl Setter {
    pub(crate) fn new(config: &Config) -> Result<Self, BoxError> {
        Ok(Self {
            headers: config.headers.iter().map(Header::new).collect::<Result<_, _>>()?,
            additional: config.additional_auth.clone(),
            resolved: OnceLock::new(),
        })
    }

    fn files(&self) -> impl Iterator<Item = &WatchedFile<HeaderValue>> {
        self.headers.iter().filter_map(|header| match &header.source {
            Source::File(file) => Some(file),
            Source::Fixed(_) | Source::Metadata { .. } | Source::Attribute { .. } => None,
        })
    }
}

impl Header {
    fn new(config: &HeaderConfig) -> Result<Self, BoxError> {
        if config.action.is_none() {
            tell!(HeadersSetterActionDefaulted { key: &config.key });
        }
        Ok(Self { action: config.action(), name: config.key.parse()?, source: Source::new(config)? })
    }

    fn apply(&self, context: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        let present = headers.get(&self.name).is_some_and(|value| !value.is_empty());
        match self.action {
            Action::Delete => {
                headers.remove(&self.name);
                return Ok(());
            }
            Action::Insert if present => return Ok(()),
            Action::Update if !present => return Ok(()),
            Action::Insert | Action::Update | Action::Upsert => {}
        }
        headers.insert(self.name.clone(), self.source.value(context)?);
        Ok(())
    }
}

impl Source {
    fn new(config: &HeaderConfig) -> Result<Self, BoxError> {
        let default = || config.default_value.as_ref().map(|value| value.expose().into()).unwrap_or_default();
        if let Some(path) = &config.value_file {
            return Ok(Self::File(WatchedFile::new(path, |content| {
                let mut value = HeaderValue::try_from(single_value(content)?)?;
                value.set_sensitive(true);
                Ok(value)
            })));
        }
        if let Some(key) = &config.from_context {
            return Ok(Self::Metadata { key: key.clone(), default: default() });
        }
        if let Some(key) = &config.from_attribute {
            return Ok(Self::Attribute { key: key.clone(), default: default() });
        }
        let value = config.value.as_ref().map(Secret::expose).unwrap_or_default();
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        Ok(Self::Fixed(value))
    }

    fn value(&self, context: &Context) -> Result<HeaderValue, Outcome> {
        let caller = context.caller.as_deref();
        let found: Cow<'_, [u8]> = match self {
            Self::Fixed(value) => return Ok(value.clone()),
            Self::File(file) => {
                let value = file.current().map(|value| HeaderValue::clone(&value));
                return value.ok_or_else(|| Outcome::refused("the headers_setter extension is not running"));
            }
            Self::Metadata { key, default } => {
                let mut values = caller.into_iter().flat_map(|caller| caller.metadata.get_all(key));
                let first = values.next();
                match values.count() {
                    0 => first.map_or(default.as_slice(), |value| value).into(),
                    more => return Err(ambiguous(more + 1)),
                }
            }
            Self::Attribute { key, default } => {
                let value = caller.and_then(|caller| caller.identity.attribute(key));
                value.map_or(default.as_slice(), str::as_bytes).into()
            }
        };
        let mut value = HeaderValue::from_bytes(&found).map_err(|_| {
            Outcome::permanent(Code::InvalidArgument, "the value for a header field cannot be sent as one")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Which of the values is meant, nobody knows, and that does not change by sending the batch again.
fn ambiguous(values: usize) -> Outcome {
    let message = format!("{values} source keys found in the context, can't determine which one to use");
    Outcome::permanent(Code::InvalidArgument, message)
}

impl ClientAuthenticator for Setter {
    fn authorize(&self, context: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        for header in &self.headers {
            header.apply(context, headers)?;
        }
        match self.resolved.get() {
            Some(additional) => additional.authorize(context, headers),
            None => Ok(()),
        }
    }

    fn needs_encryption(&self) -> bool {
        self.resolved.get().is_some_and(|additional| additional.needs_encryption())
    }
}

impl Component for Setter {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async {
            if let Some(id) = &self.additional {
                let additional = host.client_authenticator(id, "HTTP")?;
                self.resolved.get_or_init(|| additional);
            }
            for file in self.files() {
                file.start().await?;
            }
            Ok(())
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            for file in self.files() {
                file.stop().await;
            }
            Ok(())
        })
    }
}
