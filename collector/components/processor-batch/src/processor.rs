//! The processor as a stage of a pipeline.

use std::sync::Arc;

use etalon_component::{
    Batch, BoxError, BoxFuture, Budgets, Component, ComponentId, Consumer, Host, Outcome, Settings, Stage,
};
use etalon_pdata::Signal;
use etalon_telemetry::attributes;
use etalon_telemetry::metrics::{BatchProcessorAttributes, BatchProcessorMetrics};
use tokio::time::Instant;

use crate::Config;
use crate::batcher::Batcher;

struct Processor(Arc<Batcher>);

pub(crate) fn create(
    settings: Settings,
    config: &Config,
    signal: Signal,
    next: Arc<dyn Consumer>,
) -> Result<Stage, BoxError> {
    let id = settings.id.to_string();
    let pipeline = settings.pipeline.as_ref().map_or(signal.name, ComponentId::as_str);
    let of = BatchProcessorAttributes {
        pipeline: attributes::Pipeline(pipeline),
        processor: attributes::Processor(&id),
    };
    let metrics = BatchProcessorMetrics::new(&settings.telemetry, of);
    Ok(Stage::new(Processor(Arc::new(Batcher::new(config.clone(), next, metrics, settings.span)))))
}

impl Component for Processor {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async move {
            self.0.shutdown(deadline).await;
            Ok(())
        })
    }
}

impl Consumer for Processor {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        if batch.items() == 0 {
            return self.0.next.consume(batch);
        }
        Box::pin(async move {
            match self.0.take(batch) {
                Ok(outcome) => outcome.await.unwrap_or_else(|_| {
                    Outcome::unknown("the batch processor failed while it held the data")
                }),
                Err(refused) => refused,
            }
        })
    }

    fn budgets(&self) -> Budgets {
        self.0.next.budgets()
    }
}
