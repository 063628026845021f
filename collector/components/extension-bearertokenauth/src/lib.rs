//! The `bearertokenauth` extension: a token in every request, RFC 6750.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. One instance is the
//! authenticator of servers, which take any of its tokens, and of clients, which send the first.
//!
//! It knows no protocol: it reads and writes header fields.

mod authenticator;
mod config;
mod tokens;

pub use config::Config;

use std::sync::Arc;

use etalon_component::{BoxError, Extension, ExtensionFactory, Settings, Stability};

use crate::authenticator::Authenticator;

/// The type, as users write it.
pub const TYPE: &str = "bearertokenauth";

/// The factory.
pub fn factory() -> ExtensionFactory {
    ExtensionFactory::new(TYPE, create).with_stability(Stability::Stable)
}

fn create(settings: Settings, config: &Config) -> Result<Extension, BoxError> {
    let authenticator = settings.span.in_scope(|| Authenticator::new(config))?;
    let authenticator = Arc::new(authenticator);
    Ok(Extension::new(authenticator.clone())
        .with_server_authenticator(authenticator.clone())
        .with_client_authenticator(authenticator))
}

#[cfg(test)]
mod tests;
