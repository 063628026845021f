//! What a destination of the tests is told to do, and what has come to it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::{WAIT, deadline, remaining};

/// Replies in order, and requests as they arrive. When the script has ended, a destination accepts.
#[derive(Debug)]
pub struct Script<Reply, Arrived> {
    state: Mutex<State<Reply, Arrived>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<Reply, Arrived> {
    script: VecDeque<Reply>,
    /// What is done when the script has ended.
    then: Option<Reply>,
    arrived: Vec<Arrived>,
    connections: usize,
}

impl<Reply, Arrived> Default for Script<Reply, Arrived> {
    fn default() -> Self {
        let state = State { script: VecDeque::new(), then: None, arrived: Vec::new(), connections: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<Reply: Clone, Arrived: Clone> Script<Reply, Arrived> {
    /// What to do about the next requests, in order. What was told before is forgotten.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.lock().script = replies.into_iter().collect();
    }

    /// What to do about all requests that the script does not speak of.
    pub fn always(&self, reply: Reply) {
        self.lock().then = Some(reply);
    }

    /// The requests up to now.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.lock().arrived.clone()
    }

    /// The requests since the last call of this, or the start.
    pub fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.lock().arrived)
    }

    /// Connections up to now.
    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    /// Waits until so many requests are there.
    ///
    /// # Panics
    ///
    /// When [`WAIT`] is over.
    pub fn wait_for(&self, requests: usize) {
        let deadline = deadline();
        let mut state = self.lock();
        while state.arrived.len() < requests {
            let left = remaining(deadline);
            assert!(!left.is_zero(), "{} of {requests} requests within {WAIT:?}", state.arrived.len());
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Counts a connection.
    pub(crate) fn connected(&self) {
        self.lock().connections += 1;
    }

    /// What to do about a request that has arrived; nothing to accept it.
    pub(crate) fn next(&self, arrived: Arrived) -> Option<Reply> {
        let mut state = self.lock();
        state.arrived.push(arrived);
        self.changed.notify_all();
        state.script.pop_front().or_else(|| state.then.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State<Reply, Arrived>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
