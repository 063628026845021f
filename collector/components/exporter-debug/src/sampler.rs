//! Which batches are told of.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The window in which batches are counted.
const TICK: Duration = Duration::from_secs(1);

/// Lets the first batches of each second pass, and then every so-many-th.
#[derive(Debug)]
pub(crate) struct Sampler {
    initial: u64,
    thereafter: u64,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    ends: Instant,
    batches: u64,
}

impl Sampler {
    /// Negative numbers mean as much as very large ones, as they do in Go.
    pub(crate) fn new(initial: i64, thereafter: i64) -> Self {
        Self {
            initial: initial.cast_unsigned(),
            thereafter: thereafter.cast_unsigned(),
            window: Mutex::new(Window { ends: Instant::now(), batches: 0 }),
        }
    }

    /// Counts a batch, and says whether it is to be told of.
    pub(crate) fn passes(&self) -> bool {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            *window = Window { ends: now + TICK, batches: 0 };
        }
        window.batches += 1;
        match window.batches.checked_sub(self.initial) {
            None | Some(0) => true,
            Some(beyond) => self.thereafter > 0 && beyond.is_multiple_of(self.thereafter),
        }
    }
}
