//! An extension: a component beside the pipelines, and what it offers to the others.

use std::fmt;
use std::sync::Arc;

use crate::{ClientAuthenticator, Component, ComponentId, MemoryBudget, ServerAuthenticator, Storage};

/// An extension as its factory hands it over. What it offers, others look up by its id in the
/// [`Host`](crate::Host).
#[derive(Clone)]
pub struct Extension {
    component: Arc<dyn Component>,
    dependencies: Vec<ComponentId>,
    server_authenticator: Option<Arc<dyn ServerAuthenticator>>,
    client_authenticator: Option<Arc<dyn ClientAuthenticator>>,
    storage: Option<Storage>,
    memory_budget: Option<MemoryBudget>,
}

/// An authenticator that a configuration names cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticatorError {
    /// No extension of this id is in service.
    #[error("failed to resolve authenticator \"{0}\": authenticator not found")]
    NotFound(ComponentId),
    /// The extension does not authenticate the clients of a server.
    #[error("requested authenticator is not a server authenticator")]
    NotServer,
    /// The extension does not authenticate a client.
    #[error("requested authenticator is not a {0} client authenticator")]
    NotClient(&'static str),
}

/// A middleware that a configuration names cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MiddlewareError {
    /// No extension of this id is in service.
    #[error("failed to resolve middleware \"{0}\": middleware not found")]
    NotFound(ComponentId),
    /// The extension has nothing to say to a server.
    #[error("requested extension is not a server middleware: \"{0}\"")]
    NotServer(ComponentId),
}

impl Extension {
    /// An extension that offers nothing to other components yet.
    pub fn new(component: Arc<dyn Component>) -> Self {
        Self {
            component,
            dependencies: Vec::new(),
            server_authenticator: None,
            client_authenticator: None,
            storage: None,
            memory_budget: None,
        }
    }

    /// Adds the ids of extensions that must start before this one, and stop after it.
    pub fn depends_on(mut self, ids: impl IntoIterator<Item = ComponentId>) -> Self {
        self.dependencies.extend(ids);
        self
    }

    /// Offers to authenticate those who send to a server.
    pub fn with_server_authenticator(mut self, authenticator: Arc<dyn ServerAuthenticator>) -> Self {
        self.server_authenticator = Some(authenticator);
        self
    }

    /// Offers to authenticate a client.
    pub fn with_client_authenticator(mut self, authenticator: Arc<dyn ClientAuthenticator>) -> Self {
        self.client_authenticator = Some(authenticator);
        self
    }

    /// Offers to keep queues on disk.
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = Some(storage);
        self
    }

    /// Offers a budget of memory to servers that name the extension as their middleware.
    pub fn with_memory_budget(mut self, budget: MemoryBudget) -> Self {
        self.memory_budget = Some(budget);
        self
    }

    /// Its life cycle.
    pub fn component(&self) -> &Arc<dyn Component> {
        &self.component
    }

    /// The extensions that must start before this one.
    pub fn dependencies(&self) -> &[ComponentId] {
        &self.dependencies
    }

    pub(crate) fn server_authenticator(&self) -> Option<&Arc<dyn ServerAuthenticator>> {
        self.server_authenticator.as_ref()
    }

    pub(crate) fn client_authenticator(&self) -> Option<&Arc<dyn ClientAuthenticator>> {
        self.client_authenticator.as_ref()
    }

    pub(crate) fn storage(&self) -> Option<&Storage> {
        self.storage.as_ref()
    }

    pub(crate) fn memory_budget(&self) -> Option<&MemoryBudget> {
        self.memory_budget.as_ref()
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("dependencies", &self.dependencies)
            .field("server_authenticator", &self.server_authenticator.is_some())
            .field("client_authenticator", &self.client_authenticator.is_some())
            .field("storage", &self.storage)
            .field("memory_budget", &self.memory_budget)
            .finish_non_exhaustive()
    }
}
