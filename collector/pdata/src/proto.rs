//! OTLP's messages as prost types, by package: `proto::trace::v1::Span`. For tests and for those who want
//! objects; nothing on the hot path uses them, but for the small `google::rpc` messages of errors.

pub use crate::generated::proto::google;
pub use crate::generated::proto::opentelemetry::proto::{collector, common, logs, metrics, resource, trace};
