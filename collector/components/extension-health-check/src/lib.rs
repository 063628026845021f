//! The `health_check` extension: tells probes and load balancers how the collector is.
//!
//! [`factory`] makes it known to a collector; [`Config`] is what users write. Whether the collector is ready is known
//! from its phase; whether pipelines get on is judged by what their metrics do, once a second.

mod config;
mod extension;
mod pages;
mod watch;

pub use config::{Config, PipelineCheck, Progress, ResponseBody};

use std::sync::Arc;

use etalon_component::{BoxError, Extension, ExtensionFactory, Facts, Listener, Settings, Stability};

use crate::extension::HealthCheck;

/// The type, as users write it.
pub const TYPE: &str = "health_check";

/// The factory.
pub fn factory() -> ExtensionFactory {
    let factory = ExtensionFactory::new(TYPE, create).with_stability(Stability::Beta);
    factory.with_facts(|config: &Config, _| {
        // Probes send no data.
        let listener = Listener { intake: None, ..config.server.facts("") };
        Facts { listeners: vec![listener], ..Facts::default() }
    })
}

fn create(settings: Settings, config: &Config) -> Result<Extension, BoxError> {
    Ok(Extension::new(Arc::new(HealthCheck::new(settings, config))))
}

#[cfg(test)]
mod tests;
