//! The way from a receiver or a connector into its pipelines, which a reload may lead elsewhere while data
//! flows.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use etalon_component::{Batch, BoxFuture, Budgets, Consumer, Outcome, same_consumer};
use tokio::sync::mpsc;

use crate::fan_out::fan_out;

/// A consumer that passes everything on to where it leads at that moment.
pub(crate) struct Entrance(RwLock<Lane>);

/// Resolves when nothing is under way any more on a lane that has been left.
pub(crate) struct Left(mpsc::Receiver<Infallible>);

struct Lane {
    route: Arc<Route>,
    ended: mpsc::Receiver<Infallible>,
}

/// Where a lane leads. Each batch under way holds it.
struct Route {
    pipelines: Vec<Arc<dyn Consumer>>,
    all: Arc<dyn Consumer>,
    /// Closes when the last batch lets go.
    _under_way: mpsc::Sender<Infallible>,
}

impl Entrance {
    /// Leads into the entrances of these pipelines.
    pub(crate) fn new(pipelines: Vec<Arc<dyn Consumer>>) -> Self {
        Self(RwLock::new(Lane::new(pipelines)))
    }

    /// Whether it leads to these already.
    pub(crate) fn leads_to(&self, pipelines: &[Arc<dyn Consumer>]) -> bool {
        let lane = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = &lane.route.pipelines;
        known.len() == pipelines.len() && known.iter().zip(pipelines).all(|(a, b)| same_consumer(a, b))
    }

    /// Leads to these from now on. What is under way goes on where it went.
    pub(crate) fn lead_to(&self, pipelines: Vec<Arc<dyn Consumer>>) -> Left {
        let mut lane = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Left(std::mem::replace(&mut *lane, Lane::new(pipelines)).ended)
    }
}

impl Left {
    pub(crate) async fn empty(mut self) {
        // Nothing is ever sent: this waits for the last sender to go.
        self.0.recv().await;
    }
}

impl Lane {
    fn new(pipelines: Vec<Arc<dyn Consumer>>) -> Self {
        let (under_way, ended) = mpsc::channel(1);
        let all = fan_out(pipelines.clone());
        Self { route: Arc::new(Route { pipelines, all, _under_way: under_way }), ended }
    }
}

impl Consumer for Entrance {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        let route = self.0.read().unwrap_or_else(PoisonError::into_inner).route.clone();
        Box::pin(async move { route.all.consume(batch).await })
    }

    fn budgets(&self) -> Budgets {
        self.0.read().unwrap_or_else(PoisonError::into_inner).route.all.budgets()
    }
}

#[cfg(test)]
mod tests {
    use etalon_pdata::{LOGS, Payload};
    use tokio::sync::Semaphore;

    use super::*;

    struct Gate(Semaphore);

    impl Consumer for Gate {
        fn consume(&self, _: Batch) -> BoxFuture<'_, Outcome> {
            Box::pin(async {
                self.0.acquire().await.expect("never closed").forget();
                Outcome::DELIVERED
            })
        }
    }

    #[tokio::test]
    async fn what_is_under_way_goes_on_where_it_went_and_the_rest_goes_elsewhere() {
        let (old, new) = (Arc::new(Gate(Semaphore::new(0))), Arc::new(Gate(Semaphore::new(1))));
        let entrance = Arc::new(Entrance::new(vec![old.clone()]));
        let batch = || Batch::new(Payload::from_validated(LOGS, bytes::Bytes::new(), 0));
        let mut under_way = entrance.consume(batch());
        assert!(futures_poll(&mut under_way).await.is_none());
        let left = entrance.lead_to(vec![new.clone()]);
        assert!(entrance.leads_to(&[new as Arc<dyn Consumer>]));
        assert!(entrance.consume(batch()).await.is_delivered());
        let mut left: BoxFuture<'_, ()> = Box::pin(left.empty());
        assert!(futures_poll(&mut left).await.is_none(), "one is still under way");
        old.0.add_permits(1);
        assert!(under_way.await.is_delivered());
        left.await;
    }

    /// Polls once.
    async fn futures_poll<T>(future: &mut BoxFuture<'_, T>) -> Option<T> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
