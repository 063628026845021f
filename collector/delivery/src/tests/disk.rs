//! The queue on disk. Its disk takes real time, so that the clock is not stopped here.

use std::path::Path;

use etalon_component::{Code, ComponentId, Extension, Metadata, Storage};

use super::*;
use crate::Sizer;

pub(super) fn storage_id() -> ComponentId {
    "file_storage".parse().expect("an id")
}

/// A host whose storage is this folder.
pub(super) fn host(folder: &Path) -> Host {
    let storage =
        Storage { directory: folder.to_owned(), queue_bytes: 1 << 30, lock_timeout: Duration::ZERO };
    let idle = Recorder(Sender::new([], 0), Instant::now());
    let extension = Extension::new(Arc::new(idle)).with_storage(storage);
    Host::new(mpsc::channel(1).0).with_extensions([(storage_id(), extension)].into())
}

fn on_disk() -> DeliveryConfig {
    on_disk_with(QueueConfig::default())
}

fn on_disk_with(queue: QueueConfig) -> DeliveryConfig {
    queued(QueueConfig { storage: Some(storage_id()), ..queue })
}

async fn chain(folder: &Path, config: &DeliveryConfig, script: Vec<Reply>, permits: usize) -> Chain {
    Chain::on(&host(folder), config, script, permits).await.expect("the queue opens")
}

fn items(chain: &Chain) -> Vec<usize> {
    chain.attempts().iter().map(|attempt| attempt.items).collect()
}

#[tokio::test]
async fn what_was_acknowledged_and_not_sent_is_sent_after_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let one_consumer = on_disk_with(QueueConfig { num_consumers: 1, ..QueueConfig::default() });
    let first = chain(folder.path(), &one_consumer, vec![], 1).await;
    for items in [1, 10, 100] {
        assert!(first.consume(items).await.is_delivered());
    }
    first.until(|chain| chain.sent() == 1 && chain.attempts().len() == 2).await;
    first.shutdown(Duration::ZERO).await;
    assert_eq!(
        (first.failed(), first.queue_size()),
        (0, 0),
        "nothing is lost, and nothing is in this process"
    );

    let second = chain(folder.path(), &one_consumer, vec![], PLENTY).await;
    second.until(|chain| chain.sent() == 110).await;
    assert_eq!(items(&second), [10, 100]);
    second.until(|chain| chain.queue_size() == 0).await;
    second.shutdown(Duration::ZERO).await;
    let third = chain(folder.path(), &one_consumer, vec![], PLENTY).await;
    assert_eq!(third.queue_size(), 0);
}

#[tokio::test]
async fn what_the_destination_refused_for_good_is_lost_once_and_does_not_come_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let permanent = Reply::Outcome(Outcome::permanent(Code::InvalidArgument, "no"));
    let first = chain(folder.path(), &on_disk(), vec![permanent], PLENTY).await;
    assert!(first.consume(5).await.is_delivered());
    first.until(|chain| chain.failed() == 5 && chain.queue_size() == 0).await;
    first.shutdown(Duration::ZERO).await;
    let second = chain(folder.path(), &on_disk(), vec![], PLENTY).await;
    assert!(second.consume(1).await.is_delivered());
    second.until(|chain| chain.sent() == 1).await;
    assert_eq!(items(&second), [1]);
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_waits_since_an_earlier_run_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let limited = on_disk_with(QueueConfig { queue_size: 10, sizer: Sizer::Items, ..QueueConfig::default() });
    let first = chain(folder.path(), &limited, vec![], 0).await;
    assert!(first.consume(8).await.is_delivered());
    let outcome = first.consume(3).await;
    assert_eq!(outcome.failure().expect("it is full").message(), "sending queue is full");
    assert!(first.consume(2).await.is_delivered());
    assert_eq!((first.enqueue_failed(), first.queue_size()), (3, 10));
    first.shutdown(Duration::ZERO).await;

    let second = chain(folder.path(), &limited, vec![], 0).await;
    assert_eq!(second.queue_size(), 10);
    assert!(second.consume(1).await.is_retryable());
    second.sender.gate.add_permits(PLENTY);
    second.until(|chain| chain.sent() == 10 && chain.queue_size() == 0).await;
    assert!(second.consume(1).await.is_delivered());
    let outcome = second.consume(11).await;
    assert_eq!(outcome.failure().expect("it is too large").message(), "element size too large");
}

