//! What leaves when, and what senders are told.

mod configuration;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use etalon_component::{
    Batch, BoxFuture, Budgets, BuildInfo, Caller, Code, Consumer, Delivered, MemoryBudget, MemoryLimits,
    Metadata, Outcome, Reserved, Settings, Stage,
};
use etalon_conf::Node;
use etalon_pdata::{Payload, TRACES, Utf8Policy};
use etalon_telemetry::Telemetry;
use etalon_testkit::corpus;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::{Config, HELD_BYTES_MAX, processor};

/// What follows the processor: it keeps batches, and answers each as soon as there is a permit.
struct Next {
    batches: Mutex<Vec<Batch>>,
    outcomes: Mutex<Vec<Outcome>>,
    open: Semaphore,
}

impl Next {
    /// Answers with these outcomes in turn, and then delivers.
    fn answering(outcomes: &[Outcome]) -> Arc<Self> {
        let outcomes = Mutex::new(outcomes.iter().rev().cloned().collect());
        Arc::new(Self { batches: Mutex::default(), outcomes, open: Semaphore::new(Semaphore::MAX_PERMITS) })
    }

    fn delivering() -> Arc<Self> {
        Self::answering(&[])
    }

    fn items(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(Batch::items).collect()
    }
}

impl Consumer for Next {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        self.batches.lock().unwrap().push(batch);
        let outcome = self.outcomes.lock().unwrap().pop();
        Box::pin(async move {
            self.open.acquire().await.unwrap().forget();
            outcome.unwrap_or(Outcome::DELIVERED)
        })
    }
}

fn read(yaml: &str) -> Config {
    Node::parse("test.yaml", yaml).unwrap().decode().unwrap()
}

fn batching(yaml: &str, next: &Arc<Next>) -> Stage {
    batching_in(Telemetry::new(&[]), yaml, next)
}

fn batching_in(telemetry: Telemetry, yaml: &str, next: &Arc<Next>) -> Stage {
    let settings = Settings {
        id: "batch".parse().unwrap(),
        pipeline: None,
        build: BuildInfo { command: "test", description: "Test", version: "0" },
        telemetry,
        span: tracing::Span::none(),
    };
    processor::create(settings, &read(yaml), TRACES, next.clone()).unwrap()
}

fn spans(count: usize) -> Batch {
    let request = BytesMut::from(&corpus::requests(TRACES, count, 1, 7)[0][..]);
    Batch::new(Payload::decode(TRACES, request, Utf8Policy::Repair).unwrap().0)
}

fn of_tenant(tenant: &str, count: usize) -> Batch {
    let mut metadata = Metadata::default();
    metadata.push("x-tenant", tenant.as_bytes());
    metadata.push("other", b"?");
    let mut batch = spans(count);
    batch.context.caller = Some(Arc::new(Caller { metadata, ..Caller::default() }));
    batch
}

/// Sends, and gets as far as waiting.
async fn send(stage: &Stage, batch: Batch) -> JoinHandle<Outcome> {
    let stage = stage.clone();
    let sender = tokio::spawn(async move { stage.consumer.consume(batch).await });
    tokio::task::yield_now().await;
    sender
}

