//! The collector's own telemetry: typed groups of instruments, and what readers see of them.
//!
//! What there is, and what it means, is declared in `telemetry-schema/`; [`metrics`] and [`attributes`] are made of
//! that. A component binds its group ([`metrics::ReceiverMetrics`], [`metrics::ExporterMetrics`]) when it is built;
//! recording is then one atomic addition, with no look-up, no allocation and no lock.
//! [`Telemetry::snapshot`] reads what has been recorded, and [`PrometheusReader`] puts it into words.
//!
//! A [`Span`] tells of a request on its way: what it is told to be when it ends is one of [`spans`], and nothing else
//! can be.
//!
//! No other crate can make an instrument, and nothing in this one but the generated code names a metric. It serves
//! nothing over the network.

mod binding;
mod definition;
pub mod event;
#[allow(clippy::doc_markdown, reason = "the words of the contract are prose")]
mod generated;
mod process;
mod prometheus;
pub mod readings;
mod registry;
mod renamed;
mod selection;
mod snapshot;
mod span;
mod time;

pub use binding::Held;
pub use definition::{Definition, Instrument, Level, Stability, ValueType};
pub use generated::definitions::CONTRACT_VERSION;
pub use generated::support::SUPPORT_END;
pub use generated::{attributes, definitions, events, metrics, spans};
pub use process::{ProcessObservations, memory_rss, observe_process};
pub use prometheus::{Format, PrometheusReader, prefers_gzip};
pub use registry::Telemetry;
pub use selection::{SCOPE_NAME, SCOPE_VERSION, Selection, Selector};
pub use snapshot::{FamilySnapshot, Point, Snapshot, Value};
pub use span::{
    AttributeValue, Attributes, Declared, OWN_TELEMETRY, ParentBased, Propagator, Sampler, Span, SpanContext,
    SpanData, SpanDefinition, SpanId, SpanKind, SpanLimits, SpanSink, TraceId, TraceIdRatio, Tracer, Tracing,
    current, within,
};
pub use time::iso8601;

/// The whole contract that this code keeps, as JSON.
pub const CONTRACT_JSON: &str = include_str!("../../../telemetry-schema/resolved/current.json");