#[tokio::test]
async fn a_caller_can_wait_for_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = QueueConfig { queue_size: 1, block_on_overflow: true, ..QueueConfig::default() };
    let chain = chain(folder.path(), &on_disk_with(queue), vec![], 0).await;
    assert!(chain.consume(1).await.is_delivered());
    let late = chain.delivery.consume(with_deadline(2, Duration::from_millis(20))).await;
    assert_eq!(late.failure().expect("it is late").code(), Code::DeadlineExceeded);
    let waiting = chain.spawn(batch(3));
    chain.until(|chain| chain.attempts().len() == 1).await;
    chain.sender.gate.add_permits(PLENTY);
    assert!(waiting.await.expect("no panic").is_delivered());
    chain.until(|chain| chain.sent() == 4).await;
}

#[tokio::test]
async fn the_metadata_of_the_sender_survives_and_its_identity_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = chain(folder.path(), &on_disk(), vec![], 0).await;
    let mut metadata = Metadata::default();
    metadata.push("x-tenant", b"one");
    let identity = etalon_component::Identity::default().with("subject", "me");
    let mut with_metadata = batch(1);
    with_metadata.context.caller = Some(Arc::new(etalon_component::Caller { metadata, identity }));
    assert!(first.delivery.consume(with_metadata).await.is_delivered());
    first.shutdown(Duration::ZERO).await;
    let second = chain(folder.path(), &on_disk(), vec![], PLENTY).await;
    second.until(|chain| chain.sent() == 1).await;
    let caller = second.attempts()[0].caller.clone().expect("there is a caller");
    assert_eq!(caller.metadata.get_all("x-tenant").collect::<Vec<_>>(), [b"one"]);
    assert!(caller.identity.is_empty());
}

#[tokio::test]
async fn the_chain_that_takes_the_place_of_another_goes_on_with_its_queue() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = host(folder.path());
    // Its only consumer is busy.
    let one_consumer = on_disk_with(QueueConfig { num_consumers: 1, ..QueueConfig::default() });
    let old = Chain::on(&host, &one_consumer, vec![], 0).await.expect("the queue opens");
    assert!(old.consume(1).await.is_delivered());
    old.until(|chain| chain.attempts().len() == 1).await;
    let new = Chain::on(&host, &on_disk(), vec![], PLENTY).await.expect("it is the same queue");
    assert!(new.consume(10).await.is_delivered());
    new.until(|chain| chain.sent() == 10).await;
    old.sender.gate.add_permits(PLENTY);
    old.until(|chain| chain.sent() == 1).await;
    old.shutdown(Duration::from_secs(10)).await;
    assert!(new.consume(100).await.is_delivered(), "the queue stays open");
    new.until(|chain| chain.sent() == 110 && chain.queue_size() == 0).await;
}

#[tokio::test]
async fn a_queue_that_another_process_uses_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = chain(folder.path(), &on_disk(), vec![], 0).await;
    let error = Chain::on(&host(folder.path()), &on_disk(), vec![], 0).await.err().expect("it is in use");
    let source = error.source().expect("it has a cause").to_string();
    assert_eq!(source, "another process uses the directory: each collector needs one of its own");
}

#[tokio::test]
async fn a_storage_that_is_not_there_is_refused() {
    let host = Host::new(mpsc::channel(1).0);
    let error = Chain::on(&host, &on_disk(), vec![], 0).await.err().expect("there is no storage");
    assert!(error.to_string().starts_with("no storage client extension found"), "{error}");
}

