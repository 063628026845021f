//! What spans come from, and where they go.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::context::random;
use super::{Propagator, Sampler, SpanContext, SpanSink};

/// The header field by which the collector knows its own telemetry when it comes back to it.
pub const OWN_TELEMETRY: &str = "etalon-own-telemetry";

/// Tells spans, or tells none. Cloning shares it.
#[derive(Clone)]
pub struct Tracer(Arc<Shared>);

struct Shared {
    /// Whether anything of the collector itself leaves it: spans, log lines, metrics.
    is_on: AtomicBool,
    tracing: RwLock<Option<Arc<Tracing>>>,
    key: String,
}

/// How spans are told.
pub struct Tracing {
    /// Which are told.
    pub sampler: Sampler,
    /// In which forms they are told to other processes, and those tell theirs.
    pub propagators: Vec<Propagator>,
    /// How much is told of one.
    pub limits: SpanLimits,
    /// To whom.
    pub sinks: Vec<Arc<dyn SpanSink>>,
}

/// How much is told of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanLimits {
    /// Attributes.
    pub attributes: usize,
    /// Characters of a value.
    pub value_length: usize,
}

impl Default for SpanLimits {
    fn default() -> Self {
        Self { attributes: 128, value_length: usize::MAX }
    }
}

impl Tracer {
    pub(crate) fn new() -> Self {
        let key = format!("{:016x}{:016x}", random(), random());
        Self(Arc::new(Shared { is_on: AtomicBool::new(false), tracing: RwLock::default(), key }))
    }

    /// Tells spans like this from now on, or none. `sends` says whether anything else of the collector itself, log
    /// lines or metrics, is sent by it.
    pub fn set(&self, tracing: Option<Tracing>, sends: bool) {
        let is_on = tracing.is_some() || sends;
        *self.0.tracing.write().unwrap_or_else(PoisonError::into_inner) = tracing.map(Arc::new);
        self.0.is_on.store(is_on, Ordering::Relaxed);
    }

    /// Whether anything of the collector itself leaves it.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    pub(super) fn tracing(&self) -> Option<Arc<Tracing>> {
        self.0.tracing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value of [`OWN_TELEMETRY`] with which the collector sends its own telemetry.
    pub fn own_key(&self) -> &str {
        &self.0.key
    }

    /// The span that a request belongs to, by its header fields, which are asked for in lower case. Of several
    /// forms, the last that tells one counts. Ask it only while this [is on](Self::is_on).
    pub fn parent<'a>(&self, field: &'a dyn Fn(&str) -> Option<&'a str>) -> Option<Arc<SpanContext>> {
        if field(OWN_TELEMETRY) == Some(&*self.0.key) {
            return Some(Arc::new(SpanContext::QUIET));
        }
        let tracing = self.tracing()?;
        let mut told = tracing.propagators.iter().rev().filter_map(|form| form.extract(field));
        told.next().map(Arc::new)
    }

    /// The header fields that tell a destination of a span.
    pub fn fields(&self, context: &SpanContext) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if let Some(tracing) = self.tracing() {
            for form in &tracing.propagators {
                form.inject(context, &mut fields);
            }
        }
        fields
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracing")
            .field("sampler", &self.sampler)
            .field("propagators", &self.propagators)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
