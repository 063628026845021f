//! Spans: what the collector tells of a request on its way, when `service::telemetry::traces` asks for it.

mod context;
mod current;
mod data;
mod propagation;
mod sampler;
#[cfg(test)]
mod tests;
mod tracer;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

pub use context::{SpanContext, SpanId, TraceId};
pub use current::{current, within};
pub use data::{AttributeValue, Attributes, SpanData, SpanDefinition, SpanKind, SpanSink};
pub use propagation::Propagator;
pub use sampler::{ParentBased, Sampler, TraceIdRatio};
pub use tracer::{OWN_TELEMETRY, SpanLimits, Tracer, Tracing};

/// What the contract declares of spans of one type. Only generated code implements it.
pub trait Declared: sealed::Sealed {
    /// What is fixed about them.
    const DEFINITION: &'static SpanDefinition;

    /// The name of this one.
    fn name(&self) -> Cow<'static, str>;

    /// Adds what is told of this one.
    fn tell(&self, attributes: &mut Attributes<'_>);
}

pub(crate) mod sealed {
    /// Keeps others from declaring spans.
    pub trait Sealed {}
}

/// A span that has begun. It is told when it has [`ended`](Self::end), and never if it is dropped before.
#[derive(Debug, Default)]
#[must_use = "a span that is not ended is not told"]
pub struct Span(Option<Box<Started>>);

#[derive(Debug)]
struct Started {
    context: Arc<SpanContext>,
    /// Nothing if it is not sampled.
    recording: Option<Recording>,
}

#[derive(Debug)]
struct Recording {
    tracing: Arc<Tracing>,
    parent: Option<Arc<SpanContext>>,
    start: SystemTime,
}

impl Span {
    /// Begins a span, below `parent` if there is one. Costs a branch while nobody asks for spans.
    #[inline]
    pub fn start(tracer: &Tracer, parent: Option<&Arc<SpanContext>>) -> Self {
        if tracer.is_on() { Self::begin(tracer, parent) } else { Self(None) }
    }

    #[cold]
    fn begin(tracer: &Tracer, parent: Option<&Arc<SpanContext>>) -> Self {
        if let Some(quiet) = parent.filter(|parent| parent.is_quiet()) {
            return Self(Some(Box::new(Started { context: quiet.clone(), recording: None })));
        }
        let Some(tracing) = tracer.tracing() else { return Self(None) };
        let trace_id = parent.map_or_else(TraceId::random, |parent| parent.trace_id());
        let sampled = tracing.sampler.samples(parent.map(|parent| &**parent), trace_id);
        let state = parent.and_then(|parent| parent.state());
        let context = Arc::new(SpanContext::local(trace_id, sampled, state));
        let recording = sampled.then(|| Recording { tracing, parent: parent.cloned(), start: now() });
        Self(Some(Box::new(Started { context, recording })))
    }

    /// What is caused by it is told below this; nothing while nobody asks for spans.
    pub fn context(&self) -> Option<Arc<SpanContext>> {
        self.0.as_ref().map(|started| started.context.clone())
    }

    /// Ends it. `error` makes its status an error, and is its description. `tell` is called only if it is told.
    #[inline]
    pub fn end<D: Declared>(self, error: Option<&str>, tell: impl FnOnce() -> D) {
        let Some(started) = self.0 else { return };
        let Started { context, recording: Some(recording) } = *started else { return };
        let Recording { tracing, parent, start } = recording;
        let declared = tell();
        let mut attributes = Attributes::new(&tracing.limits);
        declared.tell(&mut attributes);
        let (attributes, dropped_attributes) = attributes.finish();
        let span = Arc::new(SpanData {
            definition: D::DEFINITION,
            name: declared.name(),
            context,
            parent,
            start,
            end: now().max(start),
            attributes,
            dropped_attributes,
            error: error.map(Into::into),
        });
        for sink in &tracing.sinks {
            sink.ended(&span);
        }
    }
}

fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the times that a span tells are wall time")]
    SystemTime::now()
}
