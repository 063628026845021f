//! `memory_limiter`: a budget of bytes out of which all is held that is received.
//!
//! [`processor_factory`] makes the processor known to a collector, and [`extension_factory`] the extension; [`Config`] is
//! what users write about either. Whoever reads a request reserves its bytes first, and what has been reserved is given
//! back when nobody holds the request any more. How much memory the process takes is looked at from time to time, as the
//! second line.

mod config;
mod extension;
mod limiter;
mod processor;
mod total;

pub use config::Config;

use etalon_component::{ExtensionFactory, Facts, ProcessorFactory, Stability};

/// The type, as users write it.
pub const KIND: &str = "memory_limiter";

/// The factory of the processor, without signals: the distribution adds those that it supports.
pub fn processor_factory() -> ProcessorFactory {
    ProcessorFactory::new::<Config>(KIND, processor::create).with_facts(facts)
}

/// The factory of the extension.
pub fn extension_factory() -> ExtensionFactory {
    ExtensionFactory::new::<Config>(KIND, extension::create).with_stability(Stability::Beta).with_facts(facts)
}

fn facts(config: &Config, _: Option<etalon_pdata::Signal>) -> Facts {
    Facts { memory_limit: Some(config.memory_limit()), ..Facts::default() }
}

#[cfg(test)]
mod tests;
