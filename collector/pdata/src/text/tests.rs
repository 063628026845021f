//! The layouts, on requests written in JSON.

#![expect(clippy::needless_raw_string_hashes, reason = "the form in which expect-test writes them")]

use expect_test::{Expect, expect};

use super::go::{Fixed, General, Id, Shortest, Timestamp};
use crate::{LOGS, METRICS, Signal, TRACES, json};

#[track_caller]
fn normal(signal: Signal, request: &str, expected: &Expect) {
    let protobuf = json::decode(signal.request, request.as_bytes()).unwrap();
    expected.assert_eq(&(signal.text.normal)(&protobuf).unwrap());
}

#[track_caller]
fn detailed(signal: Signal, request: &str, expected: &Expect) {
    let protobuf = json::decode(signal.request, request.as_bytes()).unwrap();
    expected.assert_eq(&(signal.text.detailed)(&protobuf).unwrap());
}

const SPANS: &str = r#"{"resourceSpans":[
  {"schemaUrl":"https://schema/1","resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],
    "entityRefs":[{"type":"service","schemaUrl":"https://schema/2","idKeys":["service.name"],"descriptionKeys":["service.version"]},{"type":"host"}]},
   "scopeSpans":[
    {"scope":{"name":"cart","version":"1.2","attributes":[{"key":"beta","value":{"boolValue":true}}]},"schemaUrl":"https://schema/3","spans":[
      {"traceId":"00112233445566778899aabbccddeeff","spanId":"0011223344556677","parentSpanId":"8899aabbccddeeff","name":"pay",
       "kind":2,"traceState":"a=b","startTimeUnixNano":"1581452772000000321","endTimeUnixNano":"1581452773000000000",
       "attributes":[{"key":"amount","value":{"doubleValue":12.5}},{"key":"empty","value":{}}],
       "droppedAttributesCount":1,"status":{"code":2,"message":"declined"},
       "events":[{"name":"read","timeUnixNano":"1","droppedAttributesCount":2,"attributes":[{"key":"n","value":{"intValue":"3"}}]},{}],
       "links":[{"traceId":"00000000000000000000000000000000","spanId":"0011223344556677","traceState":"c=d","attributes":[{"key":"l","value":{"stringValue":"v"}}]}]},
      {"name":"idle","kind":99,"status":{"code":-1}}]},
    {}]},
  {}]}"#;

