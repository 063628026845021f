//! The `nop` exporter: takes everything over and discards it.

use etalon_component::{
    Batch, BoxError, BoxFuture, Component, Consumer, ExporterFactory, Facts, Host, Outcome, Purpose, Stage,
};
use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The factory. It supports whatever signals it is given.
pub fn factory() -> ExporterFactory {
    let factory = ExporterFactory::new::<Config>("nop", |_, _, _| Ok(Stage::new(Nop)));
    factory.with_facts(|_: &Config, _| Facts { purpose: Purpose::Discarding, ..Facts::default() })
}

/// Takes everything over, and discards it. There is nothing to configure.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Config {}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

struct Nop;

impl Component for Nop {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Consumer for Nop {
    fn consume(&self, _: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async { Outcome::DELIVERED })
    }
}

#[cfg(test)]
mod tests {
    use etalon_conf::{Content, Entry, Node};

    use super::*;

    #[test]
    fn any_key_is_unknown() {
        assert!(factory().decode(&Node::default()).is_ok());
        let entry = Entry { key: "speed".to_owned(), origin: None, value: Node::default() };
        let error = factory().decode(&Node::new(Content::Map(vec![entry]))).unwrap_err();
        assert!(error.to_string().contains("speed"), "{error}");
    }
}
