//! The processor: the budget stands in front of what follows it in the pipeline.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use etalon_component::{
    Batch, BoxError, BoxFuture, Budgets, Component, Consumer, Host, MemoryBudget, Outcome, Reserved,
    Settings, Stage,
};
use etalon_pdata::Signal;
use etalon_telemetry::attributes::LimiterKind;
use tokio::time::Instant;

use crate::limiter::Limiter;
use crate::{Config, KIND};

/// A `memory_limiter` in one pipeline. Those of one id have one budget.
pub(crate) struct Processor {
    config: Config,
    settings: Settings,
    next: Arc<dyn Consumer>,
    budget: OnceLock<MemoryBudget>,
    /// While it is in service.
    limiter: Mutex<Option<Arc<Limiter>>>,
}

pub(crate) fn create(
    settings: Settings,
    config: &Config,
    _: Signal,
    next: Arc<dyn Consumer>,
) -> Result<Stage, BoxError> {
    Ok(Stage::new(Processor {
        config: config.clone(),
        settings,
        next,
        budget: OnceLock::new(),
        limiter: Mutex::default(),
    }))
}

impl Processor {
    /// The limiter that other pipelines use already, or a new one.
    fn limiter(&self, host: &Host) -> Result<Arc<Limiter>, BoxError> {
        // One with other limits is another one: a reload that changes them leaves the old one to what it holds.
        let name: PathBuf = format!("{KIND}/{}/{:?}", self.settings.id, self.config).into();
        if let Some(Ok(known)) = host.shared(&name).map(Arc::downcast::<Limiter>) {
            return Ok(known);
        }
        let limiter = Limiter::new(&self.config, &self.settings, LimiterKind::Processor)?;
        limiter.start();
        host.share(name, &limiter);
        Ok(limiter)
    }
}

impl Component for Processor {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let limiter = self.limiter(host)?;
            self.budget.get_or_init(|| limiter.budget().clone());
            *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) = Some(limiter);
            Ok(())
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            self.limiter.lock().unwrap_or_else(PoisonError::into_inner).take();
            Ok(())
        })
    }
}

impl Consumer for Processor {
    fn consume(&self, mut batch: Batch) -> BoxFuture<'_, Outcome> {
        // What was reserved before it was read comes with it.
        if let Some(budget) = self.budget.get().filter(|budget| !batch.context.memory.is_of(budget)) {
            let caller = batch.context.caller.as_deref();
            let field = |name: &str| {
                caller?.metadata.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
            };
            let mut reserved = Reserved::told_apart(Budgets::from_buf([budget.clone()]), None, &field);
            if let Err(why) = reserved.resize(batch.payload.held_bytes()) {
                return Box::pin(async move { why.outcome() });
            }
            batch.context.memory.add(reserved);
        }
        self.next.consume(batch)
    }

    fn budgets(&self) -> Budgets {
        self.budget.get().cloned().into_iter().chain(self.next.budgets()).collect()
    }
}