#[test]
fn spans_are_a_line_each() {
    normal(
        TRACES,
        SPANS,
        &expect![[r#"
        ResourceTraces #0 [https://schema/1] service.name=shop
        ScopeTraces #0 cart@1.2 [https://schema/3] beta=true
        pay 00112233445566778899aabbccddeeff 0011223344556677 amount=12.5 empty=
        idle  
        ScopeTraces #1
        ResourceTraces #1
    "#]],
    );
}

#[test]
fn spans_are_shown_in_every_detail() {
    detailed(
        TRACES,
        SPANS,
        &expect![[r#"
        ResourceSpans #0
        Resource SchemaURL: https://schema/1
        Resource attributes:
             -> service.name: Str(shop)
        Resource entity refs:
             -> Entity ref #0:
                  -> Type: service
                  -> Schema URL: https://schema/2
                  -> ID keys:
                       -> service.name
                  -> Description keys:
                       -> service.version
             -> Entity ref #1:
                  -> Type: host
        ScopeSpans #0
        ScopeSpans SchemaURL: https://schema/3
        InstrumentationScope cart 1.2
        InstrumentationScope attributes:
             -> beta: Bool(true)
        Span #0
            Trace ID       : 00112233445566778899aabbccddeeff
            Parent ID      : 8899aabbccddeeff
            ID             : 0011223344556677
            Name           : pay
            Kind           : Server
            TraceState     : a=b
            Start time     : 2020-02-11 20:26:12.000000321 +0000 UTC
            End time       : 2020-02-11 20:26:13 +0000 UTC
            Status code    : Error
            Status message : declined
            DroppedAttributesCount: 1
            DroppedEventsCount: 0
            DroppedLinksCount: 0
        Attributes:
             -> amount: Double(12.5)
             -> empty: Empty()
        Events:
        SpanEvent #0
             -> Name: read
             -> Timestamp: 1970-01-01 00:00:00.000000001 +0000 UTC
             -> DroppedAttributesCount: 2
             -> Attributes::
                  -> n: Int(3)
        SpanEvent #1
             -> Name: 
             -> Timestamp: 1970-01-01 00:00:00 +0000 UTC
             -> DroppedAttributesCount: 0
        Links:
        SpanLink #0
             -> Trace ID: 
             -> ID: 0011223344556677
             -> TraceState: c=d
             -> DroppedAttributesCount: 0
             -> Attributes::
                  -> l: Str(v)
        Span #1
            Trace ID       : 
            Parent ID      : 
            ID             : 
            Name           : idle
            Kind           : 
            Start time     : 1970-01-01 00:00:00 +0000 UTC
            End time       : 1970-01-01 00:00:00 +0000 UTC
            Status code    : 
            Status message : 
            DroppedAttributesCount: 0
            DroppedEventsCount: 0
            DroppedLinksCount: 0
        ScopeSpans #1
        ScopeSpans SchemaURL: 
        InstrumentationScope  
        ResourceSpans #1
        Resource SchemaURL: 
    "#]],
    );
}

const METRIC_LIST: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"r","value":{"intValue":1}}]},"scopeMetrics":[{"scope":{"name":"m"},"metrics":[
  {"name":"gauge","description":"d","unit":"1","metadata":[{"key":"meta","value":{"stringValue":"x"}}],"gauge":{"dataPoints":[
    {"attributes":[{"key":"a","value":{"stringValue":"1"}},{"key":"b","value":{"stringValue":"2"}}],"timeUnixNano":"1581452773000000789","asInt":"-5"},
    {"asDouble":1.25,"exemplars":[{"traceId":"00112233445566778899aabbccddeeff","spanId":"0011223344556677","timeUnixNano":"5","asInt":"15","filteredAttributes":[{"key":"f","value":{"stringValue":"g"}}]},{"asDouble":0.5}]},
    {"flags":1}]}},
  {"name":"sum","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"asDouble":1e7}]}},
  {"name":"hist","histogram":{"aggregationTemporality":1,"dataPoints":[
    {"count":"7","sum":15.5,"min":0,"max":"Infinity","explicitBounds":[0.5,1e-5],"bucketCounts":["1","2","4"]},{"count":1}]}},
  {"name":"exp","exponentialHistogram":{"aggregationTemporality":7,"dataPoints":[
    {"count":"5","sum":0.25,"scale":0,"zeroCount":"1","negative":{"offset":0,"bucketCounts":["1","2"]},"positive":{"offset":-1,"bucketCounts":["3","4"]}}]}},
  {"name":"summary","summary":{"dataPoints":[{"count":"2","sum":30,"quantileValues":[{"quantile":0.5,"value":15},{"quantile":0.99,"value":20.25}]}]}},
  {"name":"nothing"}]}]}]}"#;

