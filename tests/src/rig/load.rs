//! Senders that go on while the collector comes and goes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Summary;
use crate::{Etalon, Sink, after, logs, remaining, try_post};

/// Items of a request.
pub const ITEMS: u32 = 5;

/// Sends the request of this number; whether it was acknowledged.
pub fn send(to: &Etalon, request: u32) -> bool {
    is_acknowledged(to.http(), request)
}

/// The same by the address.
pub fn is_acknowledged(to: SocketAddr, request: u32) -> bool {
    matches!(answer(to, request), Said::Acknowledged)
}

/// The request of this number; its resource has this name.
pub(super) fn body(request: u32, name: &str) -> Vec<u8> {
    let body = logs(request * ITEMS..(request + 1) * ITEMS);
    if name.is_empty() {
        return body;
    }
    String::from_utf8(body).expect("it is JSON").replace("black box", name).into_bytes()
}

enum Said {
    Acknowledged,
    /// Not taken, to be tried again later.
    Refused,
    /// Anything else that was said.
    Denied(String),
    Nothing,
}

fn answer(to: SocketAddr, request: u32) -> Said {
    match try_post(to, "/v1/logs", "application/json", &body(request, "")) {
        Ok(answer) if answer.status == 200 => Said::Acknowledged,
        Ok(answer) if [429, 503].contains(&answer.status) && answer.header("retry-after").is_some() => {
            Said::Refused
        }
        Ok(answer) => Said::Denied(format!("{} {}", answer.status, answer.text())),
        Err(_) => Said::Nothing,
    }
}

/// What senders were told.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that were acknowledged.
    pub acknowledged: BTreeSet<u32>,
    /// How many were refused so that the sender tries again.
    pub refused: usize,
    /// How many got no answer.
    pub unanswered: usize,
    /// What else was said.
    pub denied: Vec<String>,
}

/// Senders, each of which sends one request after the other, and none twice.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    tally: Mutex<Tally>,
    changed: Condvar,
}

impl Load {
    /// Starts senders, which take the numbers of their requests from `next`.
    pub fn start(to: SocketAddr, senders: usize, next: &Arc<AtomicU32>) -> Self {
        let shared = Arc::<Shared>::default();
        let threads = (0..senders).map(|_| {
            let (shared, next) = (shared.clone(), next.clone());
            thread::spawn(move || shared.send(to, &next))
        });
        let threads = threads.collect();
        Self { shared, threads }
    }

    /// Waits until so many requests were acknowledged; whether that was so before `seconds` were over.
    pub fn wait(&self, acknowledged: usize, seconds: u64) -> bool {
        let deadline = after(std::time::Duration::from_secs(seconds));
        let mut tally = self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
        while tally.acknowledged.len() < acknowledged {
            let left = remaining(deadline);
            if left.is_zero() {
                return false;
            }
            tally = self.shared.changed.wait_timeout(tally, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Ends the senders, and returns what they were told.
    pub fn end(self) -> Tally {
        self.shared.ended.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a sender does not panic");
        }
        std::mem::take(&mut self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    fn send(&self, to: SocketAddr, next: &AtomicU32) {
        while !self.ended.load(Ordering::Relaxed) {
            let request = next.fetch_add(1, Ordering::Relaxed);
            let said = answer(to, request);
            let is_gone = matches!(said, Said::Nothing);
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            match said {
                Said::Acknowledged => drop(tally.acknowledged.insert(request)),
                Said::Refused => tally.refused += 1,
                Said::Denied(what) => tally.denied.push(what),
                Said::Nothing => tally.unanswered += 1,
            }
            drop(tally);
            self.changed.notify_all();
            if is_gone {
                // The collector is on its way out, or full of connections: no need to spin.
                thread::park_timeout(std::time::Duration::from_millis(1));
            }
        }
    }
}

impl Tally {
    /// Counts it.
    pub fn sum_up(&self, summary: &mut Summary) {
        summary.count("acknowledged requests", self.acknowledged.len());
        summary.count("refused requests", self.refused);
        summary.count("unanswered requests", self.unanswered);
        for denied in &self.denied {
            summary
                .broken
                .push(format!("a request was not refused so that its sender tries again: {denied}"));
        }
    }

    /// Items of acknowledged requests that have not arrived.
    pub fn lost(&self, sink: &Sink) -> Vec<u32> {
        let arrived = sink.items();
        let items = self.acknowledged.iter().flat_map(|request| request * ITEMS..(request + 1) * ITEMS);
        items.filter(|item| !arrived.contains_key(item)).collect()
    }
}

/// How often items came that had come before.
pub(super) fn again(sink: &Sink) -> usize {
    sink.items().values().map(|times| times - 1).sum()
}
