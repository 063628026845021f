//! Runs a configuration: decodes and validates it, builds the graph of its components, starts and
//! stops them in order, and tells what the collector says about itself.
//!
//! [`Factories`] is what a distribution offers, [`CollectorConfig`] what a user wants of it, and
//! [`Collector`] the two brought together.
//!
//! This crate names no component, and parses no command line.

mod collector;
mod config;
mod counted;
mod entrance;
pub mod explain;
mod extensions;
mod factories;
mod fan_out;
mod gates;
mod graph;
mod health;
mod life;
mod logs;
mod metrics_endpoint;
mod orphans;
mod outline;
mod own;
mod push;
mod reload;
mod shutdown_config;
mod telemetry_config;
mod telemetry_setup;

pub use collector::{BuildError, Collector, RunError};
pub use config::{CollectorConfig, Entry, Pipeline, describe_service};
pub use extensions::ExtensionError;
pub use factories::Factories;
pub use gates::{ALLOW_NO_PIPELINES, Effect, FeatureGates, GATES, Gate, GateError, MERGE_APPEND, Stage};
pub use graph::{GraphError, MAX_CONNECTORS_IN_SERIES, Role, StartError};
pub use logs::chain;
pub use orphans::UnusableStorage;
pub use reload::{RELOAD_DRAIN_TIMEOUT, ReloadError, Reloaded};
pub use shutdown_config::ShutdownConfig;
pub use telemetry_config::{
    LogEncoding, LogLevel, LogsConfig, MetricsConfig, MetricsLevel, OtlpPush, OtlpPushError, Protocol,
    TelemetryConfig, TracesConfig,
};
pub use telemetry_setup::{LogSetupError, Logging, PreparedLog, resource};
