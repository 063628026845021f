use std::time::Duration;

use super::*;
use crate::attributes::{self, DropReason, RefusalReason, Transport};
use crate::metrics::{
    ExporterAttributes, ExporterMetrics, QueueAttributes, QueueMetrics, QueueReads, ReceiverAttributes,
    ReceiverMetrics,
};

fn who(id: &str, signal: &str) -> Who {
    Who { id: id.to_owned(), signal: signal.to_owned() }
}

#[test]
fn a_receiver_is_read_over_all_its_transports_and_each_signal_apart() {
    let telemetry = Telemetry::new(&[]);
    let bind = |transport, data_type| {
        ReceiverMetrics::new(
            &telemetry,
            ReceiverAttributes { receiver: attributes::Receiver("otlp"), transport, data_type },
        )
    };
    let (grpc, http) = (bind(Transport::Grpc, DataType::Logs), bind(Transport::Http, DataType::Logs));
    let traces = bind(Transport::Grpc, DataType::Traces);
    grpc.accepted(3);
    http.accepted(4);
    http.refused(5);
    http.refused_requests(2, RefusalReason::QueueFull);
    grpc.refused_requests(1, RefusalReason::QueueFull);
    traces.accepted(100);
    let readings = Readings::of(&telemetry);
    let logs = &readings.receivers[&who("otlp", "logs")];
    assert_eq!((logs.accepted_items, logs.refused_items), (7, 5));
    assert_eq!(logs.refused_requests["queue_full"], 3);
    assert_eq!(readings.receivers[&who("otlp", "traces")].accepted_items, 100);
    assert_eq!(readings.receivers.len(), 2);
}

#[test]
fn an_exporter_is_read_with_its_queue() {
    let telemetry = Telemetry::new(&[]);
    let exporter = attributes::Exporter("otlp_http");
    let data_type = DataType::Metrics;
    let metrics = ExporterMetrics::new(&telemetry, ExporterAttributes { data_type, exporter });
    metrics.sent(10);
    metrics.send_failed(4);
    metrics.dropped(3, DropReason::Shutdown);
    metrics.request_duration(Duration::from_secs(1), Outcome::Delivered);
    metrics.request_duration(Duration::from_secs(1), Outcome::Refused);
    metrics.request_duration(Duration::from_secs(1), Outcome::Unknown);
    metrics.last_success(1_700_000_000);
    let held = metrics.in_flight_requests(2);
    let without_queue = Readings::of(&telemetry).exporters[&who("otlp_http", "metrics")].clone();
    assert_eq!(without_queue.queue, None);
    let reads = QueueReads {
        bytes: || 1,
        items: || 2,
        oldest_age: || 3.5,
        requests: || 4,
        capacity: || 5,
        size: || 6,
    };
    let queue = QueueMetrics::new(&telemetry, QueueAttributes { data_type, exporter }, reads);
    queue.enqueue_failed(7);
    let reading = Readings::of(&telemetry).exporters[&who("otlp_http", "metrics")].clone();
    assert_eq!(
        reading,
        ExporterReading {
            sent_items: 10,
            failed_items: 4,
            enqueue_failed_items: 7,
            dropped_items: reading.dropped_items.clone(),
            failed_attempts: 2,
            successful_attempts: 1,
            in_flight: 2,
            queue: Some(QueueReading {
                size: 6,
                capacity: 5,
                requests: 4,
                items: 2,
                bytes: 1,
                oldest_age: 3.5
            }),
            last_success: 1_700_000_000.0,
        }
    );
    assert_eq!(reading.dropped_items.iter().filter(|(_, count)| **count > 0).count(), 1);
    assert_eq!(reading.dropped_items["shutdown"], 3);
    drop(held);
}
