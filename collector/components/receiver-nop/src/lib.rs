//! The `nop` receiver: receives nothing. It lets a configuration name a receiver where none is wanted.

use std::sync::Arc;

use etalon_component::{BoxError, BoxFuture, Component, Host, ReceiverFactory};
use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The factory. It supports whatever signals it is given.
pub fn factory() -> ReceiverFactory {
    ReceiverFactory::new::<Config>("nop", |_, _, _| Ok(Arc::new(Nop)))
}

/// Receives nothing. There is nothing to configure.
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
