//! The `forward` connector: hands everything on from the pipelines that export to it to those that
//! receive from it.

use std::sync::Arc;

use etalon_component::{
    Batch, BoxError, BoxFuture, Budgets, Component, ConnectorFactory, Consumer, Host, Outcome, Stage,
};
use etalon_conf::{Check, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The factory. It supports whatever signal it is given, with the same signal in and out.
pub fn factory() -> ConnectorFactory {
    ConnectorFactory::new::<Config>("forward", |_, _, _, next| Ok(Stage::new(Forward { next })))
}

/// Hands everything on from the pipelines that export to it to those that receive from it. There is nothing
/// to configure.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Config {}

impl Validate for Config {
    fn validate(&self, _: &mut Check) {}
}

struct Forward {
    next: Arc<dyn Consumer>,
}

/// It holds nothing, so there is nothing to start and nothing to shut down.
impl Component for Forward {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Consumer for Forward {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        self.next.consume(batch)
    }

    fn budgets(&self) -> Budgets {
        self.next.budgets()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use bytes::Bytes;
    use etalon_component::{Caller, Code, Context};
    use etalon_conf::{Content, Entry, Node};
    use etalon_pdata::{Payload, TRACES};

    use super::*;

    /// Keeps what it is given, and answers with the same outcome always.
    struct Keeper {
        outcome: Outcome,
        kept: Mutex<Vec<Batch>>,
    }

    impl Consumer for Keeper {
        fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
            self.kept.lock().unwrap().push(batch);
            let outcome = self.outcome.clone();
            Box::pin(async { outcome })
        }
    }

    #[tokio::test]
    async fn bytes_and_context_go_on_as_they_are_and_the_outcome_comes_back_as_it_is() {
        for outcome in [
            Outcome::DELIVERED,
            Outcome::refused("full"),
            Outcome::permanent(Code::PermissionDenied, "not you"),
        ] {
            let next = Arc::new(Keeper { outcome, kept: Mutex::default() });
            let forward = Forward { next: next.clone() };
            let bytes = Bytes::from(vec![0x0a, 0x00]);
            let mut caller = Caller::default();
            caller.metadata.push("x-tenant", b"one");
            let context = Context {
                deadline: Some(Instant::now() + Duration::from_secs(9)),
                caller: Some(Arc::new(caller)),
                peer: Some(([127, 0, 0, 1], 9).into()),
                ..Context::default()
            };
            let payload = Payload::from_validated(TRACES, bytes.clone(), 0);
            let came_back = forward.consume(Batch { payload, context: context.clone() }).await;
            assert_eq!(format!("{came_back:?}"), format!("{:?}", next.outcome));

            let kept = next.kept.lock().unwrap();
            let [arrived] = &kept[..] else { panic!("{kept:?}") };
            assert_eq!(arrived.payload.chunks()[0].as_ptr(), bytes.as_ptr(), "the bytes are shared");
            assert_eq!((arrived.context.deadline, arrived.context.peer), (context.deadline, context.peer));
            let callers = (arrived.context.caller.as_ref().unwrap(), context.caller.as_ref().unwrap());
            assert!(Arc::ptr_eq(callers.0, callers.1));
        }
    }

    #[test]
    fn any_key_is_unknown() {
        assert!(factory().decode(&Node::default()).is_ok());
        let entry = Entry { key: "speed".to_owned(), origin: None, value: Node::default() };
        let error = factory().decode(&Node::new(Content::Map(vec![entry]))).unwrap_err();
        assert!(error.to_string().contains("speed"), "{error}");
    }
}
