//! Attempts, their timeout, and the waits between them.

use etalon_component::{Code, Failure};
use etalon_conf::{Check, Duration as Configured};

use super::*;

fn throttled(seconds: u64) -> Reply {
    let failure = Failure::new(Code::Unavailable, "slow down");
    Reply::Outcome(Outcome::Refused(failure.retry_after(Duration::from_secs(seconds))))
}

fn message(outcome: &Outcome) -> &str {
    outcome.failure().expect("a failure").message()
}

#[tokio::test(start_paused = true)]
async fn success_needs_one_attempt() {
    let chain = Chain::new(&direct(), []).await;
    assert!(chain.consume(3).await.is_delivered());
    assert_eq!(chain.times(), [0.0]);
    assert_eq!((chain.sent(), chain.failed()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_ends_at_once_and_stays_permanent() {
    let permanent = Reply::Outcome(Outcome::permanent(Code::InvalidArgument, "bad data"));
    let chain = Chain::new(&direct(), [permanent]).await;
    let outcome = chain.consume(3).await;
    assert!(matches!(outcome, Outcome::Permanent(_)));
    assert_eq!(message(&outcome), "not retryable error: bad data");
    assert_eq!(outcome.failure().unwrap().code(), Code::InvalidArgument);
    assert_eq!(chain.times(), [0.0]);
    assert_eq!((chain.sent(), chain.failed()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn waits_grow_from_the_initial_interval_to_the_longest() {
    let chain = Chain::new(&direct(), (0..6).map(|_| refused())).await;
    assert!(chain.consume(1).await.is_delivered());
    let gaps: Vec<f64> = chain.times().windows(2).map(|pair| pair[1] - pair[0]).collect();
    let expected = [5.0, 7.5, 11.25, 16.875, 25.3125, 30.0];
    assert!(gaps.iter().zip(expected).all(|(gap, expected)| (gap - expected).abs() < 0.01), "{gaps:?}");
    assert_eq!(chain.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_tried_again() {
    let chain = Chain::new(&direct(), [Reply::Outcome(Outcome::unknown("connection lost"))]).await;
    assert!(chain.consume(1).await.is_delivered());
    assert_eq!(chain.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_longer_of_backoff_and_the_destinations_delay_counts() {
    let chain = Chain::new(&direct(), [throttled(20), throttled(1), throttled(0)]).await;
    assert!(chain.consume(1).await.is_delivered());
    let times: Vec<f64> = chain.times().iter().map(|time| (time * 100.0).round() / 100.0).collect();
    assert_eq!(times, [0.0, 20.0, 27.5, 38.75]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_longer_than_what_is_left_ends_the_retries_and_is_counted() {
    let chain = Chain::new(&direct(), [throttled(3 * 3600)]).await;
    let outcome = chain.consume(7).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "the caller still owns the data: {outcome:?}");
    assert_eq!(message(&outcome), "no more retries left: slow down");
    assert_eq!(outcome.failure().unwrap().delay(), Some(Duration::from_hours(3)));
    assert_eq!((chain.times(), chain.failed()), (vec![0.0], 7));
}

#[tokio::test(start_paused = true)]
async fn retries_end_after_the_longest_time_they_may_take() {
    let chain = Chain::new(&direct(), (0..100).map(|_| refused())).await;
    let outcome = chain.consume(2).await;
    assert!(outcome.is_retryable());
    assert_eq!(message(&outcome), "no more retries left: later");
    let last = chain.times().last().copied().unwrap();
    assert!((270.0..=300.0).contains(&last), "{last}");
    assert_eq!((chain.sent(), chain.failed()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn without_a_longest_time_retries_do_not_end() {
    let mut config = direct();
    config.retry.max_elapsed_time = Configured::ZERO;
    let chain = Chain::new(&config, (0..1000).map(|_| refused())).await;
    assert!(chain.consume(1).await.is_delivered());
    assert_eq!(chain.attempts().len(), 1001);
    assert!(chain.epoch.elapsed() > Duration::from_hours(8));
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_after_the_callers_deadline() {
    let chain = Chain::new(&direct(), [refused(), refused()]).await;
    let outcome = chain.delivery.consume(with_deadline(1, Duration::from_secs(6))).await;
    assert!(outcome.is_retryable());
    assert_eq!(message(&outcome), "request will be cancelled before next retry: later");
    assert_eq!(chain.times().len(), 2);
    assert!(chain.epoch.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_answer_ends_with_its_timeout_and_is_repeated() {
    let config = DeliveryConfig { timeout: Duration::from_secs(3), ..direct() };
    let chain = Chain::new(&config, [Reply::Silence]).await;
    assert!(chain.consume(1).await.is_delivered());
    let times: Vec<u64> = chain.attempts().iter().map(|attempt| attempt.at.as_secs()).collect();
    assert_eq!(times, [0, 8]);
    assert_eq!(chain.attempts()[0].deadline, Some(Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_answer_has_an_unknown_outcome() {
    let config = DeliveryConfig { timeout: Duration::from_secs(3), ..without_retry() };
    let chain = Chain::new(&config, [Reply::Silence]).await;
    let outcome = chain.consume(1).await;
    assert!(matches!(&outcome, Outcome::Unknown(failure) if failure.code() == Code::DeadlineExceeded));
    assert_eq!(message(&outcome), "no answer within 3s");
    assert_eq!(chain.failed(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_the_callers_deadline_and_the_timeout_ends_an_attempt() {
    let config = DeliveryConfig { timeout: Duration::from_secs(30), ..without_retry() };
    let chain = Chain::new(&config, [Reply::Silence]).await;
    let outcome = chain.delivery.consume(with_deadline(1, Duration::from_secs(2))).await;
    assert!(matches!(outcome, Outcome::Unknown(_)));
    assert_eq!(chain.epoch.elapsed().as_secs(), 2);
    assert_eq!(chain.attempts()[0].deadline, Some(Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_callers_deadline() {
    let chain = Chain::new(&direct(), []).await;
    let batch = with_deadline(1, Duration::ZERO);
    let outcome = chain.delivery.consume(batch).await;
    assert!(matches!(&outcome, Outcome::Refused(failure) if failure.code() == Code::DeadlineExceeded));
    assert!(chain.attempts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_retries_the_first_failure_is_the_outcome() {
    let chain = Chain::new(&without_retry(), [refused()]).await;
    let outcome = chain.consume(1).await;
    assert_eq!(message(&outcome), "later");
    assert_eq!((chain.times(), chain.failed()), (vec![0.0], 1));
}

#[test]
fn the_rules_of_the_configuration_hold_even_if_it_is_off() {
    let problems = |config: &RetryConfig| match Check::run(config) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.message().to_owned()).collect(),
    };
    let config = RetryConfig {
        enabled: false,
        initial_interval: Configured::from_secs(-1),
        randomization_factor: -1.0,
        multiplier: f64::NAN,
        max_interval: Configured::from_secs(-1),
        max_elapsed_time: Configured::from_secs(-1),
    };
    let keys = ["initial_interval", "max_interval", "max_elapsed_time", "randomization_factor", "multiplier"];
    let expected = keys.map(|key| format!("{key} value must be greater than or equal to 0"));
    assert_eq!(problems(&config), expected);
    let config = RetryConfig { randomization_factor: 1.5, ..RetryConfig::default() };
    assert_eq!(problems(&config), ["randomization_factor value must be less than or equal to 1"]);
    let config = RetryConfig { max_elapsed_time: Configured::from_secs(4), ..RetryConfig::default() };
    let expected = ["initial_interval", "max_interval"]
        .map(|key| format!("'max_elapsed_time' must not be less than '{key}'"));
    assert_eq!(problems(&config), expected);
    assert!(problems(&RetryConfig { multiplier: 0.0, ..RetryConfig::default() }).is_empty());
}