fn rejected(outcome: &Outcome) -> u64 {
    let Outcome::Delivered(delivered) = outcome else { panic!("{outcome:?}") };
    delivered.rejected
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_leaves_and_each_sender_has_its_outcome() {
    for outcome in
        [Outcome::DELIVERED, Outcome::refused("full"), Outcome::permanent(Code::InvalidArgument, "no")]
    {
        let next = Next::answering(std::slice::from_ref(&outcome));
        let stage = batching("{send_batch_size: 10, timeout: 1h}", &next);
        let first = send(&stage, spans(5)).await;
        assert!(next.items().is_empty() && !first.is_finished());
        let second = send(&stage, spans(6)).await;
        for sender in [first, second] {
            assert_eq!(format!("{:?}", sender.await.unwrap()), format!("{outcome:?}"));
        }
        assert_eq!(next.items(), [11]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_little_leaves_when_its_time_is_over() {
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 10, timeout: 5s}", &next);
    let senders = [send(&stage, spans(1)).await, send(&stage, spans(2)).await];
    tokio::time::sleep(Duration::from_millis(4900)).await;
    assert!(next.items().is_empty());
    for sender in senders {
        assert!(sender.await.unwrap().is_delivered());
    }
    assert_eq!(next.items(), [3]);
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_without_a_timeout_or_a_size() {
    for yaml in ["{timeout: 0, send_batch_max_size: 8192}", "{send_batch_size: 0, timeout: 1h}"] {
        let next = Next::delivering();
        let stage = batching(yaml, &next);
        assert!(stage.consumer.consume(spans(1)).await.is_delivered());
        assert!(stage.consumer.consume(spans(2)).await.is_delivered());
        assert_eq!(next.items(), [1, 2], "{yaml}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_no_more_items_than_it_may() {
    let next = Next::answering(&[Outcome::DELIVERED, Outcome::refused("full")]);
    let stage = batching("{send_batch_size: 4, send_batch_max_size: 4, timeout: 1s}", &next);
    let split = send(&stage, spans(10)).await;
    assert_eq!(next.items(), [4, 4]);
    assert!(!split.is_finished(), "two of its items wait");
    let other = send(&stage, spans(1)).await;
    assert!(split.await.unwrap().is_retryable(), "one of its batches was refused");
    assert!(other.await.unwrap().is_delivered());
    assert_eq!(next.items(), [4, 4, 3]);
}

#[tokio::test(start_paused = true)]
async fn no_item_is_lost_or_doubled_by_joining_and_splitting() {
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 7, send_batch_max_size: 7, timeout: 1s}", &next);
    let mut senders = Vec::new();
    for count in [3, 20, 1, 1, 9] {
        senders.push(send(&stage, spans(count)).await);
    }
    for sender in senders {
        assert!(sender.await.unwrap().is_delivered());
    }
    assert_eq!(next.items(), [7, 7, 7, 7, 6]);
    for batch in next.batches.lock().unwrap().iter() {
        let bytes = BytesMut::from(&batch.payload.contiguous()[..]);
        let again = Payload::decode(TRACES, bytes, Utf8Policy::Repair).unwrap().0;
        assert_eq!(again.items(), batch.items());
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_items_are_told_to_their_sender_or_to_all_in_a_message() {
    let partial = |rejected| Outcome::Delivered(Delivered { rejected, message: Some("odd".into()) });
    let next = Next::answering(&[partial(3)]);
    let stage = batching("{send_batch_size: 4, timeout: 1h}", &next);
    let first = send(&stage, spans(2)).await;
    let second = send(&stage, spans(2)).await;
    let told = [first.await.unwrap(), second.await.unwrap()];
    assert_eq!(told.each_ref().map(rejected), [0, 0]);
    for outcome in told {
        let Outcome::Delivered(delivered) = outcome else { panic!("a success") };
        assert_eq!(
            delivered.message.as_deref(),
            Some("the destination rejected 3 of 4 items that these were sent together with: odd")
        );
    }
    // Of a request in two batches, they add up.
    let next = Next::answering(&[partial(1), partial(2)]);
    let stage = batching("{send_batch_size: 2, send_batch_max_size: 2, timeout: 1h}", &next);
    assert_eq!(rejected(&stage.consumer.consume(spans(4)).await), 3);
}

#[tokio::test(start_paused = true)]
async fn requests_with_other_metadata_are_in_other_batches() {
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 4, timeout: 1h, metadata_keys: [X-Tenant]}", &next);
    let mut senders = Vec::new();
    for tenant in ["a", "b", "a", "b"] {
        senders.push(send(&stage, of_tenant(tenant, 2)).await);
    }
    for sender in senders {
        assert!(sender.await.unwrap().is_delivered());
    }
    let batches = next.batches.lock().unwrap();
    let kept = |batch: &Batch| {
        let caller = batch.context.caller.as_ref().unwrap();
        caller.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect::<Vec<_>>()
    };
    let tenant = |of: &str| vec![("x-tenant".to_owned(), of.as_bytes().to_vec())];
    assert_eq!(batches.iter().map(kept).collect::<Vec<_>>(), [tenant("a"), tenant("b")]);
    assert_eq!(batches.iter().map(Batch::items).collect::<Vec<_>>(), [4, 4]);
}

#[tokio::test(start_paused = true)]
async fn no_more_combinations_of_metadata_wait_than_may() {
    let next = Next::delivering();
    let yaml = "{send_batch_size: 4, timeout: 1s, metadata_keys: [x-tenant], metadata_cardinality_limit: 2}";
    let telemetry = Telemetry::new(&[]);
    let stage = batching_in(telemetry.clone(), yaml, &next);
    let are_waiting = |count: u32| {
        let told = format!("otelcol_processor_batch_metadata_cardinality{{processor=\"batch\"}} {count}\n");
        telemetry.prometheus_text().contains(&told)
    };
    assert!(are_waiting(0));
    let waiting = [send(&stage, of_tenant("a", 1)).await, send(&stage, of_tenant("b", 1)).await];
    let refused = stage.consumer.consume(of_tenant("c", 1)).await;
    assert!(refused.is_retryable(), "{refused:?}");
    assert!(are_waiting(2));
    assert!(refused.failure().unwrap().message().contains("too many batcher metadata-value combinations"));
    for sender in waiting {
        assert!(sender.await.unwrap().is_delivered());
    }
    assert!(are_waiting(0));
    assert!(stage.consumer.consume(of_tenant("c", 1)).await.is_delivered());
}

#[tokio::test(start_paused = true)]
async fn batches_go_out_side_by_side() {
    let next =
        Arc::new(Next { batches: Mutex::default(), outcomes: Mutex::default(), open: Semaphore::new(0) });
    let stage = batching("{send_batch_size: 1, timeout: 1h}", &next);
    let senders = [send(&stage, spans(1)).await, send(&stage, spans(2)).await];
    assert_eq!(next.items(), [1, 2]);
    next.open.add_permits(2);
    for sender in senders {
        assert!(sender.await.unwrap().is_delivered());
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_sends_what_waits_and_takes_nothing_more() {
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 10, timeout: 1h}", &next);
    let waiting = send(&stage, spans(3)).await;
    stage.component.shutdown(soon()).await.unwrap();
    assert!(waiting.await.unwrap().is_delivered());
    assert_eq!(next.items(), [3]);
    assert!(stage.consumer.consume(spans(1)).await.is_retryable());
    stage.component.shutdown(soon()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_what_becomes_of_what_a_shutdown_gives_up() {
    let next =
        Arc::new(Next { batches: Mutex::default(), outcomes: Mutex::default(), open: Semaphore::new(0) });
    let stage = batching("{send_batch_size: 10, timeout: 1h}", &next);
    let waiting = send(&stage, spans(3)).await;
    stage.component.shutdown(soon()).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Outcome::Unknown(_)));
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_the_memory_of_all_its_requests() {
    let budget = MemoryBudget::new(MemoryLimits { hard: 100, soft: 100 }, |_| {});
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 4, timeout: 1h}", &next);
    let mut senders = Vec::new();
    for _ in 0..2 {
        let mut batch = spans(2);
        let mut reserved = Reserved::of(Budgets::from_buf([budget.clone()]), None);
        reserved.resize(10).unwrap();
        batch.context.memory.add(reserved);
        senders.push(send(&stage, batch).await);
    }
    for sender in senders {
        assert!(sender.await.unwrap().is_delivered());
    }
    assert_eq!(budget.reserved(), 20, "the next still has the batch");
    next.batches.lock().unwrap().clear();
    assert_eq!(budget.reserved(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_more_than_it_may_hold_is_refused() {
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 10, timeout: 1s}", &next);
    let half = Bytes::from(vec![0; HELD_BYTES_MAX / 2 + 1]);
    let large = || Batch::new(Payload::from_validated(TRACES, half.clone(), 1));
    let waiting = send(&stage, large()).await;
    assert!(stage.consumer.consume(large()).await.is_retryable());
    assert!(waiting.await.unwrap().is_delivered());
    assert!(stage.consumer.consume(large()).await.is_delivered());
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_goes_away_leaves_its_data_and_the_others_alone() {
    let next = Next::delivering();
    let stage = batching("{send_batch_size: 10, timeout: 1s}", &next);
    let gone = send(&stage, spans(1)).await;
    gone.abort();
    let stays = send(&stage, spans(2)).await;
    assert!(stays.await.unwrap().is_delivered());
    assert_eq!(next.items(), [3]);
}
