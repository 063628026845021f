//! The queue in memory.

use etalon_component::Code;

use super::*;
use crate::Sizer;
use etalon_pdata::Compressed;

fn one_consumer() -> QueueConfig {
    QueueConfig { num_consumers: 1, ..QueueConfig::default() }
}

fn message(outcome: &Outcome) -> &str {
    outcome.failure().expect("a failure").message()
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_sent_in_order_and_its_failures_are_not_told() {
    let permanent = Reply::Outcome(Outcome::permanent(Code::Internal, "no"));
    let chain = Chain::new(&queued(one_consumer()), [permanent]).await;
    for items in 1..=4 {
        assert!(chain.consume(items).await.is_delivered());
    }
    chain.until(|chain| chain.sent() + chain.failed() == 10).await;
    let order: Vec<usize> = chain.attempts().iter().map(|attempt| attempt.items).collect();
    assert_eq!(order, [1, 2, 3, 4]);
    assert_eq!((chain.sent(), chain.failed(), chain.queue_size()), (9, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_what_is_in_flight_counts() {
    let queue = QueueConfig { queue_size: 3, ..one_consumer() };
    let chain = Chain::gated(&queued(queue), [], 0).await;
    for _ in 0..3 {
        assert!(chain.consume(5).await.is_delivered());
    }
    chain.until(|chain| chain.attempts().len() == 1).await;
    assert_eq!(chain.queue_size(), 3);
    let outcome = chain.consume(5).await;
    assert!(matches!(&outcome, Outcome::Refused(failure) if failure.code() == Code::Unavailable));
    assert_eq!(message(&outcome), "sending queue is full");
    assert_eq!((chain.enqueue_failed(), chain.failed()), (5, 0));
    chain.sender.gate.add_permits(1);
    chain.until(|chain| chain.queue_size() == 2).await;
    assert!(chain.consume(5).await.is_delivered());
}

#[tokio::test(start_paused = true)]
async fn no_more_batches_are_sent_at_once_than_there_are_consumers() {
    let queue = QueueConfig { num_consumers: 3, ..QueueConfig::default() };
    let chain = Chain::gated(&queued(queue), [], 0).await;
    for _ in 0..9 {
        assert!(chain.consume(1).await.is_delivered());
    }
    for answered in 0..7 {
        chain.until(|chain| chain.attempts().len() == 3 + answered).await;
        assert_eq!(chain.attempts().len(), 3 + answered, "after {answered} answers");
        chain.sender.gate.add_permits(1);
    }
    chain.sender.gate.add_permits(2);
    chain.until(|chain| chain.sent() == 9).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_may_wait_for_room_gets_it_in_turn() {
    let queue = QueueConfig { queue_size: 1, block_on_overflow: true, ..one_consumer() };
    let chain = Chain::gated(&queued(queue), [], 0).await;
    assert!(chain.consume(1).await.is_delivered());
    let second = chain.spawn(batch(2));
    tokio::task::yield_now().await;
    let third = chain.spawn(batch(3));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(!second.is_finished() && !third.is_finished());
    chain.sender.gate.add_permits(3);
    assert!(second.await.unwrap().is_delivered());
    assert!(third.await.unwrap().is_delivered());
    chain.until(|chain| chain.sent() == 6).await;
    let order: Vec<usize> = chain.attempts().iter().map(|attempt| attempt.items).collect();
    assert_eq!(order, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_for_room_until_its_deadline() {
    let queue = QueueConfig { queue_size: 1, block_on_overflow: true, ..one_consumer() };
    let chain = Chain::gated(&queued(queue), [], 0).await;
    assert!(chain.consume(1).await.is_delivered());
    let outcome = chain.delivery.consume(with_deadline(4, Duration::from_secs(9))).await;
    assert!(matches!(&outcome, Outcome::Refused(failure) if failure.code() == Code::DeadlineExceeded));
    assert_eq!((chain.epoch.elapsed().as_secs(), chain.enqueue_failed()), (9, 4));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_the_result_gets_it_after_the_retries() {
    let queue = QueueConfig { wait_for_result: true, ..one_consumer() };
    let permanent = Reply::Outcome(Outcome::permanent(Code::InvalidArgument, "bad"));
    let chain = Chain::new(&queued(queue), [refused(), rejected(1), permanent]).await;
    let Outcome::Delivered(delivered) = chain.consume(3).await else { panic!("delivered") };
    assert_eq!(delivered.rejected, 1);
    assert_eq!(chain.times(), [0.0, 5.0]);
    let outcome = chain.consume(2).await;
    assert!(matches!(&outcome, Outcome::Permanent(failure) if failure.code() == Code::InvalidArgument));
    assert_eq!((chain.sent(), chain.failed(), chain.queue_size()), (2, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_ends_at_the_queue_unless_it_waits_for_the_result() {
    for wait_for_result in [false, true] {
        let queue = QueueConfig { wait_for_result, ..one_consumer() };
        let chain = Chain::new(&queued(queue), []).await;
        let outcome = chain.delivery.consume(with_deadline(1, Duration::from_secs(7))).await;
        assert!(outcome.is_delivered());
        chain.until(|chain| chain.sent() == 1).await;
        let expected = wait_for_result.then_some(Duration::from_secs(7));
        assert_eq!(chain.attempts()[0].deadline, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sizes_are_counted_in_the_unit_of_the_sizer() {
    for (sizer, size) in [(Sizer::Requests, 2), (Sizer::Items, 7), (Sizer::Bytes, 70)] {
        let queue = QueueConfig { sizer, queue_size: 100, ..one_consumer() };
        let chain = Chain::gated(&queued(queue), [], 0).await;
        assert!(chain.consume(3).await.is_delivered());
        assert!(chain.consume(4).await.is_delivered());
        assert_eq!((chain.queue_size(), chain.metric("otelcol_exporter_queue_capacity")), (size, 100));
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_never_fit_is_refused_and_what_has_no_size_is_not_sent() {
    let queue =
        QueueConfig { sizer: Sizer::Items, queue_size: 10, block_on_overflow: true, ..one_consumer() };
    let chain = Chain::new(&queued(queue), []).await;
    let outcome = chain.consume(11).await;
    assert!(matches!(outcome, Outcome::Refused(_)));
    assert_eq!((message(&outcome), chain.enqueue_failed()), ("element size too large", 11));
    assert!(chain.consume(0).await.is_delivered());
    assert!(chain.consume(10).await.is_delivered());
    chain.until(|chain| chain.sent() == 10).await;
    assert_eq!(chain.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_panics_costs_its_batch_and_nothing_else() {
    let chain = Chain::new(&queued(one_consumer()), [Reply::Panic]).await;
    assert!(chain.consume(2).await.is_delivered());
    assert!(chain.consume(3).await.is_delivered());
    chain.until(|chain| chain.sent() == 3).await;
    assert_eq!((chain.failed(), chain.queue_size()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_compressed_form_counts_as_held_only_where_it_can_be_sent_on() {
    let compressed = || {
        let compressed = Compressed { encoding: "gzip", bytes: Bytes::from_static(&[0; 30]) };
        let payload = Payload::from_validated(TRACES, Bytes::from_static(&[0; 100]), 1);
        Batch::new(payload.with_compressed(compressed))
    };
    for (forwards, size) in [(Some("gzip"), 130), (Some("zstd"), 100), (None, 100)] {
        let queue = QueueConfig { sizer: Sizer::Bytes, queue_size: 1000, ..QueueConfig::default() };
        let config = DeliveryConfig { forwards, ..queued(queue) };
        let chain = Chain::gated(&config, [], 0).await;
        assert!(chain.delivery.consume(compressed()).await.is_delivered());
        assert_eq!(chain.queue_size(), size, "{forwards:?}");
    }
}
