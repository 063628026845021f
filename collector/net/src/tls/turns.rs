//! Handshakes in progress, of which there may be so many.
//!
//! A handshake takes milliseconds of ours and some round trips. One that is still there when as many others have
//! begun after it is stalled, on purpose or not: when there are too many, the oldest is given up, so that
//! whoever means it gets in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The handshakes of one listener.
#[derive(Debug)]
pub(crate) struct Turns {
    max: usize,
    /// The oldest first.
    in_progress: Mutex<VecDeque<Arc<CancellationToken>>>,
}

/// A handshake in progress, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    given_up: Arc<CancellationToken>,
}

impl Turns {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, in_progress: Mutex::default() }
    }

    /// Begins a handshake, and gives the oldest up if there are too many.
    pub(crate) fn begin(&self) -> Turn<'_> {
        let given_up = Arc::new(CancellationToken::new());
        let mut in_progress = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        if in_progress.len() >= self.max
            && let Some(oldest) = in_progress.pop_front()
        {
            oldest.cancel();
        }
        in_progress.push_back(given_up.clone());
        Turn { turns: self, given_up }
    }
}

impl Turn<'_> {
    /// The result of `handshake`; nothing when others took its place.
    pub(crate) async fn run<T>(&self, handshake: impl Future<Output = T>) -> Option<T> {
        self.given_up.run_until_cancelled(handshake).await
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut in_progress = self.turns.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = in_progress.iter().position(|turn| Arc::ptr_eq(turn, &self.given_up)) {
            in_progress.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room_and_one_that_has_ended_counts_no_more() {
        let turns = Turns::new(2);
        let (oldest, older) = (turns.begin(), turns.begin());
        drop(older);
        let newer = turns.begin();
        assert_eq!(oldest.run(async { 1 }).await, Some(1));
        let newest = turns.begin();
        assert_eq!(oldest.run(pending::<u8>()).await, None);
        assert_eq!(newer.run(async { 2 }).await, Some(2));
        assert_eq!(newest.run(async { 3 }).await, Some(3));
        assert_eq!(turns.in_progress.lock().unwrap().len(), 2);
    }
}
