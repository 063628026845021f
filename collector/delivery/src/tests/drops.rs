//! The beginning and the end of losses are told, and nothing between.

use std::fmt::Debug;

use etalon_component::Code;
use tracing::field::Field;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;
use crate::drops::QUIET;

/// The lines about losses, as level, name and fields.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !metadata.name().starts_with("data.drop.") {
            return;
        }
        let mut words = vec![metadata.level().to_string(), metadata.name().to_owned()];
        event.record(&mut |field: &Field, value: &dyn Debug| {
            if !["message", "event.name"].contains(&field.name()) {
                words.push(format!("{}={value:?}", field.name()).replace('"', ""));
            }
        });
        self.0.lock().unwrap().push(words.join(" "));
    }
}

impl Told {
    fn listen(&self) -> DefaultGuard {
        let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()));
        // Another test may have been about to note that nobody wants these lines.
        tracing::callsite::rebuild_interest_cache();
        listening
    }

    /// The lines since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn started(reason: &str) -> String {
    format!("ERROR data.drop.started data_type=traces drop_reason={reason}")
}

fn ended(reason: &str, items: usize, duration: &str) -> String {
    format!("WARN data.drop.ended data_type=traces drop_reason={reason} items={items} duration={duration}")
}

fn permanent() -> Reply {
    Reply::Outcome(Outcome::permanent(Code::InvalidArgument, "bad"))
}

async fn losing(script: impl IntoIterator<Item = Reply>) -> Chain {
    Chain::new(&queued(QueueConfig { num_consumers: 1, ..QueueConfig::default() }), script).await
}

/// Lets the queue hand over a batch, and then so much time pass.
async fn lose(chain: &Chain, items: usize, then: Duration) {
    assert!(chain.consume(items).await.is_delivered(), "its sender is told that all is well");
    tokio::time::sleep(then).await;
}

const MOMENT: Duration = Duration::from_millis(1);
/// Not long enough for an episode to end.
const NEARLY_QUIET: Duration = QUIET.saturating_sub(MOMENT);

#[tokio::test(start_paused = true)]
async fn losses_are_one_episode_until_nothing_was_lost_for_a_while() {
    let told = Told::default();
    let _guard = told.listen();
    let chain = losing((0..4).map(|_| permanent())).await;
    lose(&chain, 3, NEARLY_QUIET).await;
    assert_eq!(told.take(), [started("rejected")]);
    lose(&chain, 4, NEARLY_QUIET).await;
    lose(&chain, 5, NEARLY_QUIET).await;
    assert_eq!(told.take(), [""; 0], "further losses only count");
    tokio::time::sleep(2 * MOMENT).await;
    assert_eq!(told.take(), [ended("rejected", 3 + 4 + 5, "1m59.998s")]);
    tokio::time::sleep(10 * QUIET).await;
    lose(&chain, 6, QUIET + MOMENT).await;
    assert_eq!(told.take(), [started("rejected"), ended("rejected", 6, "0s")], "the next is another");
    chain.shutdown(QUIET).await;
    assert_eq!(told.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn each_reason_has_an_episode_of_its_own() {
    let told = Told::default();
    let _guard = told.listen();
    let chain = losing([permanent(), rejected(2), permanent(), rejected(0)]).await;
    lose(&chain, 10, QUIET / 2).await;
    lose(&chain, 20, QUIET / 4).await;
    assert_eq!(told.take(), [started("rejected"), started("partial_success")]);
    lose(&chain, 30, QUIET / 4).await;
    lose(&chain, 40, QUIET / 2 + MOMENT).await;
    assert_eq!(told.take(), [ended("partial_success", 2, "0s")]);
    tokio::time::sleep(QUIET).await;
    assert_eq!(told.take(), [ended("rejected", 40, "45s")]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_all_episodes_those_of_its_own_losses_included() {
    let told = Told::default();
    let _guard = told.listen();
    let chain = losing([permanent(), Reply::Silence]).await;
    for items in [1, 10, 100] {
        lose(&chain, items, MOMENT).await;
    }
    assert_eq!(told.take(), [started("rejected")]);
    chain.shutdown(Duration::from_secs(10)).await;
    assert_eq!(told.take(), [started("shutdown"), ended("rejected", 1, "0s"), ended("shutdown", 110, "0s")]);
    chain.shutdown(Duration::from_secs(10)).await;
    tokio::time::sleep(2 * QUIET).await;
    assert_eq!(told.take(), [""; 0], "once is enough");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_what_its_sender_learns_of() {
    let told = Told::default();
    let _guard = told.listen();
    let waiting = queued(QueueConfig { wait_for_result: true, ..QueueConfig::default() });
    for config in [direct(), waiting] {
        let chain = Chain::new(&config, [permanent(), rejected(2)]).await;
        assert!(!chain.consume(3).await.is_delivered());
        assert!(chain.consume(3).await.is_delivered());
        assert_eq!(chain.failed(), 5);
        chain.shutdown(QUIET).await;
    }
    let full = queued(QueueConfig { queue_size: 1, ..QueueConfig::default() });
    let chain = Chain::new(&full, [Reply::Silence]).await;
    assert!(chain.consume(1).await.is_delivered());
    assert!(!chain.consume(1).await.is_delivered());
    assert_eq!(told.take(), [""; 0]);
}
