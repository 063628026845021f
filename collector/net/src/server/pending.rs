//! Requests that are not answered yet.

use etalon_telemetry::attributes::RefusalReason;
use tokio::time::Instant;

use super::Unary;

/// A request to whom its end is told. What drops it without an answer has abandoned the request.
pub(super) struct Pending<'a> {
    unary: &'a dyn Unary,
    began: Instant,
    refused: Option<RefusalReason>,
}

impl<'a> Pending<'a> {
    /// A request that has begun to arrive.
    pub(super) fn new(unary: &'a dyn Unary) -> Self {
        Self { unary, began: Instant::now(), refused: Some(RefusalReason::Abandoned) }
    }

    /// It has an answer: success if there is nothing that it was refused for.
    pub(super) fn answered(mut self, refused: Option<RefusalReason>) {
        self.refused = refused;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.unary.ended(self.refused, self.began.elapsed());
    }
}
