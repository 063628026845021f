//! The span that the running task works for, so that log lines can name it.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;

use super::SpanContext;

thread_local! {
    static CURRENT: RefCell<Option<Arc<SpanContext>>> = const { RefCell::new(None) };
}

/// Puts back what was current before.
struct Entered(Option<Arc<SpanContext>>);

/// The span that the caller works for.
pub fn current() -> Option<Arc<SpanContext>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs `future` for the span of `context`. Without one, nothing is changed.
pub async fn within<F: Future>(context: Option<Arc<SpanContext>>, future: F) -> F::Output {
    let Some(context) = context else { return future.await };
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let _entered = Entered(CURRENT.replace(Some(context.clone())));
        future.as_mut().poll(cx)
    })
    .await
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
