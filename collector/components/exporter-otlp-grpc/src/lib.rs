//! The `otlp_grpc` exporter: sends each signal to an OTLP/gRPC destination.
//!
//! [`factory`] tells the collector of it and [`OtlpGrpcConfig`] is what users write. One instance
//! exports one signal, over connections of its own, behind the chain of `etalon-delivery`.
//!
//! It knows no signal by name: paths and counts come from the signal's description.

mod config;
mod exporter;
mod traced;

pub use config::OtlpGrpcConfig;

use etalon_component::ExporterFactory;

/// The type, as users write it.
pub const TYPE: &str = "otlp_grpc";

/// The factory of `otlp_grpc` exporters, which were once called `otlp`.
pub fn factory() -> ExporterFactory {
    let factory = ExporterFactory::new(TYPE, exporter::create).with_aliases(&["otlp"]);
    factory.with_facts(|config: &OtlpGrpcConfig, _| config.facts())
}
