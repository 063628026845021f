//! The `debug` exporter: tells of what arrives, in a line per batch or in full.
//!
//! [`factory`] tells the collector of it and [`DebugConfig`] is what users write. How a request looks
//! as text is a value that its signal brings along ([`etalon_pdata::text::TextForm`]); this crate
//! knows no signal. It writes to the collector's own log, or to the standard streams and files.

mod config;
mod event;
mod exporter;
mod output;
mod sampler;

pub use config::{DebugConfig, Verbosity, VerbosityError};

use etalon_component::{ExporterFactory, Facts, Purpose};

/// The type, as users write it.
pub const TYPE: &str = "debug";

/// The factory of `debug` exporters. It supports whatever signals it is given.
pub fn factory() -> ExporterFactory {
    ExporterFactory::new(TYPE, exporter::create).with_facts(|config: &DebugConfig, _| Facts {
        purpose: Purpose::Looking,
        ..config.delivery().facts()
    })
}

#[cfg(test)]
mod tests;
