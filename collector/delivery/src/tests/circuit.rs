//! A destination that takes nothing is asked with one batch at a time.

use etalon_component::{Code, Failure};

use super::*;

fn consumers(count: i64) -> QueueConfig {
    QueueConfig { num_consumers: count, ..QueueConfig::default() }
}

fn hinted(delay: Duration) -> Reply {
    Reply::Outcome(Outcome::Refused(Failure::new(Code::Unavailable, "slow down").retry_after(delay)))
}

/// How many attempts there were until `time` after the start.
fn until(chain: &Chain, time: Duration) -> usize {
    chain.attempts().iter().filter(|attempt| attempt.at <= time).count()
}

#[tokio::test(start_paused = true)]
async fn while_the_destination_is_away_one_attempt_is_made_at_a_time() {
    let chain = Chain::new(&queued(consumers(10)), (0..14).map(|_| refused())).await;
    for items in 1..=100 {
        assert!(chain.consume(items).await.is_delivered());
    }
    chain.until(|chain| chain.sent() == 5050).await;
    assert_eq!(chain.failed(), 0);
    // Ten that fail, and then pauses of 5, 7.5, 11.25, 16.875 and 25.3125 seconds.
    let counts = [1.0, 6.0, 13.0, 24.0, 41.0].map(|time| until(&chain, Duration::from_secs_f64(time)));
    assert_eq!(counts, [10, 11, 12, 13, 14]);
    let first = chain.attempts()[14].at.as_secs_f64();
    assert!((65.9..66.1).contains(&first), "the first that arrives: {first}");
    let oldest = chain.attempts()[10..14].iter().map(|attempt| attempt.items).max();
    assert!(oldest <= Some(10), "the oldest batches are tried");
    assert_eq!(chain.metric("etalon_exporter_circuit_open"), 0);
}

#[tokio::test(start_paused = true)]
async fn when_it_is_back_each_answer_allows_one_attempt_more_at_once() {
    let failing = (0..8).map(|_| refused());
    let chain = Chain::gated(&queued(consumers(8)), failing, 8).await;
    for items in 1..=40 {
        assert!(chain.consume(items).await.is_delivered());
    }
    chain.until(|chain| chain.metric("etalon_exporter_circuit_open") == 1).await;
    for (before, expected) in (8..).zip([1, 2, 3, 4, 5, 6, 7, 8, 8]) {
        chain.until(|chain| chain.attempts().len() > before).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(chain.attempts().len() - before, expected);
        chain.sender.gate.add_permits(1);
    }
    chain.sender.gate.add_permits(PLENTY);
    chain.until(|chain| chain.sent() == 820).await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_says_when_is_left_alone_until_then() {
    let chain = Chain::new(&queued(consumers(1)), [hinted(Duration::from_mins(2))]).await;
    for items in 1..=5 {
        assert!(chain.consume(items).await.is_delivered());
    }
    chain.until(|chain| chain.sent() == 15).await;
    let times = chain.times();
    assert_eq!(times.len(), 6);
    assert!((120.0..133.0).contains(&times[1]), "with at most a tenth more: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn other_batches_are_not_held_for_longer_than_the_longest_hint() {
    let config = DeliveryConfig {
        retry: RetryConfig { max_elapsed_time: etalon_conf::Duration::from_secs(0), ..direct().retry },
        ..queued(consumers(2))
    };
    let chain = Chain::new(&config, [hinted(Duration::from_hours(10))]).await;
    assert!(chain.consume(1).await.is_delivered());
    chain.until(|chain| chain.attempts().len() == 1).await;
    assert!(chain.consume(2).await.is_delivered());
    chain.until(|chain| chain.sent() == 2).await;
    let second = chain.attempts()[1].clone();
    assert_eq!(second.items, 2);
    assert!((300.0..331.0).contains(&second.at.as_secs_f64()), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_the_destination_rejects_is_an_answer() {
    let replies = (0..50).map(|number| match number % 5 {
        4 => Reply::Outcome(Outcome::permanent(Code::InvalidArgument, "no")),
        _ => refused(),
    });
    let chain = Chain::new(&queued(consumers(1)), replies).await;
    for _ in 0..3 {
        assert!(chain.consume(1).await.is_delivered());
    }
    chain.until(|chain| chain.failed() == 3).await;
    assert_eq!(chain.metric("etalon_exporter_circuit_open"), 0);
    let gaps = chain.times().windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(gaps < 17.0, "no pause is longer than that of the batch: {gaps}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_result_is_told_why_when_the_destination_is_away() {
    let queue = QueueConfig { wait_for_result: true, ..consumers(5) };
    let chain = Chain::new(&queued(queue), (0..50).map(|_| refused())).await;
    let first: Vec<_> = (0..5).map(|_| chain.spawn(batch(1))).collect();
    chain.until(|chain| chain.attempts().len() >= 5).await;
    let late = chain.delivery.consume(with_deadline(2, Duration::from_secs(1)));
    drop(first);
    let outcome = late.await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_the_destination() {
    let chain = Chain::new(&queued(consumers(5)), (0..1000).map(|_| refused())).await;
    for items in 1..=20 {
        assert!(chain.consume(items).await.is_delivered());
    }
    chain.until(|chain| chain.attempts().len() == 5).await;
    let began = Instant::now();
    chain.shutdown(Duration::from_mins(1)).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!((chain.sent(), chain.failed()), (0, 210));
    assert_eq!(chain.attempts().len(), 25, "each gets one more");
}
