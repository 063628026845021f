//! Documents as OTLP's specification and SDKs write them, and what they mean as protobuf objects.

use prost::Message as _;

use crate::json::{decode, encode};
use crate::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use crate::proto::collector::trace::v1::ExportTraceServiceRequest;
use crate::proto::common::v1::any_value::Value;
use crate::proto::metrics::v1::{metric, number_data_point};
use crate::tables::{EXPORT_METRICS_SERVICE_REQUEST, EXPORT_TRACE_SERVICE_REQUEST};

const TRACE: &str = r#"
{
  "resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
    "scopeSpans": [{
      "scope": {"name": "cart", "version": "1.2.3", "attributes": [
        {"key": "beta", "value": {"boolValue": false}}
      ]},
      "spans": [{
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "parentSpanId": "EEE19B7EC3C1B173",
        "name": "pay",
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1544712661000000000,
        "kind": 2,
        "flags": 257,
        "attributes": [
          {"key": "amount", "value": {"doubleValue": 12.5}},
          {"key": "items", "value": {"intValue": "3"}},
          {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {}, {"intValue": 0}]}}},
          {"key": "raw", "value": {"bytesValue": "3q2+7w=="}},
          {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": ""}}]}}}
        ],
        "events": [{"timeUnixNano": "1544712660500000000", "name": "card.read"}],
        "links": [{"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175"}],
        "status": {"code": 2, "message": "declined"}
      }]
    }],
    "schemaUrl": "https://opentelemetry.io/schemas/1.30.0"
  }]
}"#;

#[test]
fn a_trace_is_read_into_what_it_says() {
    let protobuf = decode(&EXPORT_TRACE_SERVICE_REQUEST, TRACE.as_bytes()).unwrap();
    let request = ExportTraceServiceRequest::decode(protobuf.as_slice()).unwrap();
    let resource = &request.resource_spans[0];
    assert_eq!(resource.schema_url, "https://opentelemetry.io/schemas/1.30.0");
    assert_eq!(resource.resource.as_ref().unwrap().attributes[0].key, "service.name");
    let scope = resource.scope_spans[0].scope.as_ref().unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("cart", "1.2.3"));
    assert_eq!(scope.attributes[0].value.as_ref().unwrap().value, Some(Value::BoolValue(false)));
    let span = &resource.scope_spans[0].spans[0];
    assert_eq!(span.trace_id, 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c_u128.to_be_bytes());
    assert_eq!(span.span_id, 0xeee1_9b7e_c3c1_b174_u64.to_be_bytes());
    assert_eq!(span.parent_span_id, 0xeee1_9b7e_c3c1_b173_u64.to_be_bytes());
    assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_000);
    assert_eq!(span.end_time_unix_nano, 1_544_712_661_000_000_000);
    assert_eq!((span.kind, span.flags), (2, 257));
    let values: Vec<_> =
        span.attributes.iter().map(|pair| pair.value.clone().unwrap().value.unwrap()).collect();
    assert_eq!(values[..2], [Value::DoubleValue(12.5), Value::IntValue(3)]);
    let Value::ArrayValue(array) = &values[2] else { panic!("{values:?}") };
    let elements: Vec<_> = array.values.iter().map(|element| element.value.clone()).collect();
    assert_eq!(elements, [Some(Value::StringValue("a".to_owned())), None, Some(Value::IntValue(0))]);
    assert_eq!(values[3], Value::BytesValue(vec![0xde, 0xad, 0xbe, 0xef]));
    let Value::KvlistValue(map) = &values[4] else { panic!("{values:?}") };
    assert_eq!(map.values[0].value.as_ref().unwrap().value, Some(Value::StringValue(String::new())));
    assert_eq!(span.events[0].name, "card.read");
    assert_eq!(span.links[0].span_id, 0xeee1_9b7e_c3c1_b175_u64.to_be_bytes());
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "declined"));
}

#[test]
fn a_trace_is_written_as_the_specification_says() {
    let protobuf = decode(&EXPORT_TRACE_SERVICE_REQUEST, TRACE.as_bytes()).unwrap();
    let mut json = Vec::new();
    encode(&EXPORT_TRACE_SERVICE_REQUEST, &protobuf, &mut json).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(TRACE).unwrap();
    let span = &mut expected["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    span["traceId"] = "5b8efff798038103d269b633813fc60c".into();
    span["spanId"] = "eee19b7ec3c1b174".into();
    span["parentSpanId"] = "eee19b7ec3c1b173".into();
    span["endTimeUnixNano"] = "1544712661000000000".into();
    span["attributes"][2]["value"]["arrayValue"]["values"][2]["intValue"] = "0".into();
    assert_eq!(written, expected);
}

#[test]
fn metrics_keep_the_presence_of_their_values() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"g","gauge":{"dataPoints":[{"asInt":"0"},{"asDouble":0},{"flags":1}]}},
        {"name":"h","histogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","dataPoints":[
            {"count":"2","sum":0,"bucketCounts":["1",1,0],"explicitBounds":[0,10.5],"max":"Infinity"}]}}
    ]}]}]}"#;
    let protobuf = decode(&EXPORT_METRICS_SERVICE_REQUEST, json.as_bytes()).unwrap();
    let request = ExportMetricsServiceRequest::decode(protobuf.as_slice()).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let Some(metric::Data::Gauge(gauge)) = &metrics[0].data else { panic!("{metrics:?}") };
    assert_eq!(gauge.data_points[0].value, Some(number_data_point::Value::AsInt(0)));
    assert_eq!(gauge.data_points[1].value, Some(number_data_point::Value::AsDouble(0.0)));
    assert_eq!(gauge.data_points[2].value, None);
    let Some(metric::Data::Histogram(histogram)) = &metrics[1].data else { panic!("{metrics:?}") };
    assert_eq!(histogram.aggregation_temporality, 1);
    let point = &histogram.data_points[0];
    assert_eq!((point.sum, point.min, point.max), (Some(0.0), None, Some(f64::INFINITY)));
    assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[1, 1, 0][..], &[0.0, 10.5][..]));

    let mut written = Vec::new();
    encode(&EXPORT_METRICS_SERVICE_REQUEST, &protobuf, &mut written).unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        concat!(
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asInt":"0"},{"asDouble":0},{"flags":1}]}},"#,
            r#"{"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"2","sum":0,"bucketCounts":["1","1","0"],"#,
            r#""explicitBounds":[0,10.5],"max":"Infinity"}]}}]}]}]}"#
        )
    );
}
