//! The keys that name extensions: `auth` and `middlewares`.

use etalon_component::{Budgets, ComponentId, Host, MiddlewareError};
use etalon_conf::{Check, Validate};
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `auth` of a client, or of a gRPC server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AuthConfig {
    /// The extension that authenticates. It must be in `service.extensions`.
    pub authenticator: Option<ComponentId>,
}

/// `auth` of an HTTP server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpServerAuthConfig {
    /// The extension that authenticates. It must be in `service.extensions`.
    pub authenticator: Option<ComponentId>,
    /// Query parameters that are shown to the authenticator as if they were header fields of that name.
    pub request_params: Vec<String>,
}

/// One of `middlewares` of a client: no extension of this version is one, so that each is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MiddlewareConfig {
    /// The extension that would be the middleware.
    pub id: Option<ComponentId>,
}

/// One of `middlewares` of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerMiddlewareConfig {
    /// The extension that is the middleware. It must be in `service.extensions`.
    pub id: Option<ComponentId>,
}

impl Validate for AuthConfig {
    fn validate(&self, check: &mut Check) {
        authenticator(self.authenticator.as_ref(), check);
    }
}

impl Validate for HttpServerAuthConfig {
    fn validate(&self, check: &mut Check) {
        authenticator(self.authenticator.as_ref(), check);
        check.at("request_params", |check| {
            for (index, name) in self.request_params.iter().enumerate() {
                if name.parse::<HeaderName>().is_err() {
                    check.at(index, |check| {
                        check.error(format!("{name:?} cannot be the name of a header field"));
                    });
                }
            }
        });
    }
}

impl Validate for MiddlewareConfig {
    fn validate(&self, check: &mut Check) {
        let id = self.id.as_ref().map(ComponentId::as_str).unwrap_or_default();
        check.error_with_help(
            format!("failed to resolve middleware \"{id}\": middleware not found"),
            "no extension of this version is a middleware of clients; remove the key",
        );
    }
}

fn authenticator(id: Option<&ComponentId>, check: &mut Check) {
    if id.is_none() {
        check.at("authenticator", |check| {
            check.error_with_help(
                "the id of an extension is missing",
                "write authenticator: <id>, or remove auth",
            );
        });
    }
}

/// Checks a list of middlewares of a server, whose ids are looked up when it starts.
pub(crate) fn check_server_middlewares(middlewares: &[ServerMiddlewareConfig], check: &mut Check) {
    check.at("middlewares", |check| {
        for (index, middleware) in middlewares.iter().enumerate() {
            if middleware.id.is_none() {
                check.at(index, |check| {
                    check.error_with_help("the id of an extension is missing", "write `- id: <id>`");
                });
            }
        }
    });
}

/// The budgets of memory that middlewares are.
pub(crate) fn budgets(
    middlewares: &[ServerMiddlewareConfig],
    host: &Host,
) -> Result<Budgets, MiddlewareError> {
    middlewares
        .iter()
        .filter_map(|middleware| middleware.id.as_ref())
        .map(|id| host.memory_budget(id))
        .collect()
}

/// Checks a list of middlewares of a client.
pub(crate) fn check_middlewares(middlewares: &[MiddlewareConfig], check: &mut Check) {
    check.at("middlewares", |check| {
        for (index, middleware) in middlewares.iter().enumerate() {
            check.field(index, middleware);
        }
    });
}
