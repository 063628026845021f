//! The collector's own log lines, as somebody sees them whom it sends them to.

use std::collections::BTreeSet;
use std::net::TcpListener;

use etalon_pdata::proto::collector::logs::v1::ExportLogsServiceRequest;
use etalon_pdata::proto::common::v1::KeyValue;
use etalon_pdata::proto::common::v1::any_value::Value;
use etalon_pdata::proto::logs::v1::LogRecord;
use etalon_tests::{Etalon, GrpcPeer, HttpPeer, HttpReply, eventually, logs, post, run};
use prost::Message as _;

use crate::forwarding_to;
use crate::own_spans::findings;

fn records(request: &[u8]) -> Vec<LogRecord> {
    let request = ExportLogsServiceRequest::decode(request).expect("a request");
    let [of_resource] = &request.resource_logs[..] else { panic!("one resource") };
    let keys: Vec<&str> = of_resource.resource.iter().flat_map(|it| keys(&it.attributes)).collect();
    assert_eq!(keys, ["service.instance.id", "service.name", "service.version"]);
    of_resource.scope_logs.iter().flat_map(|of_scope| of_scope.log_records.clone()).collect()
}

fn keys(attributes: &[KeyValue]) -> Vec<&str> {
    attributes.iter().map(|attribute| attribute.key.as_str()).collect()
}

fn text(value: &Value) -> &str {
    match value {
        Value::StringValue(text) => text,
        other => panic!("{other:?}"),
    }
}

fn body(record: &LogRecord) -> &str {
    text(record.body.as_ref().and_then(|body| body.value.as_ref()).expect("a body"))
}

fn attribute<'a>(record: &'a LogRecord, key: &str) -> Option<&'a Value> {
    let attribute = record.attributes.iter().find(|attribute| attribute.key == key)?;
    attribute.value.as_ref()?.value.as_ref()
}

fn telemetry(exporter: &str, more: &str) -> String {
    format!("  telemetry: {{logs: {{processors: [{{simple: {{exporter: {exporter}}}}}]{more}}}}}\n")
}

#[test]
fn the_lines_of_the_log_are_sent_with_their_fields_from_the_start_to_the_end() {
    let own = HttpPeer::start();
    let otlp = format!("{{otlp: {{protocol: http/protobuf, endpoint: '{}'}}}}", own.endpoint());
    let configuration =
        forwarding_to("  nop: {}\n", "nop") + &telemetry(&otlp, ", initial_fields: {site: north}");
    let ended = Etalon::start(&configuration).stop();
    let all: Vec<LogRecord> = own.arrived().iter().flat_map(|arrived| records(&arrived.plain())).collect();
    assert!(own.arrived().iter().all(|arrived| arrived.target == "/v1/logs"));
    let listening = all.iter().find(|record| body(record) == "Starting GRPC server").expect("it is sent");
    assert_eq!((listening.severity_number, listening.severity_text.as_str()), (9, "info"));
    let of = |key| attribute(listening, key).map(text);
    assert_eq!(of("otelcol.component.id"), Some("otlp"));
    assert!(of("endpoint").is_some_and(|endpoint| endpoint.starts_with("127.0.0.1:")), "{listening:?}");
    assert_eq!((of("site"), of("resource")), (Some("north"), None));
    assert!(listening.time_unix_nano > 0);
    // What is sent is written, too.
    for record in &all {
        assert!(ended.stderr.contains(body(record)), "{}", body(record));
    }
    assert!(all.iter().any(|record| body(record).starts_with("Received signal")), "the end is told");
}

#[test]
fn each_line_that_is_sent_is_an_event_of_the_contract() {
    let own = HttpPeer::start();
    let otlp = format!("{{otlp: {{protocol: http/protobuf, endpoint: '{}'}}}}", own.endpoint());
    Etalon::start(&(forwarding_to("  nop: {}\n", "nop") + &telemetry(&otlp, ""))).stop();
    let requests: Vec<_> = own.arrived().iter().map(etalon_tests::Arrived::plain).collect();
    let names: BTreeSet<_> =
        requests.iter().flat_map(|request| records(request)).map(|it| it.event_name).collect();
    assert!(names.contains("receiver.listening") && names.contains("service.ready"), "{names:?}");
    for request in &requests {
        assert_eq!(findings(request), [""; 0], "{:#?}", records(request));
    }
}

#[test]
fn a_line_names_the_span_that_it_is_about_when_spans_are_sent() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    destination.always(HttpReply::status(400, &[], b""));
    let otlp = format!("{{otlp: {{protocol: http/protobuf, endpoint: '{}'}}}}", own.endpoint());
    let processors = format!("processors: [{{simple: {{exporter: {otlp}}}}}]");
    let exporter = format!("  otlp_http: {{endpoint: '{}'}}\n", destination.endpoint());
    let configuration = forwarding_to(&exporter, "otlp_http")
        + &format!("  telemetry: {{logs: {{{processors}}}, traces: {{{processors}}}}}\n");
    let etalon = Etalon::start(&configuration);
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", &logs(0..3)).status, 200);
    let dropping = eventually("the line", || {
        let arrived = own.arrived().into_iter().filter(|arrived| arrived.target == "/v1/logs");
        let mut all = arrived.flat_map(|arrived| records(&arrived.plain()));
        all.find(|record| body(record).starts_with("Exporting failed. Dropping data."))
    });
    assert_eq!((dropping.trace_id.len(), dropping.span_id.len(), dropping.flags), (16, 8, 1));
    assert_eq!(attribute(&dropping, "dropped_items"), Some(&Value::IntValue(3)));
    let span = format!("{:02x?}", dropping.span_id);
    let name = eventually("its span", || {
        use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
        let arrived = own.arrived().into_iter().filter(|arrived| arrived.target == "/v1/traces");
        let requests =
            arrived.map(|arrived| ExportTraceServiceRequest::decode(&*arrived.plain()).expect("spans"));
        let mut spans = requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|of_resource| of_resource.scope_spans)
            .flat_map(|of_scope| of_scope.spans);
        spans.find(|known| format!("{:02x?}", known.span_id) == span).map(|span| span.name)
    });
    assert_eq!(name, "exporter/otlp_http/logs");
}

/// What is sent, over gRPC, by a start that fails because the port of the metrics is taken.
fn sent_with(level: &str) -> Vec<LogRecord> {
    let (own, taken) = (GrpcPeer::start(), TcpListener::bind(("127.0.0.1", 0)).expect("a port"));
    let otlp = format!("{{otlp: {{protocol: grpc, endpoint: '{}', insecure: true}}}}", own.endpoint());
    let configuration = forwarding_to("  nop: {}\n", "nop") + &telemetry(&otlp, &format!(", level: {level}"));
    let port = taken.local_addr().expect("it is bound").port();
    let reader = format!(
        "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}}}}}}}}}]"
    );
    let ended = run(&["--config", &format!("yaml:{configuration}"), "--set", &reader]);
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    assert!(own.arrived().iter().all(|called| called.path == path));
    own.arrived().iter().flat_map(|called| records(&called.body[5..])).collect()
}

#[test]
fn only_what_the_level_lets_pass_is_sent() {
    let severities = |level: &str| {
        let sent = sent_with(level);
        sent.iter().map(|record| record.severity_text.clone()).collect::<BTreeSet<_>>()
    };
    assert!(severities("info").contains("info"));
    // What the libraries of the network tell of each frame is not sent at any level.
    assert!(!severities("debug").contains("debug"));
    assert!(!severities("warn").contains("info"));
}
