//! A distribution of one's own: all of Etalon, and a small processor beside it.
//!
//! ```sh
//! cargo run --example custom_distribution -- components
//! cargo run --example custom_distribution -- --config collector/etalon/examples/custom_distribution.yaml
//! ```
//!
//! The processor, `items_max`, rejects requests that hold too many items, with an answer that tells the
//! sender what to do. It needs no look inside a request: the number of items is known.

use std::process::ExitCode;
use std::sync::Arc;

use etalon::Distribution;
use etalon_component::{
    Batch, BoxError, BoxFuture, Code, Component, Consumer, Host, Outcome, ProcessorFactory, Settings,
    Stability, Stage,
};
use etalon_conf::{Check, Validate};
use etalon_pdata::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

fn main() -> ExitCode {
    let mut distribution = Distribution::default();
    distribution.build.command = "custom-distribution";
    distribution.build.description = "A distribution of one's own";

    let mut factory = ProcessorFactory::new("items_max", create);
    for signal in &distribution.factories.signals {
        factory = factory.with_signal(*signal, Stability::Alpha);
    }
    distribution.factories.processors.push(factory);

    etalon::run(&distribution, std::env::args_os())
}

/// What users write: `items_max: { items: 1000 }`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    /// Most items that a request may hold.
    items: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { items: 10_000 }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        if self.items == 0 {
            check.at("items", |check| check.error("must be positive: with 0 nothing would pass"));
        }
    }
}

struct ItemsMax {
    items: usize,
    next: Arc<dyn Consumer>,
}

fn create(_: Settings, config: &Config, _: Signal, next: Arc<dyn Consumer>) -> Result<Stage, BoxError> {
    Ok(Stage::new(ItemsMax { items: config.items, next }))
}

impl Consumer for ItemsMax {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        let (items, most) = (batch.items(), self.items);
        if items > most {
            let message = format!(
                "{items} items in one request: this collector takes {most} at most; send smaller batches"
            );
            return Box::pin(async { Outcome::permanent(Code::InvalidArgument, message) });
        }
        self.next.consume(batch)
    }
}

/// It holds nothing, so there is nothing to start and nothing to shut down.
impl Component for ItemsMax {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}
