//! The collector's own spans, as somebody sees them whom it sends them to.

use std::collections::BTreeMap;

use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use etalon_pdata::proto::common::v1::any_value::Value;
use etalon_pdata::proto::trace::v1::Span;
use etalon_pdata::proto::trace::v1::span::SpanKind;
use etalon_telemetry_schema::check::{Against, Input};
use etalon_telemetry_schema::{Contract, Level};
use etalon_tests::{
    Etalon, GrpcPeer, GrpcReply, Http2Front, HttpPeer, HttpReply, eventually, free_port, logs, post, request,
};
use prost::Message as _;

use crate::forwarding_to;

/// A `traceparent`, its trace and its span.
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const LOGS_METHOD: &str = "opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// `service.telemetry.traces` that sends to `peer` at once, with more keys.
fn traces(peer: &HttpPeer, more: &str) -> String {
    let exporter = format!("{{otlp: {{protocol: http/protobuf, endpoint: '{}'}}}}", peer.endpoint());
    format!("  telemetry: {{traces: {{processors: [{{simple: {{exporter: {exporter}}}}}]{more}}}}}\n")
}

/// A collector that forwards by this exporter, in YAML of one line, and sends its own spans as `traces` says.
fn start(exporter: &str, traces: &str) -> Etalon {
    let named = exporter.split(':').next().unwrap_or_default();
    Etalon::start(&(forwarding_to(&format!("  {exporter}\n"), named) + traces))
}

fn otlp_http(peer: &HttpPeer, more: &str) -> String {
    format!("otlp_http: {{endpoint: '{}', compression: none{more}}}", peer.endpoint())
}

fn sent(etalon: &Etalon, headers: &[(&str, &str)]) -> u16 {
    let body = logs(0..3);
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let length = body.len();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    request(etalon.http(), &head, &body).expect("an answer").status
}

/// All spans that have arrived.
fn spans(peer: &HttpPeer) -> Vec<Span> {
    let requests = peer.arrived().into_iter().filter(|arrived| arrived.target == "/v1/traces");
    requests.flat_map(|arrived| decoded(&arrived.plain())).collect()
}

fn decoded(request: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(request).expect("a request");
    let scopes = request.resource_spans.into_iter().flat_map(|of_resource| of_resource.scope_spans);
    scopes
        .flat_map(|of_scope| {
            assert_eq!(of_scope.scope.expect("a scope").name, "etalon");
            of_scope.spans
        })
        .collect()
}

/// Waits for so many, and returns them by kind.
fn wait_for(peer: &HttpPeer, count: usize) -> Vec<Span> {
    eventually("spans", || {
        let spans = spans(peer);
        (spans.len() >= count).then_some(spans)
    })
}

