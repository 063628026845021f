//! The collector's own metrics: typed groups of instruments, and their Prometheus text.
//!
//! A component asks [`Telemetry`] for its group ([`ReceiverMetrics`], [`ExporterMetrics`],
//! [`QueueMetrics`]) when it is built; recording is then one atomic addition, with no look-up, no
//! allocation and no lock. [`Telemetry::prometheus_text`] renders what has been recorded.
//!
//! This crate is the only one that names a metric. It serves nothing over the network.

mod definition;
mod exporter;
mod process;
mod receiver;
mod registry;
mod reload;
mod tls;

pub use definition::{Definition, Instrument, Level, Stability, ValueType};
pub use exporter::{ExporterMetrics, QueueMetrics};
pub use receiver::ReceiverMetrics;
pub use registry::{Observation, Telemetry};
pub use reload::ReloadMetrics;
pub use tls::{observe_exporter_tls, observe_receiver_tls};
