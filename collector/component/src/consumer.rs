//! The edge between two components.

use std::fmt;
use std::sync::Arc;

use crate::{Batch, BoxFuture, Budgets, Component, Outcome};

/// Takes batches and answers for them.
pub trait Consumer: Send + Sync {
    /// Takes a batch and resolves to what became of it.
    ///
    /// The caller owns the data until the outcome is [`Outcome::Delivered`] or
    /// [`Outcome::Permanent`]. Dropping the future before it resolves means that the caller does not
    /// wait any longer: the batch may or may not have been delivered.
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome>;

    /// The budgets of memory that stand right here, before anything else is done with a batch. Who reads a batch
    /// from outside reserves there before it does so, and hands the reservation on with the batch. They may be
    /// others from one batch to the next.
    fn budgets(&self) -> Budgets {
        Budgets::new()
    }
}

/// A component that consumes: an exporter, a processor or a connector, as its factory hands it over.
#[derive(Clone)]
pub struct Stage {
    /// Its life cycle.
    pub component: Arc<dyn Component>,
    /// Its entrance.
    pub consumer: Arc<dyn Consumer>,
}

/// Whether both are one and the same consumer.
pub fn same_consumer(a: &Arc<dyn Consumer>, b: &Arc<dyn Consumer>) -> bool {
    // Without the tables of functions, of which one type may have several.
    std::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}

impl Stage {
    /// A stage of one value that is both.
    pub fn new<T: Component + Consumer + 'static>(stage: T) -> Self {
        let stage = Arc::new(stage);
        Self { component: stage.clone(), consumer: stage }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}
