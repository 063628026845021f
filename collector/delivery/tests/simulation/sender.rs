//! Senders: they repeat what was not taken, and give up at some time.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Batch, Consumer as _, Outcome};
use etalon_net::status::Status;
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use etalon_pdata::{Payload, TRACES};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep, timeout};

use crate::plan::Mode;
use crate::world::Entrance;

/// Attempts of a sender for one request.
const ATTEMPTS_MAX: usize = 12;

/// A request whose spans have these numbers.
fn request(numbers: Range<u64>) -> Bytes {
    let span = |number: u64| Span {
        trace_id: number.to_be_bytes().repeat(2),
        span_id: number.to_be_bytes().to_vec(),
        name: name(number),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: numbers.map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

fn name(number: u64) -> String {
    format!("{number}-{}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The numbers of the spans of a request, which are what they were when they were sent.
pub(crate) fn ids(body: &[u8]) -> Vec<u64> {
    let request = ExportTraceServiceRequest::decode(body).expect("a request");
    let spans = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans);
    spans
        .map(|span| {
            let number = u64::from_be_bytes(span.span_id.as_slice().try_into().expect("8 bytes"));
            assert_eq!((&span.name, &span.trace_id), (&name(number), &number.to_be_bytes().repeat(2)));
            number
        })
        .collect()
}

/// Sends so many requests; their items are numbered from `first` on.
pub(crate) async fn run(entrance: Entrance, seed: u64, mut first: u64, requests: usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..requests {
        let numbers = first..first + rng.random_range(1..20);
        first = numbers.end;
        // Even times are the senders', so that they do not meet a start half way.
        sleep(Duration::from_millis(2 * rng.random_range(1..3000))).await;
        let body = request(numbers.clone());
        let ids: Vec<u64> = numbers.collect();
        for _ in 0..ATTEMPTS_MAX {
            let patience = match rng.random_range(0..10) {
                0 => Some(2 * rng.random_range(1..10)),
                1..5 => Some(2 * rng.random_range(5..10_000)),
                _ => None,
            };
            let patience = patience.map(Duration::from_millis);
            match attempt(&entrance, &ids, &body, patience).await {
                None => break,
                Some(delay) => sleep(delay + Duration::from_millis(2 * rng.random_range(1..500))).await,
            }
        }
    }
}

/// Sends a request. When to do so again, if it was not answered for good.
async fn attempt(
    entrance: &Entrance,
    ids: &[u64],
    body: &Bytes,
    patience: Option<Duration>,
) -> Option<Duration> {
    let ledger = &entrance.ledger;
    let Some((delivery, died)) = entrance.open() else { return Some(Duration::from_secs(1)) };
    let mut batch = Batch::new(Payload::from_validated(TRACES, body.clone(), ids.len()));
    batch.context.deadline = patience.map(|patience| Instant::now() + patience);
    ledger.note("sent", ids);
    let patience = patience.unwrap_or(Duration::from_hours(48));
    let outcome = tokio::select! {
        biased;
        () = died.cancelled() => None,
        outcome = timeout(patience, delivery.consume(batch)) => outcome.ok(),
    };
    drop(delivery);
    let Some(outcome) = outcome else {
        ledger.note("unanswered", ids);
        ledger.each(ids, |item| item.unanswered += 1);
        return Some(Duration::from_secs(1));
    };
    if outcome.is_delivered() {
        ledger.note("told ok", ids);
        ledger.each(ids, |item| item.acknowledged += 1);
        if matches!(entrance.mode, Mode::Direct | Mode::Waiting) {
            let state = ledger.lock();
            assert!(ids.iter().all(|id| state.items[id].settled > 0), "OK before the destination's");
        }
        return None;
    }
    let may_be_there = matches!(outcome, Outcome::Unknown(_));
    if may_be_there || matches!(entrance.mode, Mode::Direct | Mode::Waiting) {
        ledger.each(ids, |item| item.unanswered += 1);
    }
    ledger.note("refused", ids);
    // What is retryable inside is retryable on the wire, and has a hint when the collector itself refuses.
    let status = Status::of_outcome(&outcome, etalon_component::random_unit()).expect("a failure");
    assert!(!matches!(outcome, Outcome::Refused(_)) || status.retry_after.is_some(), "{status:?}");
    let delay = status.retry_after.unwrap_or(Duration::from_secs(1)).min(Duration::from_mins(1));
    // A whole number is even in milliseconds.
    let delay = Duration::from_secs(delay.as_secs());
    outcome.is_retryable().then_some(delay)
}