#[tokio::test]
async fn what_the_chain_before_could_not_send_is_sent_by_the_one_that_takes_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = host(folder.path());
    let one_consumer = on_disk_with(QueueConfig { num_consumers: 1, ..QueueConfig::default() });
    let old = Chain::on(&host, &one_consumer, vec![refused(), refused()], PLENTY).await.expect("it opens");
    assert!(old.consume(1).await.is_delivered());
    old.until(|chain| chain.attempts().len() == 1).await;
    let new = Chain::on(&host, &on_disk(), vec![], PLENTY).await.expect("it is the same queue");
    old.shutdown(Duration::from_secs(10)).await;
    new.until(|chain| chain.sent() == 1 && chain.queue_size() == 0).await;
    assert_eq!((old.sent(), old.failed()), (0, 0));
}

#[tokio::test]
async fn what_is_cut_off_at_the_deadline_is_sent_by_the_one_that_takes_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = host(folder.path());
    let one_consumer = on_disk_with(QueueConfig { num_consumers: 1, ..QueueConfig::default() });
    let old = Chain::on(&host, &one_consumer, vec![Reply::Silence], PLENTY).await.expect("it opens");
    assert!(old.consume(1).await.is_delivered());
    old.until(|chain| chain.attempts().len() == 1).await;
    let new = Chain::on(&host, &on_disk(), vec![], PLENTY).await.expect("it is the same queue");
    old.shutdown(Duration::ZERO).await;
    new.until(|chain| chain.sent() == 1 && chain.queue_size() == 0).await;
}

#[tokio::test]
async fn what_the_exporter_panics_over_stays_on_disk_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = chain(folder.path(), &on_disk(), vec![Reply::Panic], PLENTY).await;
    assert!(first.consume(1).await.is_delivered());
    first.until(|chain| chain.attempts().len() == 1).await;
    assert!(first.consume(10).await.is_delivered());
    first.until(|chain| chain.sent() == 10 && chain.queue_size() == 1).await;
    assert_eq!(first.failed(), 0, "it is neither lost nor counted so");
    first.shutdown(Duration::ZERO).await;
    let second = chain(folder.path(), &on_disk(), vec![], PLENTY).await;
    second.until(|chain| chain.sent() == 1).await;
}

/// Here the disk takes simulated time.
#[tokio::test(start_paused = true)]
async fn a_request_whose_sender_goes_away_while_it_is_written_is_sent_and_not_counted_as_refused() {
    let disk = etalon_store::simulation::SimDisk::new(1);
    disk.set_latency(Duration::from_millis(10));
    let queue = Path::new("/impatient/exporter_test__traces");
    disk.mount(queue);
    let chain = chain(Path::new("/impatient"), &on_disk(), vec![], PLENTY).await;
    let impatient = tokio::time::timeout(Duration::from_millis(1), chain.consume(5)).await;
    assert!(impatient.is_err(), "it takes longer to write");
    chain.until(|chain| chain.sent() == 5 && chain.queue_size() == 0).await;
    assert_eq!((items(&chain), chain.enqueue_failed(), chain.failed()), (vec![5], 0, 0));
    chain.shutdown(Duration::ZERO).await;
    etalon_store::simulation::SimDisk::unmount(queue);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_has_it_when_what_had_it_was_not_kept() {
    let disk = etalon_store::simulation::SimDisk::new(1);
    disk.set_latency(Duration::from_millis(10));
    let queue = Path::new("/failing/exporter_test__traces");
    disk.mount(queue);
    let queue_config = QueueConfig { queue_size: 1, block_on_overflow: true, ..QueueConfig::default() };
    let chain = chain(Path::new("/failing"), &on_disk_with(queue_config), vec![], PLENTY).await;
    disk.fail(1, etalon_store::simulation::Fault::Error);
    let (first, second) = tokio::join!(chain.consume(1), chain.consume(1));
    assert!(matches!(first, Outcome::Refused(_)), "{first:?}");
    assert!(second.is_delivered(), "{second:?}");
    chain.shutdown(Duration::ZERO).await;
    etalon_store::simulation::SimDisk::unmount(queue);
}
