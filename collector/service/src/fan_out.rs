//! One batch to several consumers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use etalon_component::{Batch, BoxFuture, Budgets, Consumer, Outcome};

/// A consumer that hands each batch to all of `consumers` and answers with the one outcome that is
/// true for all ([`Outcome::and`]). A single consumer is used as it is.
pub(crate) fn fan_out(mut consumers: Vec<Arc<dyn Consumer>>) -> Arc<dyn Consumer> {
    match consumers.len() {
        1 => consumers.remove(0),
        _ => Arc::new(FanOut(consumers)),
    }
}

struct FanOut(Vec<Arc<dyn Consumer>>);

impl Consumer for FanOut {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        let attempts = self.0.iter().map(|consumer| Some(consumer.consume(batch.clone()))).collect();
        Box::pin(All { attempts, outcome: Some(Outcome::DELIVERED) })
    }

    fn budgets(&self) -> Budgets {
        self.0.iter().flat_map(|consumer| consumer.budgets()).collect()
    }
}

/// Polls all attempts side by side, so that a slow destination delays only the answer.
struct All<'a> {
    attempts: Vec<Option<BoxFuture<'a, Outcome>>>,
    outcome: Option<Outcome>,
}

impl Future for All<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Outcome> {
        let Self { attempts, outcome } = &mut *self;
        let mut pending = false;
        for slot in attempts {
            let Some(attempt) = slot else { continue };
            match attempt.as_mut().poll(context) {
                Poll::Pending => pending = true,
                Poll::Ready(one) => {
                    *slot = None;
                    *outcome = outcome.take().map(|all| all.and(one));
                }
            }
        }
        match outcome.take_if(|_| !pending) {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use etalon_component::Code;
    use etalon_pdata::{Payload, TRACES};
    use tokio::sync::Semaphore;

    use super::*;

    /// Answers once a permit is there.
    struct Gate {
        permits: Semaphore,
        outcome: Outcome,
        consumed: AtomicUsize,
    }

    impl Gate {
        fn new(permits: usize, outcome: Outcome) -> Arc<Self> {
            Arc::new(Self { permits: Semaphore::new(permits), outcome, consumed: AtomicUsize::new(0) })
        }
    }

    impl Consumer for Gate {
        fn consume(&self, _: Batch) -> BoxFuture<'_, Outcome> {
            Box::pin(async {
                self.consumed.fetch_add(1, Ordering::Relaxed);
                self.permits.acquire().await.expect("never closed").forget();
                self.outcome.clone()
            })
        }
    }

    fn batch() -> Batch {
        Batch::new(Payload::from_validated(TRACES, bytes::Bytes::new(), 0))
    }

    #[tokio::test]
    async fn a_slow_consumer_does_not_keep_the_batch_from_the_next() {
        let slow = Gate::new(0, Outcome::DELIVERED);
        let fast = Gate::new(1, Outcome::permanent(Code::Internal, "no"));
        let all = fan_out(vec![slow.clone(), fast.clone()]);
        let answer = tokio::spawn(async move { all.consume(batch()).await });
        while fast.consumed.load(Ordering::Relaxed) == 0 || fast.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(!answer.is_finished());
        slow.permits.add_permits(1);
        assert!(matches!(answer.await.expect("no panic"), Outcome::Permanent(_)));
    }

    #[tokio::test]
    async fn a_refusal_by_one_keeps_the_data_with_the_sender() {
        let all = fan_out(vec![Gate::new(1, Outcome::refused("full")), Gate::new(1, Outcome::DELIVERED)]);
        assert!(all.consume(batch()).await.is_retryable());
    }

    #[tokio::test]
    async fn everything_delivered_is_delivered() {
        let all = fan_out(vec![Gate::new(1, Outcome::DELIVERED), Gate::new(1, Outcome::DELIVERED)]);
        assert!(all.consume(batch()).await.is_delivered());
    }
}