fn of_kind(spans: &[Span], kind: SpanKind) -> &Span {
    spans.iter().find(|span| span.kind() == kind).unwrap_or_else(|| panic!("no {kind:?} in {spans:#?}"))
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let pair = |attribute: &etalon_pdata::proto::common::v1::KeyValue| {
        attribute.value.as_ref().and_then(|value| value.value.as_ref()).map(text).unwrap_or_default()
    };
    span.attributes.iter().map(|attribute| (attribute.key.as_str(), pair(attribute))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn error(span: &Span) -> Option<String> {
    let status = span.status.as_ref()?;
    assert_eq!(status.code, 2);
    Some(status.message.clone())
}

/// What the contract says of a request with own telemetry; nothing when all is as it declares.
pub(crate) fn findings(request: &[u8]) -> Vec<String> {
    let contract = include_str!("../../../telemetry-schema/resolved/current.json");
    let contract = Contract::from_json(contract).expect("the contract");
    let against = Against {
        contract: &contract,
        exposition: &contract.expositions[0],
        or_closest: false,
        level: Level::Detailed,
        temporality: None,
        fields: &[],
    };
    let report = Input::open(request, None).expect("a request").check(&against).expect("it can be read");
    report.findings.iter().map(|finding| format!("{finding:?}")).collect()
}

#[test]
fn a_request_over_http_is_told_from_its_sender_to_its_destination() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    let etalon = start(&otlp_http(&destination, ""), &traces(&own, ", propagators: [tracecontext]"));
    assert_eq!(sent(&etalon, &[("traceparent", PARENT), ("tracestate", "a=1")]), 200);
    let spans = wait_for(&own, 3);
    let [server, client, internal] =
        [SpanKind::Server, SpanKind::Client, SpanKind::Internal].map(|kind| of_kind(&spans, kind));
    for span in &spans {
        assert_eq!((hex(&span.trace_id).as_str(), span.trace_state.as_str()), (TRACE, "a=1"));
        assert_eq!(error(span), None, "{span:?}");
        assert!(span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    assert_eq!(hex(&server.parent_span_id), SPAN);
    assert_eq!(internal.parent_span_id, server.span_id);
    assert_eq!(client.parent_span_id, internal.span_id);
    let names = [server, internal, client].map(|span| span.name.as_str());
    assert_eq!(names, ["POST /v1/logs", "exporter/otlp_http/logs", "POST"]);
    let of = attributes(server);
    assert_eq!((of["items.accepted"].as_str(), of["items.refused"].as_str()), ("3", "0"));
    assert_eq!((of["http.response.status_code"].as_str(), of["receiver"].as_str()), ("200", "otlp"));
    assert_eq!(attributes(internal)["items.sent"], "3");
    let port = destination.address().port().to_string();
    let of = attributes(client);
    assert_eq!((&*of["server.address"], &*of["server.port"]), ("127.0.0.1", &*port));
    let told = destination.arrived().remove(0);
    let expected = format!("00-{TRACE}-{}-01", hex(&client.span_id));
    assert_eq!(told.header("traceparent"), Some(&*expected));
    assert_eq!(told.header("tracestate"), Some("a=1"));
    for arrived in own.arrived() {
        assert_eq!(findings(&arrived.plain()), [""; 0], "{:#?}", decoded(&arrived.plain()));
    }
}

#[test]
fn a_request_over_grpc_is_told_and_so_is_each_attempt_that_failed() {
    let (own, first) = (HttpPeer::start(), HttpPeer::start());
    let destination = GrpcPeer::start();
    destination.script([GrpcReply::status(14)]);
    let port = free_port();
    let retry = "{initial_interval: 1ms, randomization_factor: 0}";
    let exporter = format!(
        "otlp_grpc: {{endpoint: '{}', tls: {{insecure: true}}, retry_on_failure: {retry}}}",
        destination.endpoint()
    );
    let configuration = forwarding_to(&format!("  {exporter}\n"), "otlp_grpc").replacen(
        "127.0.0.1:0",
        &format!("127.0.0.1:{port}"),
        1,
    ) + &traces(&own, ", propagators: [tracecontext]");
    let etalon = Etalon::start(&configuration);
    // Another collector is the sender that speaks gRPC.
    let sender = format!("otlp_grpc: {{endpoint: '127.0.0.1:{port}', tls: {{insecure: true}}}}");
    let sender = start(&sender, &traces(&first, ", propagators: [tracecontext]"));
    assert_eq!(sent(&sender, &[]), 200);
    let (sent, spans) = (wait_for(&first, 3), wait_for(&own, 4));
    let server = of_kind(&spans, SpanKind::Server);
    assert_eq!(server.name, LOGS_METHOD);
    assert_eq!(server.parent_span_id, of_kind(&sent, SpanKind::Client).span_id);
    let of = attributes(server);
    assert_eq!((&*of["rpc.system.name"], &*of["rpc.response.status_code"]), ("grpc", "OK"));
    assert_eq!(error(of_kind(&spans, SpanKind::Internal)), None);
    let attempts: Vec<&Span> = spans.iter().filter(|span| span.kind() == SpanKind::Client).collect();
    let [failed, delivered] = attempts[..] else { panic!("{attempts:#?}") };
    assert!(error(failed).is_some_and(|message| message.ends_with("as told")), "{failed:?}");
    let of = attributes(failed);
    assert_eq!((&*of["rpc.response.status_code"], &*of["error.type"]), ("UNAVAILABLE", "UNAVAILABLE"));
    assert_eq!((error(delivered), attributes(delivered).get("error.type")), (None, None));
    let told: Vec<_> =
        destination.arrived().iter().map(|called| called.headers["traceparent"].clone()).collect();
    let expected =
        attempts.iter().map(|span| format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)));
    assert_eq!(told, expected.collect::<Vec<_>>());
    drop(etalon);
    for arrived in own.arrived().into_iter().chain(first.arrived()) {
        assert_eq!(findings(&arrived.plain()), [""; 0], "{:#?}", decoded(&arrived.plain()));
    }
}

#[test]
fn what_fails_has_an_error_for_its_status_and_what_is_the_senders_fault_has_not() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    destination.always(HttpReply::status(503, &["Retry-After: 0"], b""));
    let once = ", sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";
    let etalon = start(&otlp_http(&destination, once), &traces(&own, ""));
    assert_eq!(sent(&etalon, &[]), 503);
    let spans = wait_for(&own, 3);
    for (kind, reason) in
        [(SpanKind::Server, "503"), (SpanKind::Internal, "UNAVAILABLE"), (SpanKind::Client, "503")]
    {
        let span = of_kind(&spans, kind);
        assert!(error(span).is_some_and(|message| message.contains("503")), "{span:?}");
        assert_eq!(attributes(span)["error.type"], reason, "{span:?}");
    }
    assert_eq!(attributes(of_kind(&spans, SpanKind::Server))["items.refused"], "3");
    assert_eq!(attributes(of_kind(&spans, SpanKind::Internal))["items.failed"], "3");

    let seen = own.arrived().len();
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", b"{no json").status, 400);
    own.wait_for(seen + 1);
    let refused = decoded(&own.arrived()[seen].plain()).remove(0);
    let of = attributes(&refused);
    assert_eq!((error(&refused), of["http.response.status_code"].as_str()), (None, "400"));
    for arrived in own.arrived() {
        assert_eq!(findings(&arrived.plain()), [""; 0], "{:#?}", decoded(&arrived.plain()));
    }
}

#[test]
fn an_attempt_that_gets_no_answer_in_time_is_told_as_such() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    destination.always(HttpReply::Silence);
    let once = ", timeout: 50ms, retry_on_failure: {enabled: false}";
    let etalon = start(&otlp_http(&destination, once), &traces(&own, ""));
    assert_eq!(sent(&etalon, &[]), 200);
    let spans = wait_for(&own, 3);
    let of = attributes(of_kind(&spans, SpanKind::Client));
    assert_eq!((&*of["error.type"], of.get("http.response.status_code")), ("DEADLINE_EXCEEDED", None));
}

