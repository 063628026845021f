use etalon_component::Batch;
use etalon_pdata::TRACES;
use etalon_telemetry::Telemetry;
use etalon_telemetry::attributes::{DataType, Exporter};
use etalon_telemetry::metrics::QueueBatchAttributes;

use super::*;
use crate::memory_queue::MemoryQueue;
use crate::{PartitionConfig, QueueConfig};

fn batcher(config: &BatchConfig) -> Batcher {
    let of = QueueBatchAttributes { exporter: Exporter("test"), data_type: DataType::Traces };
    Batcher::new(config, Sizer::Items, QueueBatchMetrics::new(&Telemetry::new(&[]), of))
}

/// A request of a tenant, as it comes out of a queue.
async fn taken(queue: &MemoryQueue, tenant: usize, items: usize) -> Taking {
    let mut metadata = Metadata::default();
    metadata.push("x-tenant", tenant.to_string().as_bytes());
    let mut batch = Batch::new(Payload::from_validated(TRACES, vec![0; items].into(), items));
    batch.context.caller = Some(Arc::new(Caller { metadata, ..Caller::default() }));
    assert!(queue.offer(batch).await.is_ok());
    Taking::Memory(queue.pop().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_batches_that_have_left_is_bounded_while_one_waits_for_long() {
    let partition = PartitionConfig { metadata_keys: vec!["x-tenant".into()] };
    let config = BatchConfig { min_size: 2, partition, ..BatchConfig::default() };
    let (mut batcher, underway) = (batcher(&config), Arc::default());
    let queue = MemoryQueue::new(&QueueConfig::default());
    batcher.add(taken(&queue, 0, 1).await, &underway);
    for tenant in 1..=10 * LEFT_MAX {
        batcher.add(taken(&queue, tenant, 2).await, &underway);
        assert_eq!((batcher.forming.len(), batcher.ready.len()), (1, 1), "it is full and leaves");
        batcher.ready.clear();
        assert!(batcher.leaving.len() <= 2 * 2 + LEFT_MAX, "{} after {tenant}", batcher.leaving.len());
    }
    let first = batcher.leaving.front().map(|(_, partition)| partition.clone());
    assert!(batcher.forming.contains_key(&first.unwrap()), "the one that waits is not forgotten");
}
