//! The `basicauth` extension: user and password in every request, RFC 7617.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. With `htpasswd` it is the
//! authenticator of a server, with `client_auth` that of a client; one instance is one of the two.
//!
//! It knows no protocol: it reads and writes header fields.

mod client;
mod config;
mod htpasswd;
mod password;
mod server;

pub use config::{ClientAuth, Config, Htpasswd};

use std::sync::Arc;

use etalon_component::{BoxError, Extension, ExtensionFactory, Settings, Stability};

/// The type, as users write it.
pub const TYPE: &str = "basicauth";

/// The factory.
pub fn factory() -> ExtensionFactory {
    ExtensionFactory::new(TYPE, create).with_stability(Stability::Stable)
}

fn create(_: Settings, config: &Config) -> Result<Extension, BoxError> {
    if let Some(htpasswd) = config.htpasswd.get() {
        let server = Arc::new(server::Server::new(htpasswd)?);
        return Ok(Extension::new(server.clone()).with_server_authenticator(server));
    }
    let client = config.client_auth.get().cloned().unwrap_or_default();
    let client = Arc::new(client::Client::new(&client));
    Ok(Extension::new(client.clone()).with_client_authenticator(client))
}

#[cfg(test)]
mod tests;