#[test]
fn the_sampler_decides_which_traces_are_sent() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    let exporter = otlp_http(&destination, "");
    for (sampler, parent, expected) in [
        ("always_off: {}", PARENT, None),
        ("trace_id_ratio_based: {ratio: 0}", PARENT, None),
        ("trace_id_ratio_based: {ratio: 1}", "", Some(1)),
        ("parent_based: {root: {always_off: {}}}", "", None),
        ("parent_based: {root: {always_off: {}}}", PARENT, Some(1)),
        ("parent_based: {}", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", None),
        // The first span is of the receiver, and only it has a parent elsewhere.
        ("parent_based: {local_parent_sampled: {always_off: {}}}", PARENT, Some(0)),
    ] {
        let keys = format!(", propagators: [tracecontext], sampler: {{{sampler}}}");
        let etalon = start(&exporter, &traces(&own, &keys));
        assert_eq!(sent(&etalon, &[("traceparent", parent)]), 200);
        destination.wait_for(1);
        let told = destination.take().remove(0);
        let sampled = told.header("traceparent").expect("it is told").ends_with("-01");
        assert_eq!(sampled, expected == Some(1), "{sampler}");
        // What waits is sent before the end.
        etalon.stop();
        let found = spans(&own).len();
        own.take();
        assert_eq!(found, expected.map_or(0, |all| if all == 1 { 3 } else { 1 }), "{sampler} {parent}");
    }
}

