//! The extension: the budget stands in front of all requests of the servers that name it as their middleware.

use std::sync::Arc;

use etalon_component::{BoxError, BoxFuture, Component, Extension, Host, Settings};
use etalon_telemetry::attributes::LimiterKind;
use tokio::time::Instant;

use crate::Config;
use crate::limiter::Limiter;

struct Middleware {
    limiter: Arc<Limiter>,
}

pub(crate) fn create(settings: Settings, config: &Config) -> Result<Extension, BoxError> {
    let limiter = Limiter::new(config, &settings, LimiterKind::Extension)?;
    let budget = limiter.budget().clone();
    Ok(Extension::new(Arc::new(Middleware { limiter })).with_memory_budget(budget))
}

impl Component for Middleware {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        self.limiter.start();
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        self.limiter.stop();
        Box::pin(async { Ok(()) })
    }
}
