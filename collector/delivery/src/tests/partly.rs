//! Requests on disk of which a part has an outcome, and the rest none.

use std::path::Path;

use etalon_component::Code;
use etalon_conf::Optional;
use etalon_store::simulation::SimDisk;

use super::batch::{Destination, Noting, name, sized, spans};
use super::disk::{host, storage_id};
use super::*;
use crate::BatchConfig;

/// Processes, one after the other, on one disk, whose time is simulated.
struct Processes {
    disk: SimDisk,
    folder: String,
    config: DeliveryConfig,
}

/// A process, and what it sends to.
struct Process {
    chain: Chain,
    destination: Arc<Destination>,
    gate: Arc<Semaphore>,
}

impl Processes {
    /// `test` is what no other test is called.
    fn new(test: &str, batch: Option<BatchConfig>, queue: QueueConfig) -> Self {
        let disk = SimDisk::new(1);
        disk.set_latency(Duration::from_millis(1));
        let batch = batch.map_or(Optional::off(BatchConfig::default()), Optional::on);
        let queue = QueueConfig { storage: Some(storage_id()), num_consumers: 1, batch, ..queue };
        Self { disk, folder: format!("/partly/{test}"), config: queued(queue) }
    }

    /// The next one. Its destination answers as the script says, so many times.
    async fn start(&self, script: impl IntoIterator<Item = Outcome>, answers: usize) -> Process {
        self.disk.mount(&self.queue());
        let gate = Arc::new(Semaphore::new(answers));
        let destination = Arc::new(Destination {
            script: Mutex::new(script.into_iter().collect()),
            closed: Mutex::new(Some(gate.clone())),
            ..Destination::default()
        });
        let stage = Stage::new(Noting(destination.clone()));
        let chain = Chain::before_on(&host(Path::new(&self.folder)), &self.config, stage).await;
        Process { chain, destination, gate }
    }

    /// What was written is there, and nothing else.
    fn kill(&mut self, process: Process) {
        self.disk = self.disk.crash(false);
        drop(process);
    }

    fn queue(&self) -> std::path::PathBuf {
        Path::new(&self.folder).join("exporter_test__traces")
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        SimDisk::unmount(&self.queue());
    }
}

impl Process {
    async fn consume(&self, numbers: std::ops::Range<usize>) {
        assert!(self.chain.delivery.consume(spans(numbers)).await.is_delivered());
    }

    /// Waits for so many requests at the destination, and until what came of those before is written.
    async fn seen(&self, requests: usize) {
        self.chain.until(|_| self.destination.batches.lock().unwrap().len() == requests).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Waits until all is sent.
    async fn drained(&self) {
        self.chain.until(|chain| chain.metric("etalon_exporter_queue_items") == 0).await;
        assert_eq!(self.chain.metric("etalon_exporter_imbalance_items"), 0);
    }

    /// The numbers of the items of all requests, in order.
    fn numbers(&self) -> Vec<Vec<usize>> {
        let number = |name: &String| name.strip_prefix("span ").and_then(|number| number.parse().ok());
        let batches = self.destination.batches.lock().unwrap();
        batches
            .iter()
            .map(|batch| batch.names.iter().map(|name| number(name).expect("its name")).collect())
            .collect()
    }

    /// Items that the queue has ever accepted, and that were delivered, failed and dropped.
    fn fates(&self) -> [u64; 4] {
        let text = self.chain.telemetry.prometheus_text();
        let of = |fate: &str| {
            let fate = format!("item_fate=\"{fate}\"");
            let line = text.lines().find(|line| line.contains("lifetime_items{") && line.contains(&fate));
            line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("the series is there")
        };
        ["accepted", "delivered", "failed", "dropped"].map(of)
    }
}

/// Takes requests of one item each, and answers for every second one when it may.
struct Holding {
    gate: Semaphore,
    taken: Mutex<Vec<usize>>,
}

struct Held(Arc<Holding>);

impl Consumer for Held {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let name = super::parts::names(&batch.payload.contiguous()).remove(0);
            let number = name.strip_prefix("span ").and_then(|number| number.parse::<usize>().ok());
            let number = number.expect("its name");
            if number % 2 == 1 {
                self.0.gate.acquire().await.unwrap().forget();
            }
            self.0.taken.lock().unwrap().push(number);
            Outcome::DELIVERED
        })
    }
}

impl Component for Held {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(start_paused = true)]
async fn parts_that_cannot_be_noted_on_their_own_are_with_the_last_one_and_no_item_is_counted_twice() {
    const ITEMS: usize = 4100;
    let mut processes = Processes::new("many", Some(sized(1, 1)), QueueConfig::default());
    if let Some(queue) = &mut processes.config.queue {
        queue.num_consumers = 2060;
    }
    processes.disk.mount(&processes.queue());
    let holding = Arc::new(Holding { gate: Semaphore::new(0), taken: Mutex::default() });
    let host = host(Path::new(&processes.folder));
    let chain = Chain::before_on(&host, &processes.config, Stage::new(Held(holding.clone()))).await;
    assert!(chain.delivery.consume(spans(0..ITEMS)).await.is_delivered());
    chain.until(|_| holding.taken.lock().unwrap().len() == ITEMS / 2).await;
    assert_eq!(chain.metric("etalon_exporter_queue_items"), 2100, "2000 of 2050 are noted");
    holding.gate.add_permits(ITEMS);
    chain.until(|chain| chain.metric("etalon_exporter_queue_items") == 0).await;
    assert_eq!((chain.sent(), chain.metric("etalon_exporter_imbalance_items")), (4100, 0));
    let mut taken = holding.taken.lock().unwrap().clone();
    taken.sort_unstable();
    assert_eq!(taken, numbers(0..ITEMS));
}