#[test]
fn spans_are_told_to_others_and_by_others_only_in_the_forms_that_are_configured() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    for (propagators, has_w3c, has_b3) in [
        ("", false, false),
        ("tracecontext", true, false),
        ("b3", false, true),
        ("tracecontext, b3", true, true),
    ] {
        let keys = format!(", propagators: [{propagators}]");
        let etalon = start(&otlp_http(&destination, ""), &traces(&own, &keys));
        let b3 = format!("{TRACE}-{SPAN}-1");
        let field = if has_b3 { ("b3", &*b3) } else { ("traceparent", PARENT) };
        assert_eq!(sent(&etalon, &[field]), 200);
        etalon.stop();
        let server = of_kind(&spans(&own), SpanKind::Server).clone();
        own.take();
        let is_known = hex(&server.parent_span_id) == SPAN;
        assert_eq!(is_known, has_w3c || has_b3, "{propagators}");
        let told = destination.take().remove(0);
        assert_eq!(told.header("traceparent").is_some(), has_w3c, "{propagators}");
        let b3 = told.header("x-b3-traceid");
        assert_eq!(b3, has_b3.then_some(TRACE), "{propagators}");
    }
}

#[test]
fn spans_are_sent_in_batches_compressed_and_with_headers_over_http() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    let otlp = format!(
        "{{protocol: http/protobuf, endpoint: '{}', compression: gzip, headers: [{{name: x-key, value: v}}]}}",
        own.endpoint()
    );
    let batch = format!("{{schedule_delay: 600000, max_export_batch_size: 3, exporter: {{otlp: {otlp}}}}}");
    let telemetry = format!("  telemetry: {{traces: {{processors: [{{batch: {batch}}}]}}}}\n");
    let etalon = start(&otlp_http(&destination, ""), &telemetry);
    assert_eq!(sent(&etalon, &[]), 200);
    own.wait_for(1);
    let arrived = own.arrived().remove(0);
    assert_eq!((arrived.header("x-key"), arrived.header("content-encoding")), (Some("v"), Some("gzip")));
    assert_eq!(decoded(&arrived.plain()).len(), 3);
    // Fewer than a batch wait for the delay, or for the end.
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", b"{no json").status, 400);
    assert_eq!(own.arrived().len(), 1);
    etalon.stop();
    assert_eq!(spans(&own).len(), 4);
}

#[test]
fn a_batch_is_sent_when_it_has_waited_for_long_enough() {
    let own = HttpPeer::start();
    let otlp = format!("{{protocol: http/protobuf, endpoint: '{}'}}", own.endpoint());
    let batch = format!("{{schedule_delay: 20, exporter: {{otlp: {otlp}}}}}");
    let telemetry = format!("  telemetry: {{traces: {{processors: [{{batch: {batch}}}]}}}}\n");
    let etalon = start(&otlp_http(&own, ""), &telemetry);
    assert_eq!(post(etalon.http(), "/v1/logs", "application/json", b"{no json").status, 400);
    wait_for(&own, 1);
}

