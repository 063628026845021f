//! Requests that are joined while they wait in the queue.

use etalon_component::{Budgets, Caller, Code, MemoryBudget, MemoryLimits, Metadata, Reserved};
use etalon_conf::{Node, Optional};

use super::disk::{host, storage_id};
use super::parts::{names, request};
use super::*;
use crate::{BatchConfig, PartitionConfig, Sizer};

/// Answers each batch as its script says, then takes all. Notes what it is given.
#[derive(Default)]
pub(super) struct Destination {
    pub(super) script: Mutex<VecDeque<Outcome>>,
    pub(super) batches: Mutex<Vec<Seen>>,
    /// As long as this is not open, nothing is answered.
    pub(super) closed: Mutex<Option<Arc<Semaphore>>>,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) names: Vec<String>,
    bytes: usize,
    metadata: Vec<(String, Vec<u8>)>,
    has_deadline: bool,
}

pub(super) struct Noting(pub(super) Arc<Destination>);

impl Consumer for Noting {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let caller = batch.context.caller.as_ref();
            let metadata = caller.map(|caller| caller.metadata.iter().map(owned).collect());
            self.0.batches.lock().unwrap().push(Seen {
                names: names(&batch.payload.contiguous()),
                bytes: batch.payload.len(),
                metadata: metadata.unwrap_or_default(),
                has_deadline: batch.context.deadline.is_some(),
            });
            let closed = self.0.closed.lock().unwrap().clone();
            if let Some(gate) = closed {
                gate.acquire().await.unwrap().forget();
            }
            self.0.script.lock().unwrap().pop_front().unwrap_or(Outcome::DELIVERED)
        })
    }
}

fn owned((name, value): (&str, &[u8])) -> (String, Vec<u8>) {
    (name.to_owned(), value.to_vec())
}

impl Component for Noting {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

struct Batching {
    chain: Chain,
    destination: Arc<Destination>,
}

impl Batching {
    async fn new(queue: QueueConfig, batch: BatchConfig, destination: Destination) -> Self {
        let queue = QueueConfig { batch: Optional::on(batch), ..queue };
        let destination = Arc::new(destination);
        let chain = Chain::before(&queued(queue), Stage::new(Noting(destination.clone()))).await;
        Self { chain, destination }
    }

    async fn consume(&self, batch: Batch) {
        let outcome = self.chain.delivery.consume(batch).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }

