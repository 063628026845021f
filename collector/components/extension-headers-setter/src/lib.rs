//! The `headers_setter` extension: header fields of the requests of a client, from the configuration, a
//! file, or the request that brought the batch.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write.
//!
//! It knows no protocol: it reads metadata and writes header fields.

mod config;
mod setter;

pub use config::{Action, Config, HeaderConfig};

use std::sync::Arc;

use etalon_component::{BoxError, Extension, ExtensionFactory, Settings, Stability};

use crate::setter::Setter;

/// The type, as users write it.
pub const TYPE: &str = "headers_setter";

/// The factory.
pub fn factory() -> ExtensionFactory {
    ExtensionFactory::new(TYPE, create).with_stability(Stability::Stable)
}

fn create(settings: Settings, config: &Config) -> Result<Extension, BoxError> {
    let setter = settings.span.in_scope(|| Setter::new(config))?;
    let setter = Arc::new(setter);
    Ok(Extension::new(setter.clone())
        .depends_on(config.additional_auth.clone())
        .with_client_authenticator(setter))
}

#[cfg(test)]
mod tests;
