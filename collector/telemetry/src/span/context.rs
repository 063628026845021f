//! What identifies a span, to its children and to other processes.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

/// Identifies a trace. Never all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Identifies a span of a trace. Never all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// What a span tells to its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanContext(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Of {
        trace_id: TraceId,
        span_id: SpanId,
        sampled: bool,
        is_remote: bool,
        state: Option<Arc<str>>,
    },
    /// Of a request with the collector's own telemetry: nothing is told of what it causes.
    Quiet,
}

impl TraceId {
    /// Nothing for all zeros.
    pub fn new(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    pub(super) fn random() -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&random().to_be_bytes());
        bytes[8..].copy_from_slice(&random().to_be_bytes());
        Self::new(bytes).unwrap_or(Self([1; 16]))
    }

    /// As OTLP has it.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl SpanId {
    /// Nothing for all zeros.
    pub fn new(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    fn random() -> Self {
        Self::new(random().to_be_bytes()).unwrap_or(Self([1; 8]))
    }

    /// As OTLP has it.
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl SpanContext {
    /// What another process has told. `state` is its `tracestate`.
    pub fn remote(trace_id: TraceId, span_id: SpanId, sampled: bool, state: Option<&str>) -> Self {
        let state = state.map(Into::into);
        Self(Kind::Of { trace_id, span_id, sampled, is_remote: true, state })
    }

    /// Of a new span.
    pub(super) fn local(trace_id: TraceId, sampled: bool, state: Option<Arc<str>>) -> Self {
        Self(Kind::Of { trace_id, span_id: SpanId::random(), sampled, is_remote: false, state })
    }

    pub(super) const QUIET: Self = Self(Kind::Quiet);

    /// Whether the request is one with the collector's own telemetry: nothing is told of what it causes.
    pub fn is_quiet(&self) -> bool {
        self.0 == Kind::Quiet
    }

    /// The ids of trace and span; nothing for a quiet one.
    pub fn ids(&self) -> Option<(TraceId, SpanId)> {
        match self.0 {
            Kind::Of { trace_id, span_id, .. } => Some((trace_id, span_id)),
            Kind::Quiet => None,
        }
    }

    pub(super) fn trace_id(&self) -> TraceId {
        self.ids().map_or_else(TraceId::random, |(trace_id, _)| trace_id)
    }

    /// Whether the span is told.
    pub fn is_sampled(&self) -> bool {
        matches!(self.0, Kind::Of { sampled: true, .. })
    }

    /// Whether the span is of another process.
    pub fn is_remote(&self) -> bool {
        matches!(self.0, Kind::Of { is_remote: true, .. })
    }

    /// `tracestate`.
    pub fn state(&self) -> Option<Arc<str>> {
        match &self.0 {
            Kind::Of { state, .. } => state.clone(),
            Kind::Quiet => None,
        }
    }
}

/// Numbers that nobody can guess: the standard library's keyed hash of a count. Each thread has keys of its own.
pub(super) fn random() -> u64 {
    thread_local! {
        static KEYS: RandomState = RandomState::new();
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let count = COUNT.get().wrapping_add(1);
    COUNT.set(count);
    KEYS.with(|keys| keys.hash_one(count))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
