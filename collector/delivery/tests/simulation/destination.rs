//! A destination that is slow, lies, or is not there, and the exporter in front of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Batch, BoxError, BoxFuture, Code, Component, Consumer, Failure, Host, Outcome};
use etalon_delivery::acknowledged;
use etalon_net::status::{GrpcFailure, Status, outcome_of_http};
use etalon_pdata::{TRACES, partial_success_response};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;
use crate::sender::ids;

/// How it is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// Each request may be treated in any way.
    Odd,
    /// It answers with one code, and a hint, or none.
    Refusing(u32, Option<Duration>),
    /// It takes longer than anybody waits.
    Late,
    /// Nothing reaches it.
    Cut,
    /// What it says reaches nobody.
    Mute,
}

#[derive(Clone)]
pub(crate) struct Destination {
    state: Arc<Mutex<State>>,
    ledger: Ledger,
}

struct State {
    health: Health,
    rng: StdRng,
}

/// What comes of a request.
struct Fate {
    what: &'static str,
    latency: Duration,
    /// Whether the destination gets it.
    arrives: bool,
    /// What is heard of it, if anything.
    answer: Option<Outcome>,
}

/// Most items of a request that it takes when it is odd.
const ITEMS_MAX: usize = 8;

impl Destination {
    pub(crate) fn new(seed: u64, ledger: Ledger) -> Self {
        let state = State { health: Health::Well, rng: StdRng::seed_from_u64(seed) };
        Self { state: Arc::new(Mutex::new(state)), ledger }
    }

    pub(crate) fn become_(&self, health: Health) {
        self.state.lock().expect("no panic").health = health;
    }

    /// Decides what comes of a request of so many items.
    fn fate(&self, items: usize) -> Fate {
        let State { health, rng } = &mut *self.state.lock().expect("no panic");
        let latency = Duration::from_millis(2 * rng.random_range(1..50));
        let fate = |what, arrives, answer| Fate { what, latency, arrives, answer };
        match *health {
            Health::Well => fate("taken", true, Some(Outcome::DELIVERED)),
            Health::Odd => odd(rng, items, latency),
            Health::Refusing(code, hint) => fate("code", false, Some(grpc(code, hint))),
            Health::Late => {
                let latency = Duration::from_secs(rng.random_range(1..60));
                Fate { latency, ..fate("late", true, Some(Outcome::DELIVERED)) }
            }
            Health::Cut => fate("cut before", false, Some(Outcome::unknown("connection refused"))),
            Health::Mute => fate("never answered", true, None),
        }
    }
}

fn odd(rng: &mut StdRng, items: usize, latency: Duration) -> Fate {
    let fate = |what, arrives, answer| Fate { what, latency, arrives, answer: Some(answer) };
    let hint = [None, Some(0), Some(1), Some(60), Some(3 * 3600)][rng.random_range(0..5)];
    let hint = hint.map(Duration::from_secs);
    match rng.random_range(0..11) {
        0 => fate("lie", false, Outcome::DELIVERED),
        1 => {
            let items = i64::try_from(items).expect("a few");
            let rejected = [i64::MIN, -1, 0, 1, items, items + 7, i64::MAX][rng.random_range(0..7)];
            let response = partial_success_response(TRACES, rejected, "odd");
            fate("partial success", true, acknowledged(TRACES, &response))
        }
        2 => fate("garbage", true, acknowledged(TRACES, b"<html>")),
        3 => fate("cut after", true, Outcome::unknown("connection reset")),
        4 => Fate { answer: None, ..fate("never answered", rng.random_bool(0.5), Outcome::DELIVERED) },
        5 => fate("code", false, grpc(rng.random_range(1..18), hint)),
        6 => fate("code", false, outcome_of_http(rng.random_range(300..600), "no", hint)),
        // Some take data over, and then say otherwise.
        7 => fate("code after it arrived", true, grpc(rng.random_range(1..17), hint)),
        8 if items > ITEMS_MAX => fate("too large", false, outcome_of_http(413, "too large", None)),
        _ => fate("taken", true, Outcome::DELIVERED),
    }
}

/// The outcome of a gRPC status, by way of the wire.
fn grpc(code: u32, hint: Option<Duration>) -> Outcome {
    let known = Code::from_number(code).unwrap_or(Code::Unknown);
    let hinted = Status { retry_after: hint, ..Status::new(known, "no") };
    let details = hinted.grpc_details();
    GrpcFailure { code, message: "no", details: details.as_deref(), ..GrpcFailure::default() }.to_outcome()
}

/// Makes one attempt for each batch.
pub(crate) struct Exporter {
    pub(crate) destination: Destination,
    pub(crate) died: CancellationToken,
}

/// An attempt whose end nobody may learn.
struct Attempt<'a> {
    ledger: &'a Ledger,
    ids: Vec<u64>,
    is_decided: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_decided {
            self.ledger.each(&self.ids, |item| item.ambiguous += 1);
        }
    }
}

impl Consumer for Exporter {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            if self.died.is_cancelled() {
                return std::future::pending().await;
            }
            let body: Bytes = batch.payload.contiguous();
            let ids = ids(&body);
            assert_eq!(ids.len(), batch.items(), "the payload is what was sent");
            let (destination, ledger) = (&self.destination, &self.destination.ledger);
            let mut attempt = Attempt { ledger, ids, is_decided: false };
            let outcome = destination.request(attempt.ids.clone()).await;
            match &outcome {
                Outcome::Delivered(_) | Outcome::Permanent(_) => ledger.settle(&attempt.ids),
                Outcome::Refused(_) => {}
                Outcome::Unknown(_) => ledger.each(&attempt.ids, |item| item.ambiguous += 1),
            }
            attempt.is_decided = true;
            outcome
        })
    }
}

impl Destination {
    /// The request is on its way, and goes on whether anybody waits for the answer or not.
    async fn request(&self, ids: Vec<u64>) -> Outcome {
        let Fate { what, latency, arrives, answer } = self.fate(ids.len());
        let (reply, answered) = oneshot::channel();
        let ledger = self.ledger.clone();
        tokio::spawn(async move {
            sleep(latency / 2).await;
            ledger.note(what, &ids);
            if arrives {
                ledger.note("arrived", &ids);
                // Who takes data and says otherwise gets it again, and what it rejected, in halves.
                let is_asked_for_again = matches!(answer, Some(Outcome::Refused(_) | Outcome::Permanent(_)));
                ledger.each(&ids, |item| {
                    item.arrived += 1;
                    item.ambiguous += u64::from(is_asked_for_again);
                });
            }
            sleep(latency / 2).await;
            match answer {
                // Whoever has given up does not hear it.
                Some(answer) => drop(reply.send(answer)),
                None => sleep(Duration::from_hours(24)).await,
            }
        });
        answered
            .await
            .unwrap_or_else(|_| Outcome::Unknown(Failure::new(Code::Unavailable, "connection closed")))
    }
}

impl Component for Exporter {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}
