//! What goes into a processor and what leaves it.

use std::sync::Arc;

use etalon_component::{Batch, BoxFuture, Budgets, ComponentId, Consumer, Outcome};
use etalon_pdata::Signal;
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{OtelSignal, Pipeline, Processor};
use etalon_telemetry::metrics::{ProcessorAttributes, ProcessorMetrics};

/// Counts at both ends of one processor.
#[derive(Clone)]
pub(crate) struct Ends(ProcessorMetrics);

/// A consumer in front of which items are counted.
struct Counted {
    consumer: Arc<dyn Consumer>,
    metrics: ProcessorMetrics,
    count: fn(&ProcessorMetrics, usize),
}

impl Ends {
    /// Nothing for a signal of which the collector's own telemetry knows nothing.
    pub(crate) fn of(
        telemetry: &Telemetry,
        pipeline: &ComponentId,
        id: &ComponentId,
        signal: Signal,
    ) -> Option<Self> {
        let of = ProcessorAttributes {
            otel_signal: OtelSignal::of(signal.name)?,
            pipeline: Pipeline(pipeline.as_str()),
            processor: Processor(id.as_str()),
        };
        Some(Self(ProcessorMetrics::new(telemetry, of)))
    }

    /// The way into the processor.
    pub(crate) fn entrance(&self, processor: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        self.counted(processor, ProcessorMetrics::incoming)
    }

    /// The way out of it, to what is next.
    pub(crate) fn exit(&self, next: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        self.counted(next, ProcessorMetrics::outgoing)
    }

    fn counted(&self, consumer: Arc<dyn Consumer>, count: fn(&ProcessorMetrics, usize)) -> Arc<dyn Consumer> {
        Arc::new(Counted { consumer, metrics: self.0.clone(), count })
    }
}

impl Consumer for Counted {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        (self.count)(&self.metrics, batch.items());
        self.consumer.consume(batch)
    }

    fn budgets(&self) -> Budgets {
        self.consumer.budgets()
    }
}
