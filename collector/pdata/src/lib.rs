//! Validated OTLP bytes: what a signal is, and how to check, count, join, split and convert its requests.
//!
//! [`Signal`] is a value that describes one signal; [`Payload`] is an export request of that signal
//! which has been validated and stays bytes; [`table::Message`] is the wire table that drives
//! everything that must look inside.
//!
//! This crate does no I/O, knows no runtime, and decodes nothing into objects on the hot path.

mod dispatch;
mod generated;
pub mod json;
mod payload;
pub mod proto;
mod response;
mod scan;
mod signal;
mod signals;
mod split;
pub mod table;
pub mod text;
mod wire;

pub use generated::tables;
pub use payload::{Compressed, Payload};
pub use response::{PartialSuccess, parse_partial_success, partial_success_response};
pub use scan::{RECURSION_LIMIT, Scan, ScanError, ScanErrorKind, Utf8Policy, scan};
pub use signal::{Signal, SignalSpec};
pub use signals::{LOGS, METRICS, TRACES};
pub use split::{MAX_GROWTH, Most, Part, Parts};