#[test]
fn data_points_are_a_line_each() {
    normal(
        METRICS,
        METRIC_LIST,
        &expect![[r#"
        ResourceMetrics #0 r=1
        ScopeMetrics #0 m
        gauge{a=1,b=2} -5
        gauge{} 1.25
        gauge{} 
        sum{} 1e+07
        hist{} count=7 sum=15.5 min=0 max=+Inf le0.5=1 le1e-05=2 4
        hist{} count=1
        exp{} count=5 sum=0.25 le-2=2 le-1=1 zero=1 le1=3 le2=4
        summary{} count=2 sum=30.000000 q0.5=15 q0.99=20.25
    "#]],
    );
}

#[test]
fn metrics_are_shown_in_every_detail() {
    detailed(
        METRICS,
        METRIC_LIST,
        &expect![[r#"
        ResourceMetrics #0
        Resource SchemaURL: 
        Resource attributes:
             -> r: Int(1)
        ScopeMetrics #0
        ScopeMetrics SchemaURL: 
        InstrumentationScope m 
        Metric #0
        Descriptor:
             -> Name: gauge
             -> Description: d
             -> Unit: 1
             -> DataType: Gauge
             -> Metadata:
                  -> meta: Str(x)
        NumberDataPoints #0
        Data point attributes:
             -> a: Str(1)
             -> b: Str(2)
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 2020-02-11 20:26:13.000000789 +0000 UTC
        Value: -5
        NumberDataPoints #1
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Value: 1.250000
        Exemplars:
        Exemplar #0
             -> Trace ID: 00112233445566778899aabbccddeeff
             -> Span ID: 0011223344556677
             -> Timestamp: 1970-01-01 00:00:00.000000005 +0000 UTC
             -> Value: 15
             -> FilteredAttributes:
                  -> f: Str(g)
        Exemplar #1
             -> Trace ID: 
             -> Span ID: 
             -> Timestamp: 1970-01-01 00:00:00 +0000 UTC
             -> Value: 0.500000
        NumberDataPoints #2
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Metric #1
        Descriptor:
             -> Name: sum
             -> Description: 
             -> Unit: 
             -> DataType: Sum
             -> IsMonotonic: true
             -> AggregationTemporality: Cumulative
        NumberDataPoints #0
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Value: 10000000.000000
        Metric #2
        Descriptor:
             -> Name: hist
             -> Description: 
             -> Unit: 
             -> DataType: Histogram
             -> AggregationTemporality: Delta
        HistogramDataPoints #0
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Count: 7
        Sum: 15.500000
        Min: 0.000000
        Max: +Inf
        ExplicitBounds #0: 0.500000
        ExplicitBounds #1: 0.000010
        Buckets #0, Count: 1
        Buckets #1, Count: 2
        Buckets #2, Count: 4
        HistogramDataPoints #1
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Count: 1
        Metric #3
        Descriptor:
             -> Name: exp
             -> Description: 
             -> Unit: 
             -> DataType: ExponentialHistogram
             -> AggregationTemporality: 
        ExponentialHistogramDataPoints #0
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Count: 5
        Sum: 0.250000
        Bucket [-4.000000, -2.000000), Count: 2
        Bucket [-2.000000, -1.000000), Count: 1
        Bucket [0, 0], Count: 1
        Bucket (0.500000, 1.000000], Count: 3
        Bucket (1.000000, 2.000000], Count: 4
        Metric #4
        Descriptor:
             -> Name: summary
             -> Description: 
             -> Unit: 
             -> DataType: Summary
        SummaryDataPoints #0
        StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
        Timestamp: 1970-01-01 00:00:00 +0000 UTC
        Count: 2
        Sum: 30.000000
        QuantileValue #0: Quantile 0.500000, Value 15.000000
        QuantileValue #1: Quantile 0.990000, Value 20.250000
        Metric #5
        Descriptor:
             -> Name: nothing
             -> Description: 
             -> Unit: 
             -> DataType: Empty
    "#]],
    );
}

const RECORDS: &str = r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"logRecords":[
  {"timeUnixNano":"1581452773000000789","observedTimeUnixNano":"1581452773000000000","severityNumber":10,"severityText":"INFO","eventName":"e",
   "body":{"kvlistValue":{"values":[
     {"key":"z","value":{"stringValue":"<\"&\u2028>"}},{"key":"a","value":{"arrayValue":{"values":[{"intValue":1},{},{"doubleValue":1e21},{"boolValue":false},{"bytesValue":"AAE="},{"doubleValue":"NaN"}]}}},
     {"key":"z","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"last"}}]}}}]}},
   "attributes":[{"key":"bytes","value":{"bytesValue":"3q2+7w=="}},{"key":"small","value":{"doubleValue":1e-7}},{"key":"index","value":{"stringValueStrindex":4}}],
   "traceId":"00112233445566778899aabbccddeeff","spanId":"0011223344556677","flags":1},
  {"severityNumber":24,"body":{"stringValue":"plain"}},
  {"severityNumber":99,"attributes":[{"key":"k"}]}]}]}]}"#;

#[test]
fn log_records_are_a_line_each() {
    normal(
        LOGS,
        RECORDS,
        &expect![[r#"
            ResourceLog #0
            ScopeLog #0
            {"a":[1,null,1e+21,false,"AAE=","NaN"],"z":{"k":"last"}} bytes=3q2+7w== small=1e-7 index=
            plain 
             k=
        "#]],
    );
}

#[test]
fn log_records_are_shown_in_every_detail() {
    detailed(
        LOGS,
        RECORDS,
        &expect![[r#"
            ResourceLog #0
            Resource SchemaURL: 
            ScopeLogs #0
            ScopeLogs SchemaURL: 
            InstrumentationScope  
            LogRecord #0
            ObservedTimestamp: 2020-02-11 20:26:13 +0000 UTC
            Timestamp: 2020-02-11 20:26:13.000000789 +0000 UTC
            SeverityText: INFO
            SeverityNumber: Info2(10)
            EventName: e
            Body: Map({"a":[1,null,1e+21,false,"AAE=","NaN"],"z":{"k":"last"}})
            Attributes:
                 -> bytes: Bytes(3q2+7w==)
                 -> small: Double(1e-7)
                 -> index: Empty()
            Trace ID: 00112233445566778899aabbccddeeff
            Span ID: 0011223344556677
            Flags: 1
            LogRecord #1
            ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC
            Timestamp: 1970-01-01 00:00:00 +0000 UTC
            SeverityText: 
            SeverityNumber: Fatal4(24)
            Body: Str(plain)
            Trace ID: 
            Span ID: 
            Flags: 0
            LogRecord #2
            ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC
            Timestamp: 1970-01-01 00:00:00 +0000 UTC
            SeverityText: 
            SeverityNumber: (99)
            Body: Empty()
            Attributes:
                 -> k: Empty()
            Trace ID: 
            Span ID: 
            Flags: 0
        "#]],
    );
}

#[test]
fn what_a_request_holds_is_counted_along_a_path() {
    let protobuf = json::decode(METRICS.request, METRIC_LIST.as_bytes()).unwrap();
    let counts: Vec<_> = METRICS.text.counts.iter().map(|count| (count.name, count.of(&protobuf))).collect();
    assert_eq!(counts, [("resource metrics", 1), ("metrics", 6)]);
    assert_eq!(TRACES.text.counts[0].of(&[]), 0);
}

#[test]
fn text_that_is_not_utf_8_is_shown_repaired() {
    let mut protobuf = json::decode(LOGS.request, br#"{"resourceLogs":[{"schemaUrl":"abc"}]}"#).unwrap();
    let at = protobuf.iter().position(|&byte| byte == b'b').unwrap();
    protobuf[at] = 0xff;
    assert_eq!((LOGS.text.normal)(&protobuf).unwrap(), "ResourceLog #0 [a?c]\n");
    assert!((LOGS.text.normal)(&[0x0a, 0x05]).is_err());
}

#[test]
fn numbers_are_printed_as_go_does() {
    let general = |value| General(value).to_string();
    assert_eq!(
        [0.0, -0.0, 1.0, 0.0001, 0.00001, 123_456.7, 999_999.0, 1e6, 1.5e21, -2.5e-10, 1e100, 5e-324]
            .map(general),
        [
            "0", "-0", "1", "0.0001", "1e-05", "123456.7", "999999", "1e+06", "1.5e+21", "-2.5e-10",
            "1e+100", "5e-324"
        ]
    );
    assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(general), ["NaN", "+Inf", "-Inf"]);
    let fixed = |value| Fixed(value).to_string();
    assert_eq!(
        [15.0, -0.710_000_4, 1e21].map(fixed),
        ["15.000000", "-0.710000", "1000000000000000000000.000000"]
    );
    assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(fixed), ["NaN", "+Inf", "-Inf"]);
    let shortest = |value| Shortest(value).to_string();
    assert_eq!(
        [1e6, 1e20, 1e21, 1e-6, 1e-7, -1.5e-10].map(shortest),
        ["1000000", "100000000000000000000", "1e+21", "0.000001", "1e-7", "-1.5e-10"]
    );
    assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(shortest), ["NaN", "Infinity", "-Infinity"]);
}

#[test]
fn times_are_printed_as_go_does() {
    let time = |nanos| Timestamp(nanos).to_string();
    assert_eq!(time(0), "1970-01-01 00:00:00 +0000 UTC");
    assert_eq!(time(1_581_452_772_000_000_321), "2020-02-11 20:26:12.000000321 +0000 UTC");
    assert_eq!(time(1_709_164_800_500_000_000), "2024-02-29 00:00:00.5 +0000 UTC");
    assert_eq!(time(u64::MAX), "1969-12-31 23:59:59.999999999 +0000 UTC");
    assert_eq!(time(i64::MAX as u64), "2262-04-11 23:47:16.854775807 +0000 UTC");
}

#[test]
fn an_id_of_zeros_is_empty() {
    assert_eq!(Id(&[0, 0]).to_string(), "");
    assert_eq!(Id(&[0, 0xab]).to_string(), "00ab");
}
