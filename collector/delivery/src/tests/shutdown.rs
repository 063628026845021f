//! The end of the chain.

use super::*;

fn one_consumer() -> QueueConfig {
    QueueConfig { num_consumers: 1, ..QueueConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_sent_with_one_attempt_each_and_what_waits_gets_its_last() {
    let script = [refused(), refused(), Reply::Outcome(Outcome::DELIVERED), refused()];
    let chain = Chain::gated(&queued(one_consumer()), script, 1).await;
    for items in [1, 10, 100] {
        assert!(chain.consume(items).await.is_delivered());
    }
    // The first is between its first and its second attempt.
    chain.until(|chain| chain.attempts().len() == 1).await;
    chain.sender.gate.add_permits(PLENTY);
    chain.shutdown(Duration::from_mins(1)).await;
    let order: Vec<usize> = chain.attempts().iter().map(|attempt| attempt.items).collect();
    assert_eq!(order, [1, 1, 10, 100]);
    assert_eq!((chain.sent(), chain.failed(), chain.queue_size()), (10, 101, 0));
    assert!(chain.epoch.elapsed() < Duration::from_secs(5), "nobody waits for a retry");
}

#[tokio::test(start_paused = true)]
async fn what_the_deadline_leaves_is_counted_as_failed() {
    let script = (0..2).map(|_| Reply::Silence);
    let queue = QueueConfig { num_consumers: 2, ..QueueConfig::default() };
    let chain = Chain::new(&queued(queue), script).await;
    for items in [1, 10, 100, 1000] {
        assert!(chain.consume(items).await.is_delivered());
    }
    chain.until(|chain| chain.attempts().len() == 2).await;
    chain.shutdown(Duration::from_secs(10)).await;
    assert_eq!((chain.sent(), chain.failed(), chain.queue_size()), (0, 1111, 0));
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_is_shut_down_takes_nothing_and_can_be_shut_down_again() {
    let chain = Chain::new(&queued(one_consumer()), []).await;
    chain.shutdown(Duration::from_secs(1)).await;
    let outcome = chain.consume(2).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    assert_eq!((chain.enqueue_failed(), chain.failed()), (2, 0));
    chain.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_room_is_refused() {
    let queue = QueueConfig { queue_size: 1, block_on_overflow: true, ..one_consumer() };
    let chain = Chain::new(&queued(queue), [Reply::Silence]).await;
    assert!(chain.consume(1).await.is_delivered());
    let waiting = chain.spawn(batch(2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    chain.shutdown(Duration::from_secs(1)).await;
    assert!(matches!(waiting.await.unwrap(), Outcome::Refused(_)));
    assert_eq!((chain.failed(), chain.enqueue_failed()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_a_result_gets_one() {
    let queue = QueueConfig { wait_for_result: true, ..one_consumer() };
    let chain = Chain::new(&queued(queue), [Reply::Silence]).await;
    let in_flight = chain.spawn(batch(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = chain.spawn(batch(2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    chain.shutdown(Duration::from_secs(1)).await;
    assert!(matches!(in_flight.await.unwrap(), Outcome::Unknown(_)), "it may have arrived");
    assert!(matches!(waiting.await.unwrap(), Outcome::Refused(_)), "it was never sent");
    assert_eq!(chain.failed(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_retry_ends_without_a_queue_too() {
    let chain = Chain::new(&direct(), [refused(), refused()]).await;
    let caller = chain.spawn(batch(2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    chain.shutdown(Duration::from_mins(1)).await;
    let outcome = caller.await.unwrap();
    assert_eq!(chain.attempts().len(), 2, "the last attempt comes at once");
    assert!(outcome.is_retryable());
    assert_eq!(outcome.failure().unwrap().message(), "interrupted due to shutdown: later");
    assert_eq!(chain.failed(), 2);
}