#[test]
fn spans_are_sent_over_grpc_with_tls_or_told_to_be_lost_once_for_all() {
    let (own, destination) = (GrpcPeer::start(), HttpPeer::start());
    own.script([GrpcReply::status(3), GrpcReply::status(3), GrpcReply::status(3)]);
    let otlp = format!("{{protocol: grpc, endpoint: '{}', insecure: true}}", own.endpoint());
    let telemetry =
        format!("  telemetry: {{traces: {{processors: [{{simple: {{exporter: {{otlp: {otlp}}}}}}}]}}}}\n");
    let etalon = start(&otlp_http(&destination, ""), &telemetry);
    assert_eq!(sent(&etalon, &[]), 200);
    let lost = etalon.wait_for_line("Own telemetry is lost");
    assert_eq!((&lost["items"], &lost["data_type"]), (&1.into(), &"traces".into()), "{lost}");
    own.wait_for(3);
    assert_eq!(sent(&etalon, &[]), 200);
    let again = etalon.wait_for_line("Own telemetry arrives again");
    assert_eq!(again["items"], 3, "{again}");
    let told = etalon.lines().iter().filter(|line| line["msg"] == "Own telemetry is lost").count();
    assert_eq!(told, 1);
    let called = own.arrived().remove(0);
    assert_eq!(called.path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
}

#[test]
fn spans_are_sent_over_tls_to_whom_the_certificate_is_trusted() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    let front = Http2Front::start(own.address());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, front.certificate()).expect("a file");
    let otlp = |more: &str| {
        let otlp = format!("{{protocol: http/protobuf, endpoint: '{}'{more}}}", front.endpoint());
        format!(
            "  telemetry: {{traces: {{processors: [{{batch: {{schedule_delay: 1, export_timeout: 2000, exporter: {{otlp: {otlp}}}}}}}]}}}}\n"
        )
    };
    let trusting =
        start(&otlp_http(&destination, ""), &otlp(&format!(", certificate: '{}'", path.display())));
    assert_eq!(sent(&trusting, &[]), 200);
    wait_for(&own, 3);
    let doubtful = start(&otlp_http(&destination, ""), &otlp(""));
    assert_eq!(sent(&doubtful, &[]), 200);
    doubtful.wait_for_line("Own telemetry is lost");
    assert_eq!(spans(&own).len(), 3);
}

#[test]
fn what_finds_no_room_is_lost_and_told() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    own.always(HttpReply::Silence);
    let otlp = format!("{{protocol: http/protobuf, endpoint: '{}'}}", own.endpoint());
    let batch = format!(
        "{{schedule_delay: 1, max_queue_size: 1, max_export_batch_size: 1, export_timeout: 50, exporter: {{otlp: {otlp}}}}}"
    );
    let telemetry = format!("  telemetry: {{traces: {{processors: [{{batch: {batch}}}]}}}}\n");
    let etalon = start(&otlp_http(&destination, ""), &telemetry);
    for _ in 0..20 {
        assert_eq!(sent(&etalon, &[]), 200);
    }
    etalon.wait_for_line("Own telemetry is lost");
    let ended = etalon.stop();
    let line = ended.stderr.lines().find(|line| line.contains("Own telemetry was lost")).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["items"], 60, "all of them: {line}");
}

#[test]
fn without_a_processor_or_with_the_level_none_nothing_is_told_to_anybody() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    let off = "  telemetry: {traces: {propagators: [tracecontext], processors: []}}\n".to_owned();
    for telemetry in [off, traces(&own, ", level: none, propagators: [tracecontext]")] {
        let etalon = start(&otlp_http(&destination, ""), &telemetry);
        assert_eq!(sent(&etalon, &[("traceparent", PARENT)]), 200);
        etalon.stop();
        assert_eq!(destination.take().remove(0).header("traceparent"), None);
        assert_eq!(own.arrived().len(), 0);
    }
}

#[test]
fn limits_cut_what_is_told_of_a_span() {
    let (own, destination) = (HttpPeer::start(), HttpPeer::start());
    let keys = ", limits: {attribute_count_limit: 2, attribute_value_length_limit: 5}";
    let etalon = start(&otlp_http(&destination, ""), &traces(&own, keys));
    assert_eq!(sent(&etalon, &[]), 200);
    let spans = wait_for(&own, 3);
    let internal = of_kind(&spans, SpanKind::Internal);
    assert_eq!(
        attributes(internal),
        BTreeMap::from([("exporter", "otlp_".into()), ("data_type", "logs".into())])
    );
    assert_eq!(internal.dropped_attributes_count, 2);
}

