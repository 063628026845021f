//! The `otlp_http` exporter: sends each signal to an OTLP/HTTP destination.
//!
//! [`factory`] tells the collector of it and [`OtlpHttpConfig`] is what users write. One instance
//! exports one signal to one URL, over connections of its own, behind the chain of `etalon-delivery`.
//!
//! It knows of a signal only what configures it: paths and counts come from the signal's description.

mod answer;
mod config;
mod exporter;
mod traced;

pub use config::{Encoding, EncodingError, OtlpHttpConfig};

use etalon_component::ExporterFactory;

/// The type, as users write it.
pub const TYPE: &str = "otlp_http";

/// The factory of `otlp_http` exporters, which were once called `otlphttp`.
pub fn factory() -> ExporterFactory {
    let factory = ExporterFactory::new(TYPE, exporter::create).with_aliases(&["otlphttp"]);
    factory.with_facts(OtlpHttpConfig::facts)
}
