use std::time::{Duration, UNIX_EPOCH};

use etalon_pdata::proto::metrics::v1::AggregationTemporality::{Cumulative, Delta};
use etalon_pdata::proto::metrics::v1::{Metric, NumberDataPoint};
use etalon_telemetry::metrics::ConfigMetrics;
use etalon_telemetry::{attributes, observe_process};

use super::*;

const RELOADS: &str = "etalon_config_reloads";
const UPTIME: &str = "otelcol_process_uptime";

fn all(telemetry: &Telemetry) -> Snapshot {
    telemetry.snapshot(&Selection { level: Level::Detailed, dropped: Vec::new() })
}

fn decoded(encoder: &Encoder, telemetry: &Telemetry, now: SystemTime) -> ExportMetricsServiceRequest {
    let request = encoder.encode(&all(telemetry), now);
    ExportMetricsServiceRequest::decode(&*request.bytes).unwrap()
}

fn metric(encoder: &Encoder, telemetry: &Telemetry, name: &str) -> Metric {
    let request = decoded(encoder, telemetry, UNIX_EPOCH + Duration::from_secs(9));
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    metrics.iter().find(|metric| metric.name == name).unwrap().clone()
}

fn sum(metric: Metric) -> Sum {
    match metric.data.unwrap() {
        metric::Data::Sum(sum) => sum,
        other => panic!("{other:?}"),
    }
}

/// The temporality, and what has been counted of reloads that were applied.
fn applied(encoder: &Encoder, telemetry: &Telemetry) -> (AggregationTemporality, number_data_point::Value) {
    let Sum { data_points, aggregation_temporality, is_monotonic } = sum(metric(encoder, telemetry, RELOADS));
    assert!(is_monotonic);
    let is_applied = |point: &&NumberDataPoint| format!("{:?}", point.attributes).contains("applied");
    let point = data_points.iter().find(is_applied).unwrap();
    (AggregationTemporality::try_from(aggregation_temporality).unwrap(), point.value.unwrap())
}

#[test]
fn a_request_has_resource_scope_and_what_the_definition_says() {
    let telemetry = Telemetry::new(&[("service.name", "etalon")]);
    let _reloads = ConfigMetrics::new(&telemetry);
    let encoder = Encoder::new(Temporality::Cumulative, &telemetry);
    let now = UNIX_EPOCH + Duration::from_secs(9);
    let request = decoded(&encoder, &telemetry, now);
    let of_resource = &request.resource_metrics[0];
    assert_eq!(of_resource.resource.as_ref().unwrap().attributes[0].key, "service.name");
    let of_scope = &of_resource.scope_metrics[0];
    assert_eq!(of_scope.scope.as_ref().unwrap().name, "etalon");
    let metric = of_scope.metrics.iter().find(|metric| metric.name == RELOADS).unwrap();
    assert!(!metric.description.is_empty() && !metric.unit.is_empty(), "{metric:?}");
    let point = &sum(metric.clone()).data_points[0];
    assert_eq!(point.time_unix_nano, 9_000_000_000);
    assert_eq!(point.start_time_unix_nano, nanoseconds(telemetry.started()));
    let mut bytes = bytes::BytesMut::from(&*encoder.encode(&all(&telemetry), now).bytes);
    let found =
        etalon_pdata::scan(etalon_pdata::METRICS, &mut bytes, etalon_pdata::Utf8Policy::Refuse).unwrap();
    assert_eq!(found.items, encoder.encode(&all(&telemetry), now).points);
}

#[test]
fn cumulative_values_go_on_and_deltas_begin_anew_when_they_have_been_taken() {
    use number_data_point::Value::AsInt;
    let telemetry = Telemetry::new(&[]);
    let reloads = ConfigMetrics::new(&telemetry);
    reloads.reloads(5, attributes::Result::Applied);
    let mut cumulative = Encoder::new(Temporality::Cumulative, &telemetry);
    let mut delta = Encoder::new(Temporality::Delta, &telemetry);
    reloads.reloads(2, attributes::Result::Applied);
    for encoder in [&mut cumulative, &mut delta] {
        let first = applied(encoder, &telemetry);
        assert_eq!(applied(encoder, &telemetry), first, "nothing has been taken");
        encoder.advance(&all(&telemetry), UNIX_EPOCH + Duration::from_secs(5));
    }
    reloads.reloads(1, attributes::Result::Applied);
    assert_eq!(applied(&cumulative, &telemetry), (Cumulative, AsInt(8)));
    assert_eq!(applied(&delta, &telemetry), (Delta, AsInt(1)));
    let point = &sum(metric(&delta, &telemetry, RELOADS)).data_points[0];
    assert_eq!(point.start_time_unix_nano, 5_000_000_000);
}

#[test]
fn low_memory_tells_deltas_only_of_what_is_recorded_when_it_happens() {
    let telemetry = Telemetry::new(&[]);
    let (_reloads, _process) = (ConfigMetrics::new(&telemetry), observe_process(&telemetry, "0.1.0"));
    let temporality = |preference, name| {
        let encoder = Encoder::new(preference, &telemetry);
        let sum = sum(metric(&encoder, &telemetry, name));
        AggregationTemporality::try_from(sum.aggregation_temporality).unwrap()
    };
    assert_eq!(temporality(Temporality::LowMemory, RELOADS), Delta);
    assert_eq!(temporality(Temporality::LowMemory, UPTIME), Cumulative);
    assert_eq!(temporality(Temporality::Delta, UPTIME), Delta);
}