#[test]
fn spans_are_written_to_standard_output_as_json() {
    let destination = HttpPeer::start();
    let telemetry = "  telemetry: {traces: {processors: [{batch: {exporter: {console: {}}}}]}}\n";
    let etalon = start(&otlp_http(&destination, ""), telemetry);
    assert_eq!(sent(&etalon, &[]), 200);
    let stdout = etalon.stop().stdout;
    assert!(stdout.contains("\"exporter/otlp_http/logs\""), "{stdout}");
    assert_eq!(findings(stdout.as_bytes()), [""; 0]);
}

#[test]
fn a_reload_changes_what_is_told_and_to_whom() {
    let (first, second, destination) = (HttpPeer::start(), HttpPeer::start(), HttpPeer::start());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.yaml");
    let write = |telemetry: &str| {
        let exporter = format!("  {}\n", otlp_http(&destination, ""));
        std::fs::write(&path, forwarding_to(&exporter, "otlp_http") + telemetry).expect("a file");
    };
    write(&traces(&first, ""));
    let path = path.to_string_lossy().into_owned();
    let etalon = Etalon::start_with(&["--config", &path], folder);
    assert_eq!(sent(&etalon, &[]), 200);
    wait_for(&first, 3);
    write(&traces(&second, ", sampler: {always_on: {}}"));
    etalon.signal("HUP");
    etalon.wait_for_line("Config updated, restart service");
    assert_eq!(sent(&etalon, &[]), 200);
    wait_for(&second, 3);
    assert_eq!(spans(&first).len(), 3);
}

#[test]
fn own_telemetry_that_comes_back_to_the_collector_causes_no_more_of_it() {
    for (protocol, section) in
        [("http/protobuf", "http:\n        endpoint: "), ("grpc", "grpc:\n        endpoint: ")]
    {
        let (clock, port) = (HttpPeer::start(), free_port());
        let own = format!("otlp: {{protocol: {protocol}, endpoint: 'http://127.0.0.1:{port}'}}");
        let processor = format!("[{{batch: {{schedule_delay: 10, exporter: {{{own}}}}}}}]");
        // Each request is told in several lines, where the receiver and the debug exporter can.
        let telemetry = format!(
            "  telemetry: {{traces: {{processors: {processor}, sampler: {{always_on: {{}}}}}}, logs: {{level: debug, processors: {processor}}}}}\n"
        );
        let configuration = forwarding_to("  debug: {sampling_initial: 1000000}\n", "debug") + &telemetry;
        let configuration = configuration.replacen(
            &format!("{section}127.0.0.1:0"),
            &format!("{section}127.0.0.1:{port}"),
            1,
        );
        let clocked = format!("{{protocol: http/protobuf, endpoint: '{}'}}", clock.endpoint());
        let readers = format!(
            "[{{periodic: {{interval: 20, exporter: {{otlp: {clocked}}}}}}}, {{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0}}}}}}}}]"
        );
        let etalon = Etalon::start_with_readers(&readers, &configuration);
        etalon.wait_for_line(
            "Own telemetry is sent to one of the collector's own receivers, which counts it among its data",
        );
        let received = || {
            let scrape = etalon.scrape();
            let items = |name: &str| scrape.sum(name, &[]).unwrap_or(0.0).to_bits();
            (items("otelcol_receiver_accepted_spans"), items("otelcol_receiver_accepted_log_records"))
        };
        let sender = etalon.http();
        assert_eq!(post(sender, "/v1/logs", "application/json", &logs(0..3)).status, 200);
        // It comes to rest: while the other reader is pushed to many times, nothing more arrives.
        eventually("rest", || {
            let (before, pushes) = (received(), clock.arrived().len());
            clock.wait_for(pushes + 20);
            (before.0 > 0 && received() == before).then_some(())
        });
    }
}
