//! The `file_storage` extension: a folder in which exporters keep their queues.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. It checks the folder when it starts, and
//! offers it to the exporters whose `sending_queue` names it in `storage`. What is in the folder is the queues' own affair.

mod config;
mod folder;

pub use config::Config;

use std::sync::Arc;

use etalon_component::{BoxError, Extension, ExtensionFactory, Facts, Settings, Stability};

use crate::folder::Folder;

/// The type, as users write it.
pub const TYPE: &str = "file_storage";

/// The factory.
pub fn factory() -> ExtensionFactory {
    let factory = ExtensionFactory::new(TYPE, create).with_stability(Stability::Beta);
    factory.with_facts(|config: &Config, _| Facts { storage: Some(config.storage()), ..Facts::default() })
}

fn create(_: Settings, config: &Config) -> Result<Extension, BoxError> {
    Ok(Extension::new(Arc::new(Folder::new(config))).with_storage(config.storage()))
}

#[cfg(test)]
mod tests;
