//! The `zpages` extension: pages for people on what runs, how much passes through it, and what is wrong.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. Pages are templates, which escape all
//! that they are given; they work without JavaScript, and with it their numbers follow what happens.

mod config;
mod extension;
mod live;
mod overview;
mod pages;
mod picture;
mod samples;
mod site;
mod words;

pub use config::{Config, Expvar};

use std::sync::Arc;

use etalon_component::{BoxError, Extension, ExtensionFactory, Facts, Listener, Settings, Stability};

use crate::extension::Zpages;

/// The type, as users write it.
pub const TYPE: &str = "zpages";

/// The factory.
pub fn factory() -> ExtensionFactory {
    let factory = ExtensionFactory::new(TYPE, create).with_stability(Stability::Beta);
    factory.with_facts(|config: &Config, _| {
        // People send no data.
        let listener = Listener { intake: None, ..config.server.facts("") };
        Facts { listeners: vec![listener], ..Facts::default() }
    })
}

fn create(settings: Settings, config: &Config) -> Result<Extension, BoxError> {
    Ok(Extension::new(Arc::new(Zpages::new(settings, config)?)))
}

#[cfg(test)]
mod tests;
