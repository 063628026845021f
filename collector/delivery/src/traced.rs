//! The span of a delivery.

use std::sync::Arc;

use etalon_component::{Context, Failure, SpanContext};
use etalon_telemetry::attributes::{DataType, ErrorType, Exporter, ItemsFailed, ItemsSent};
use etalon_telemetry::{Span, Tracer, spans};

/// What the deliveries of an exporter have in common.
#[derive(Debug)]
pub(crate) struct Deliveries {
    pub(crate) tracer: Tracer,
    pub(crate) exporter: String,
    pub(crate) data_type: DataType,
}

/// A delivery whose items are not all accounted for. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Traced<'a> {
    of: &'a Deliveries,
    span: Option<Span>,
    sent: usize,
    failed: usize,
    failure: Option<Failure>,
}

impl Deliveries {
    /// Begins one; what it does is told below it.
    pub(crate) fn start(&self, context: &mut Context) -> Traced<'_> {
        let span = Span::start(&self.tracer, context.span.as_ref());
        if let Some(own) = span.context() {
            context.span = Some(own);
        }
        Traced { of: self, span: Some(span), sent: 0, failed: 0, failure: None }
    }
}

impl Traced<'_> {
    /// What it does is told below this.
    pub(crate) fn context(&self) -> Option<Arc<SpanContext>> {
        self.span.as_ref().and_then(Span::context)
    }

    /// So many items have arrived, and so many not, for a reason that is no failure of the delivery.
    pub(crate) fn arrived(&mut self, sent: usize, rejected: usize) {
        self.sent += sent;
        self.failed += rejected;
    }

    /// So many items have not been delivered.
    pub(crate) fn failed(&mut self, items: usize, failure: &Failure) {
        self.failed += items;
        if self.context().is_some() {
            self.failure = Some(failure.clone());
        }
    }
}

impl Drop for Traced<'_> {
    fn drop(&mut self) {
        let Some(span) = self.span.take() else { return };
        let Deliveries { exporter, data_type, .. } = self.of;
        let count = |items| i64::try_from(items).unwrap_or(i64::MAX);
        span.end(self.failure.as_ref().map(Failure::message), || spans::Exporter {
            exporter: Exporter(exporter),
            data_type: *data_type,
            items_sent: ItemsSent(count(self.sent)),
            items_failed: ItemsFailed(count(self.failed)),
            error_type: self.failure.as_ref().map(|failure| ErrorType(failure.code().name())),
        });
    }
}