fn numbers(range: std::ops::Range<usize>) -> Vec<usize> {
    range.collect()
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_of_a_request_does_not_come_again_after_a_kill() {
    let mut processes = Processes::new("kill", Some(sized(10, 10)), QueueConfig::default());
    let first = processes.start([], 2).await;
    first.consume(0..25).await;
    first.seen(3).await;
    assert_eq!(first.chain.metric("etalon_exporter_queue_items"), 5);
    assert_eq!(first.chain.metric("etalon_exporter_queue_requests"), 1);
    processes.kill(first);

    let second = processes.start([], PLENTY).await;
    assert_eq!(second.chain.metric("etalon_exporter_restored_items"), 5);
    second.drained().await;
    assert_eq!(second.numbers(), [numbers(20..25)]);
    assert_eq!(second.fates(), [25, 25, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_several_requests_comes_again_and_keeps_its_place() {
    let mut processes = Processes::new("several", Some(sized(10, 10)), QueueConfig::default());
    // 0..6 6..10, 10..18 18..20, 20..25
    let script = [Outcome::DELIVERED, Outcome::refused("later"), Outcome::DELIVERED];
    let first = processes.start(script, 2).await;
    for range in [0..6, 6..18, 18..25] {
        first.consume(range).await;
    }
    first.seen(3).await;
    processes.kill(first);
    let second = processes.start([], PLENTY).await;
    second.drained().await;
    assert_eq!(second.numbers(), [numbers(10..20), numbers(20..25)]);
}

#[tokio::test(start_paused = true)]
async fn each_half_of_a_rejected_request_is_settled_when_its_outcome_is_known() {
    let queue = QueueConfig { bisect_rejected: true, ..QueueConfig::default() };
    let mut processes = Processes::new("halves", None, queue);
    let invalid = || Outcome::permanent(Code::InvalidArgument, "bad");
    // 0..8, 0..4, and 4..8 has no answer.
    let first = processes.start([invalid(), Outcome::DELIVERED], 2).await;
    first.consume(0..8).await;
    first.seen(3).await;
    processes.kill(first);
    // 4..8, 4..6, 4..5, and 5..6 has no answer.
    let second = processes.start([invalid(), invalid(), invalid()], 3).await;
    second.seen(4).await;
    processes.kill(second);
    let third = processes.start([], PLENTY).await;
    third.drained().await;
    assert_eq!(third.numbers(), [numbers(5..8)]);
    assert_eq!(third.fates(), [8, 7, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_of_a_request_does_not_come_again_after_a_stop() {
    let processes = Processes::new("stop", Some(sized(10, 10)), QueueConfig::default());
    let first = processes.start([Outcome::DELIVERED, Outcome::refused("later")], 1).await;
    first.consume(0..20).await;
    first.seen(2).await;
    let stopping = first.chain.shutdown(Duration::from_mins(1));
    first.gate.add_permits(1);
    stopping.await;
    assert_eq!((first.chain.sent(), first.chain.failed()), (10, 0));
    assert_eq!(first.chain.metric("etalon_exporter_imbalance_items"), 0);

    let second = processes.start([], PLENTY).await;
    second.drained().await;
    assert_eq!(second.numbers(), [numbers(10..20)]);
    assert_eq!((second.chain.metric("etalon_exporter_restored_items"), second.chain.failed()), (10, 0));
    assert_eq!(second.fates(), [20, 20, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_the_deadline_of_a_stop_cuts_off_is_all_that_comes_again() {
    let processes = Processes::new("deadline", Some(sized(10, 10)), QueueConfig::default());
    let first = processes.start([], 1).await;
    first.consume(0..30).await;
    first.seen(2).await;
    first.chain.shutdown(Duration::from_secs(1)).await;
    assert_eq!((first.chain.sent(), first.chain.failed()), (10, 0));
    assert_eq!(first.chain.metric("etalon_exporter_imbalance_items"), 0);
    let second = processes.start([], PLENTY).await;
    second.drained().await;
    assert_eq!(second.numbers(), [numbers(10..20), numbers(20..30)], "and it is cut as before");
}

#[tokio::test(start_paused = true)]
async fn each_part_of_a_request_is_counted_with_what_became_of_it() {
    let mut processes = Processes::new("fates", Some(sized(5, 5)), QueueConfig::default());
    processes.config.retry.enabled = false;
    let partly = Outcome::Delivered(Delivered { rejected: 2, message: None });
    let script = [partly, Outcome::permanent(Code::InvalidArgument, "no"), Outcome::refused("later")];
    let first = processes.start(script, PLENTY).await;
    first.consume(0..22).await;
    first.drained().await;
    assert_eq!(first.fates(), [22, 10, 7, 5]);
    processes.kill(first);
    let second = processes.start([], PLENTY).await;
    assert_eq!(second.chain.metric("etalon_exporter_restored_items"), 0);
    assert_eq!(second.fates(), [22, 10, 7, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_part_over_which_the_exporter_panics_stays_and_the_others_do_not_come_again() {
    let mut processes = Processes::new("panic", Some(sized(10, 10)), QueueConfig::default());
    processes.disk.mount(&processes.queue());
    let script = [Reply::Outcome(Outcome::DELIVERED), Reply::Panic];
    let first = Chain::on(&host(Path::new(&processes.folder)), &processes.config, script, PLENTY).await;
    let first = first.expect("the queue opens");
    assert!(first.delivery.consume(spans(0..25)).await.is_delivered());
    first.until(|chain| chain.sent() == 15 && chain.queue_size() == 1).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    processes.disk = processes.disk.crash(false);
    drop(first);
    let second = processes.start([], PLENTY).await;
    second.drained().await;
    assert_eq!(second.numbers(), [numbers(10..20)]);
    assert_eq!(name(10), "span 00010");
}
