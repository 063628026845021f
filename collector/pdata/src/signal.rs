//! A signal as a value: everything the collector needs to know to carry one.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::table::Message;
use crate::text::TextForm;

/// A signal. Compares, hashes and prints by its name; copying it copies a reference.
///
/// It is not an enum: stable code never lists the signals, so a further one needs no change to it.
#[derive(Clone, Copy)]
pub struct Signal(&'static SignalSpec);

/// The static description behind a [`Signal`].
#[derive(Debug)]
pub struct SignalSpec {
    /// Name in configuration and telemetry: `traces`.
    pub name: &'static str,
    /// What an item is called, plural, as in metric names: `spans`, `metric_points`, `log_records`.
    pub items: &'static str,
    /// Path of the unary gRPC method.
    pub grpc_path: &'static str,
    /// Default path of the HTTP endpoint.
    pub http_path: &'static str,
    /// Wire table of the export request.
    pub request: &'static Message,
    /// Wire table of the export response.
    pub response: &'static Message,
    /// Name of the response's count of rejected items: `rejected_spans`.
    pub rejected_field: &'static str,
    /// Name that log events give to that count: `dropped_spans`.
    pub dropped_field: &'static str,
    /// How requests are shown to people.
    pub text: &'static TextForm,
}

impl Signal {
    /// Makes a signal of its description.
    pub const fn new(spec: &'static SignalSpec) -> Self {
        Self(spec)
    }
}

impl std::ops::Deref for Signal {
    type Target = SignalSpec;

    fn deref(&self) -> &SignalSpec {
        self.0
    }
}

impl PartialEq for Signal {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Signal {}

impl PartialOrd for Signal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Signal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl Hash for Signal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}
