//! Every item ends as sent, as failed, or in the queue.

use etalon_component::Code;

use super::*;
use crate::Sizer;

#[tokio::test(start_paused = true)]
async fn rejected_items_count_as_failed_and_the_rest_as_sent() {
    let chain = Chain::new(&direct(), [rejected(3), rejected(0), rejected(u64::MAX)]).await;
    for _ in 0..3 {
        assert!(chain.consume(10).await.is_delivered(), "a partial success is not tried again");
    }
    assert_eq!((chain.sent(), chain.failed()), (7 + 10, 3 + 10));
    assert_eq!(chain.attempts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_its_items_counted() {
    let chain = Chain::new(&direct(), [Reply::Silence]).await;
    let gone = tokio::time::timeout(Duration::from_secs(1), chain.consume(4)).await;
    assert!(gone.is_err());
    assert_eq!((chain.sent(), chain.failed()), (0, 4));
}

/// Outcomes of all kinds in an order that only looks random, so that a failure repeats.
fn script(seed: u64, length: usize) -> Vec<Reply> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let reply = |draw: u64| match draw % 8 {
        0 => refused(),
        1 => Reply::Outcome(Outcome::unknown("lost")),
        2 => Reply::Outcome(Outcome::permanent(Code::InvalidArgument, "bad")),
        3 => rejected(draw / 8 % 20),
        4 => Reply::Silence,
        5 => Reply::Panic,
        _ => Reply::Outcome(Outcome::DELIVERED),
    };
    (0..length).map(|_| reply(next())).collect()
}

#[tokio::test(start_paused = true)]
async fn accepted_is_sent_and_failed_and_queued_whenever_nothing_moves() {
    for seed in 0..40 {
        let queue =
            QueueConfig { sizer: Sizer::Items, queue_size: 300, num_consumers: 4, ..QueueConfig::default() };
        let config = DeliveryConfig { timeout: Duration::from_secs(5), ..queued(queue) };
        let chain = Chain::new(&config, script(seed, 60)).await;
        let (mut accepted, mut refused) = (0, 0);
        for items in (1..=15).cycle().take(60) {
            match chain.consume(items).await {
                Outcome::Delivered(_) => accepted += items as u64,
                _ => refused += items as u64,
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
            assert_eq!(accepted, chain.sent() + chain.failed() + chain.queue_size(), "seed {seed}");
        }
        chain.shutdown(Duration::from_secs(7)).await;
        assert_eq!(accepted, chain.sent() + chain.failed(), "seed {seed}");
        assert_eq!((refused, chain.queue_size()), (chain.enqueue_failed(), 0), "seed {seed}");
        assert_eq!(chain.metric("etalon_exporter_imbalance_items"), 0, "seed {seed}");
    }
}