    /// The numbers of items of the batches that were sent, and that they are those of `requests`, each once, in order.
    fn sizes(&self, items: usize) -> Vec<usize> {
        let batches = self.destination.batches.lock().unwrap();
        let mut names: Vec<&String> = batches.iter().flat_map(|batch| &batch.names).collect();
        names.sort();
        let mut expected: Vec<String> = (0..items).map(name).collect();
        expected.sort();
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
        batches.iter().map(|batch| batch.names.len()).collect()
    }
}

pub(super) fn name(number: usize) -> String {
    format!("span {number:05}")
}

/// A request of the spans of these numbers.
pub(super) fn spans(numbers: std::ops::Range<usize>) -> Batch {
    request(numbers.map(|number| (name(number), 20)).collect())
}

fn of_tenant(tenant: &str, numbers: std::ops::Range<usize>) -> Batch {
    let mut metadata = Metadata::default();
    metadata.push("x-tenant", tenant.as_bytes());
    metadata.push("x-other", b"1");
    let mut batch = spans(numbers);
    batch.context.caller = Some(Arc::new(Caller { metadata, ..Caller::default() }));
    batch
}

/// So many items at least and at most.
pub(super) fn sized(min_size: i64, max_size: i64) -> BatchConfig {
    BatchConfig { min_size, max_size, ..BatchConfig::default() }
}

fn waiting() -> QueueConfig {
    QueueConfig { wait_for_result: true, ..QueueConfig::default() }
}

fn one_consumer() -> QueueConfig {
    QueueConfig { num_consumers: 1, ..QueueConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn requests_are_joined_until_the_batch_is_large_enough() {
    let batching = Batching::new(QueueConfig::default(), sized(25, 0), Destination::default()).await;
    for at in 0..10 {
        batching.consume(spans(10 * at..10 * at + 10)).await;
    }
    batching.chain.until(|chain| chain.sent() == 100).await;
    assert_eq!(batching.sizes(100), [30, 30, 30, 10]);
    assert!(batching.chain.epoch.elapsed() >= Duration::from_millis(200), "the last one waited for more");
    assert_eq!((batching.chain.queue_size(), batching.chain.failed()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_its_time_is_over_however_small() {
    let batch = BatchConfig { flush_timeout: Duration::from_secs(3).into(), ..sized(1000, 0) };
    let batching = Batching::new(QueueConfig::default(), batch, Destination::default()).await;
    batching.consume(spans(0..1)).await;
    tokio::time::sleep(Duration::from_millis(2900)).await;
    batching.consume(spans(1..2)).await;
    assert_eq!(batching.chain.queue_size(), 2, "they count while they wait");
    tokio::time::sleep(Duration::from_millis(200)).await;
    batching.chain.until(|chain| chain.sent() == 2).await;
    assert_eq!(batching.sizes(2), [2]);
}

#[tokio::test(start_paused = true)]
async fn batches_are_filled_up_to_the_item_and_each_item_is_sent_once() {
    let batching = Batching::new(one_consumer(), sized(40, 40), Destination::default()).await;
    let mut at = 0;
    for size in [30, 100, 5, 5, 79, 1] {
        batching.consume(spans(at..at + size)).await;
        at += size;
    }
    batching.chain.until(|chain| chain.sent() == 220).await;
    assert_eq!(batching.sizes(220), [40, 40, 40, 40, 40, 20]);
}

#[tokio::test(start_paused = true)]
async fn no_batch_has_more_bytes_than_it_may_have_unless_it_is_a_single_item() {
    let batch = BatchConfig { sizer: Some(Sizer::Bytes), ..sized(1000, 1000) };
    let batching = Batching::new(one_consumer(), batch, Destination::default()).await;
    for at in 0..6 {
        batching.consume(spans(30 * at..30 * at + 30)).await;
    }
    let large = request(vec![(name(180), 5000)]);
    batching.consume(large).await;
    batching.chain.until(|chain| chain.sent() == 181).await;
    batching.sizes(181);
    let batches = batching.destination.batches.lock().unwrap();
    let too_large = batches.iter().filter(|batch| batch.bytes > 1000);
    assert_eq!(too_large.map(|batch| batch.names.len()).collect::<Vec<_>>(), [1]);
    let full = batches.iter().filter(|batch| batch.bytes > 900).count();
    assert!(full >= 6, "they are filled: {:?}", batches.iter().map(|batch| batch.bytes).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn each_sender_learns_what_became_of_its_own_items() {
    let script = [Outcome::DELIVERED, Outcome::permanent(Code::InvalidArgument, "bad"), Outcome::DELIVERED];
    let destination = Destination { script: Mutex::new(script.into()), ..Destination::default() };
    let queue = QueueConfig { num_consumers: 1, ..waiting() };
    let batching = Batching::new(queue, sized(20, 20), destination).await;
    // Batches of 0..20, 20..40, 40..60.
    let senders: Vec<_> = [0..10, 10..30, 30..38, 38..60]
        .map(|numbers| batching.chain.spawn(spans(numbers)))
        .into_iter()
        .collect();
    let mut outcomes = Vec::new();
    for sender in senders {
        outcomes.push(sender.await.unwrap());
    }
    assert_eq!(batching.sizes(60), [20, 20, 20]);
    let rejected = |outcome: &Outcome| match outcome {
        Outcome::Delivered(told) => Some(told.rejected),
        _ => None,
    };
    assert_eq!(outcomes.iter().map(rejected).collect::<Vec<_>>(), [Some(0), Some(10), None, Some(2)]);
    assert!(matches!(&outcomes[2], Outcome::Permanent(failure) if failure.code() == Code::InvalidArgument));
    assert_eq!((batching.chain.sent(), batching.chain.failed()), (40, 20));
    assert_eq!(batching.chain.metric("etalon_exporter_imbalance_items"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_which_a_part_may_yet_be_delivered_stays_its_senders() {
    let script = [Outcome::DELIVERED, Outcome::refused("later")];
    let destination = Destination { script: Mutex::new(script.into()), ..Destination::default() };
    let config = QueueConfig { batch: Optional::on(sized(10, 10)), num_consumers: 1, ..waiting() };
    let config = DeliveryConfig { queue: Some(config), ..without_retry() };
    let chain = Chain::before(&config, Stage::new(Noting(Arc::new(destination)))).await;
    let outcome = chain.delivery.consume(spans(0..20)).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "a part has arrived: {outcome:?}");
    assert_eq!((chain.sent(), chain.failed()), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn requests_of_different_metadata_are_batched_apart_and_keep_it() {
    let partition = PartitionConfig { metadata_keys: vec!["X-Tenant".into()] };
    let batch = BatchConfig { partition, ..sized(6, 0) };
    let batching = Batching::new(QueueConfig::default(), batch, Destination::default()).await;
    batching.consume(of_tenant("a", 0..2)).await;
    batching.consume(of_tenant("b", 2..4)).await;
    batching.consume(spans(4..6)).await;
    batching.consume(of_tenant("a", 6..10)).await;
    batching.consume(of_tenant("b", 10..12)).await;
    batching.chain.until(|chain| chain.sent() == 12).await;
    let batches = batching.destination.batches.lock().unwrap();
    let seen: Vec<_> = batches.iter().map(|batch| (batch.names.len(), batch.metadata.clone())).collect();
    let tenant = |of: &str| vec![("x-tenant".to_owned(), of.as_bytes().to_vec())];
    assert_eq!(seen, [(6, tenant("a")), (4, tenant("b")), (2, vec![])]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_one_request_keeps_its_context_and_one_of_several_has_no_deadline() {
    let batching = Batching::new(waiting(), sized(4, 0), Destination::default()).await;
    let deadline = |batch: Batch| {
        let context = etalon_component::Context {
            deadline: Some(Instant::now() + Duration::from_mins(1)),
            ..batch.context.clone()
        };
        Batch { context, ..batch }
    };
    batching.consume(deadline(of_tenant("a", 0..4))).await;
    let joined = [4..6, 6..8].map(|numbers| batching.chain.spawn(deadline(of_tenant("a", numbers))));
    for sender in joined {
        assert!(sender.await.unwrap().is_delivered());
    }
    let batches = batching.destination.batches.lock().unwrap();
    assert_eq!((batches[0].metadata.len(), batches[0].has_deadline), (2, true));
    assert_eq!((batches[1].metadata.len(), batches[1].has_deadline), (0, false));
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_the_memory_of_all_its_requests_until_it_is_sent() {
    let gate = Arc::new(Semaphore::new(0));
    let destination = Destination { closed: Mutex::new(Some(gate.clone())), ..Destination::default() };
    let batching = Batching::new(one_consumer(), sized(4, 0), destination).await;
    let budget = MemoryBudget::new(MemoryLimits { hard: 100, soft: 100 }, |_| {});
    for numbers in [0..2, 2..4] {
        let mut batch = spans(numbers);
        let mut reserved = Reserved::of(Budgets::from_buf([budget.clone()]), None);
        reserved.resize(10).unwrap();
        batch.context.memory.add(reserved);
        batching.consume(batch).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(budget.reserved(), 20);
    gate.add_permits(PLENTY);
    batching.chain.until(|chain| chain.sent() == 4).await;
    batching.chain.until(|_| budget.reserved() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn while_all_consumers_are_busy_batches_grow_to_their_full_size() {
    let gate = Arc::new(Semaphore::new(0));
    let destination = Destination { closed: Mutex::new(Some(gate.clone())), ..Destination::default() };
    let batching = Batching::new(one_consumer(), sized(50, 100), destination).await;
    for at in 0..50 {
        batching.consume(spans(10 * at..10 * at + 10)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gate.add_permits(PLENTY);
    batching.chain.until(|chain| chain.sent() == 500).await;
    let sizes = batching.sizes(500);
    assert!(sizes[1..sizes.len() - 1].iter().all(|size| *size >= 50), "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_joined_is_sent_at_the_shutdown_and_what_its_deadline_leaves_is_counted() {
    let batching = Batching::new(one_consumer(), sized(1000, 0), Destination::default()).await;
    batching.consume(spans(0..10)).await;
    batching.chain.shutdown(Duration::from_secs(1)).await;
    assert_eq!((batching.sizes(10), batching.chain.sent()), (vec![10], 10));

    let destination =
        Destination { closed: Mutex::new(Some(Arc::new(Semaphore::new(0)))), ..Destination::default() };
    let queue = QueueConfig { num_consumers: 1, ..waiting() };
    let batching = Batching::new(queue, sized(10, 10), destination).await;
    let senders = [0..15, 15..17].map(|numbers| batching.chain.spawn(spans(numbers)));
    batching.chain.until(|_| batching.destination.batches.lock().unwrap().len() == 1).await;
    batching.chain.shutdown(Duration::from_secs(1)).await;
    let [in_flight, waiting] = senders;
    assert!(in_flight.await.unwrap().is_retryable());
    assert!(matches!(waiting.await.unwrap(), Outcome::Refused(_)), "it was never sent");
    assert_eq!((batching.chain.sent(), batching.chain.failed(), batching.chain.queue_size()), (0, 17, 0));
}

#[tokio::test(start_paused = true)]
async fn the_age_of_what_is_joined_counts() {
    let batch = BatchConfig { flush_timeout: Duration::from_mins(1).into(), ..sized(1000, 0) };
    let batching = Batching::new(QueueConfig::default(), batch, Destination::default()).await;
    batching.consume(spans(0..1)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let text = batching.chain.telemetry.prometheus_text();
    let line = text.lines().find(|line| line.starts_with("etalon_exporter_queue_oldest_age{"));
    let age = line.and_then(|line| line.rsplit(' ').next()).and_then(|age| age.parse::<f64>().ok());
    assert!(age.is_some_and(|age| (age - 30.0).abs() < 0.001), "{line:?}");
}

fn on_disk(batch: BatchConfig) -> DeliveryConfig {
    let queue = QueueConfig { storage: Some(storage_id()), batch: Optional::on(batch), ..one_consumer() };
    queued(queue)
}

#[tokio::test]
async fn what_is_joined_and_not_sent_stays_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let slow = BatchConfig { flush_timeout: Duration::from_hours(1).into(), ..sized(100, 0) };
    let config = on_disk(slow);
    let destination = Arc::new(Destination::default());
    let first =
        Chain::before_on(&host(folder.path()), &config, Stage::new(Noting(destination.clone()))).await;
    for numbers in [0..3, 3..6] {
        assert!(first.delivery.consume(spans(numbers)).await.is_delivered());
    }
    first.shutdown(Duration::from_mins(1)).await;
    assert_eq!((first.sent(), first.failed(), destination.batches.lock().unwrap().len()), (0, 0, 0));

    let config = on_disk(sized(1, 0));
    let second =
        Chain::before_on(&host(folder.path()), &config, Stage::new(Noting(destination.clone()))).await;
    second.until(|chain| chain.sent() == 6 && chain.queue_size() == 0).await;
}

#[test]
fn the_rules_of_the_configuration() {
    let problems = |yaml: &str| -> Vec<String> {
        let node = Node::parse("test.yaml", yaml).expect("valid YAML");
        match node.decode_valid::<QueueConfig>() {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(|problem| problem.message().to_owned()).collect(),
        }
    };
    assert!(problems("{queue_size: 10000, batch: }").is_empty());
    assert!(problems("{sizer: bytes, queue_size: 10000, batch: {min_size: 1}}").is_empty());
    let cases = [
        ("batch: {flush_timeout: 0s}", "`flush_timeout` must be positive, found 0s"),
        ("batch: {flush_timeout: -1s}", "`flush_timeout` must be positive, found -1s"),
        ("batch: {sizer: requests}", "`batch` supports only `items` or `bytes` sizer, found \"requests\""),
        ("batch: {min_size: -1}", "`min_size` must be non-negative, found -1"),
        ("batch: {max_size: -1}", "`max_size` must be non-negative, found -1"),
        ("batch: {max_size: 1}", "`max_size` (1) must be greater or equal to `min_size` (8192)"),
        ("{sizer: items, batch: {}}", "`min_size` must be less than or equal to `queue_size`"),
        (
            "batch: {partition: {metadata_keys: [a, B, b]}}",
            "duplicate entry in metadata_keys: \"b\" (case-insensitive)",
        ),
    ];
    for (yaml, message) in cases {
        assert_eq!(problems(yaml), [message], "{yaml}");
    }
}
