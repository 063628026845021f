use etalon_component::{Code, Delivered, Failure};
use etalon_pdata::proto::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use etalon_pdata::proto::google::rpc;
use etalon_pdata::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use etalon_testkit::corpus;
use prost::Message as _;
use serde_json::{Value, json};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use super::*;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn export(
    running: &Running,
    request: ExportTraceServiceRequest,
) -> Result<ExportTraceServiceResponse, tonic::Status> {
    let endpoint = format!("http://{}", running.address("grpc"));
    let channel = Channel::from_shared(endpoint).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(TRACES.grpc_path);
    let mut request = tonic::Request::new(request);
    request.set_timeout(Duration::from_mins(1));
    client.unary(request, path, ProstCodec::default()).await.map(tonic::Response::into_inner)
}

fn spans(count: usize) -> ExportTraceServiceRequest {
    let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span; count], ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

#[tokio::test]
async fn each_signal_arrives_over_each_transport_and_is_counted() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    for signal in [TRACES, METRICS, LOGS] {
        for request in corpus::requests(signal, 50, 3, 7) {
            let (status, head, body) =
                post(running.address("http"), signal.http_path, PROTOBUF, &request).await;
            assert_eq!((status, body.len()), (200, 0));
            assert!(head.contains("content-type: application/x-protobuf"), "{head}");
            let [batch] = pipeline.taken().try_into().unwrap();
            assert_eq!((batch.signal(), batch.items()), (signal, 50));
            assert_eq!(batch.payload.contiguous(), request);
        }
        assert_eq!(running.counts("http", signal.items), [150, 0]);
        assert_eq!(running.counts("grpc", signal.items), [0, 0]);
    }
    let response = export(&running, spans(5)).await.unwrap();
    assert_eq!(response, ExportTraceServiceResponse { partial_success: None });
    assert_eq!(running.counts("grpc", "spans"), [5, 0]);
    let [batch] = pipeline.taken().try_into().unwrap();
    assert_eq!(batch.payload.contiguous(), spans(5).encode_to_vec());
    assert!(batch.context.peer.is_some_and(|peer| peer.ip().is_loopback()));
    assert!(batch.context.deadline.is_some_and(|deadline| deadline > Instant::now()));
}

#[tokio::test]
async fn json_becomes_the_same_batch() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": "01010101010101010101010101010101", "spanId": "0202020202020202", "unknown": [1],
    }] }] }] });
    let (status, head, body) =
        post(running.address("http"), TRACES.http_path, JSON, request.to_string().as_bytes()).await;
    assert_eq!((status, body.as_slice()), (200, &b"{}"[..]));
    assert!(head.contains("content-type: application/json"), "{head}");
    let [batch] = pipeline.taken().try_into().unwrap();
    assert_eq!(ExportTraceServiceRequest::decode(batch.payload.contiguous()).unwrap(), spans(1));
    assert_eq!(running.counts("http", "spans"), [1, 0]);
}

#[tokio::test]
async fn a_request_without_items_succeeds_and_goes_nowhere() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    assert!(export(&running, ExportTraceServiceRequest::default()).await.is_ok());
    assert!(export(&running, spans(0)).await.is_ok());
    for (content_type, request, answer) in
        [(PROTOBUF, "", ""), (JSON, "{}", "{}"), (JSON, "{\"resourceSpans\":[]}", "{}")]
    {
        let (status, _, body) =
            post(running.address("http"), TRACES.http_path, content_type, request.as_bytes()).await;
        assert_eq!((status, body.as_slice()), (200, answer.as_bytes()));
    }
    assert_eq!(pipeline.taken().len(), 0);
    assert_eq!(running.counts("http", "spans"), [0, 0]);
}

#[tokio::test]
async fn what_cannot_be_read_is_the_senders_fault_and_goes_nowhere() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    let mut wrong_id = spans(1);
    wrong_id.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![1; 15];
    let refused = export(&running, wrong_id.clone()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().contains("trace_id"), "{refused}");

    let (status, _, body) =
        post(running.address("http"), TRACES.http_path, PROTOBUF, &wrong_id.encode_to_vec()).await;
    let status_body = rpc::Status::decode(body.as_slice()).unwrap();
    assert_eq!((status, status_body.code), (400, 3));
    assert!(status_body.message.contains("trace_id"), "{}", status_body.message);

    for request in [
        "",
        "[]",
        "{\"resourceSpans\":",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"zz\"}]}]}]}",
    ] {
        let (status, _, body) =
            post(running.address("http"), TRACES.http_path, JSON, request.as_bytes()).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["code"]), (400, &json!(3)), "{request}: {body}");
    }
    assert_eq!(pipeline.taken().len(), 0);
}

#[tokio::test]
async fn a_string_that_is_not_utf8_is_repaired_and_counted() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    let mut request = spans(1);
    request.resource_spans[0].scope_spans[0].spans[0].name = "caf!".to_owned();
    let mut request = request.encode_to_vec();
    let at = request.iter().position(|byte| *byte == b'!').unwrap();
    request[at] = 0xe9;
    let (status, ..) = post(running.address("http"), TRACES.http_path, PROTOBUF, &request).await;
    assert_eq!(status, 200);
    let [batch] = pipeline.taken().try_into().unwrap();
    request[at] = b'?';
    assert_eq!(batch.payload.contiguous(), request);
    let text = running.telemetry.prometheus_text();
    let counted =
        "etalon_receiver_repaired_strings{receiver=\"otlp\",transport=\"http\",data_type=\"traces\"} 1\n";
    assert!(text.contains(counted), "{text}");
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back_and_counts() {
    let pipeline = Pipeline::with(Outcome::refused("the queue is full"));
    let running = start(&pipeline).await;
    let refused = export(&running, spans(2)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    let details = rpc::Status::decode(refused.details()).unwrap();
    let info = rpc::RetryInfo::decode(details.details[0].value.as_ref()).unwrap();
    assert!((1..=5).contains(&info.retry_delay.unwrap().seconds));
    assert_eq!(running.counts("grpc", "spans"), [0, 2]);

    let (status, head, body) =
        post(running.address("http"), TRACES.http_path, PROTOBUF, &spans(3).encode_to_vec()).await;
    assert_eq!(status, 503);
    assert!(head.contains("\r\nretry-after: "), "{head}");
    assert_eq!(rpc::Status::decode(body.as_slice()).unwrap().message, "the queue is full");
    assert_eq!(running.counts("http", "spans"), [0, 3]);
}

#[tokio::test]
async fn permanent_stays_permanent_and_unknown_may_be_tried_again() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    let failure = Failure::new(Code::Unavailable, "the cable is cut");
    for (outcome, code, http) in [
        (Outcome::permanent(Code::InvalidArgument, "no"), tonic::Code::InvalidArgument, 400),
        (Outcome::permanent(Code::Unavailable, "no"), tonic::Code::Internal, 500),
        (Outcome::Unknown(failure), tonic::Code::Unavailable, 503),
    ] {
        pipeline.answers(outcome);
        assert_eq!(export(&running, spans(1)).await.unwrap_err().code(), code);
        let (status, head, _) = post(
            running.address("http"),
            TRACES.http_path,
            JSON,
            b"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}",
        )
        .await;
        assert_eq!(status, http);
        assert!(!head.contains("retry-after"), "{head}");
    }
    assert_eq!(running.counts("grpc", "spans"), [0, 3]);
    assert_eq!(running.counts("http", "spans"), [0, 3]);
}

#[tokio::test]
async fn what_a_destination_rejected_is_told_and_the_rest_is_accepted() {
    let delivered = Delivered { rejected: 3, message: Some("too old".into()) };
    let pipeline = Pipeline::with(Outcome::Delivered(delivered));
    let running = start(&pipeline).await;
    let partial = export(&running, spans(10)).await.unwrap().partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (3, "too old"));
    let (status, _, body) = post(
        running.address("http"),
        TRACES.http_path,
        JSON,
        b"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}",
    )
    .await;
    assert_eq!(status, 200);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, json!({ "partialSuccess": { "rejectedSpans": "3", "errorMessage": "too old" } }));
    assert_eq!(running.counts("grpc", "spans"), [10, 0]);

    let long = Delivered { rejected: 1, message: Some("\u{e4}".repeat(5_000_000).into()) };
    pipeline.answers(Outcome::Delivered(long));
    let partial = export(&running, spans(1)).await.unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!((1..5000).contains(&partial.error_message.len()));
}

#[tokio::test]
async fn a_panic_behind_the_receiver_is_no_success_and_no_end() {
    let pipeline = Pipeline::delivering();
    *pipeline.outcome.lock().unwrap() = None;
    let running = start(&pipeline).await;
    assert_eq!(export(&running, spans(4)).await.unwrap_err().code(), tonic::Code::Unavailable);
    assert_eq!(running.counts("grpc", "spans"), [0, 4]);
    pipeline.answers(Outcome::DELIVERED);
    assert!(export(&running, spans(1)).await.is_ok());
    assert_eq!(running.counts("grpc", "spans"), [1, 4]);
}

#[tokio::test]
async fn only_signals_in_use_are_served() {
    let pipeline = Pipeline::delivering();
    let running = try_start(BOTH, vec![(LOGS, pipeline.clone())]).await.unwrap();
    let refused = export(&running, spans(1)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
    assert!(refused.message().contains(LOGS.grpc_path), "{refused}");
    let address = running.address("http");
    assert_eq!(post(address, TRACES.http_path, PROTOBUF, b"").await.0, 404);
    assert_eq!(post(address, LOGS.http_path, PROTOBUF, b"").await.0, 200);
    let text = running.telemetry.prometheus_text();
    assert!(text.contains("accepted_log_records") && !text.contains("accepted_spans"), "{text}");
}

#[tokio::test]
async fn after_the_shutdown_nobody_listens() {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    running.component.shutdown(soon()).await.unwrap();
    for protocol in ["grpc", "http"] {
        assert!(TcpStream::connect(running.address(protocol)).await.is_err());
    }
    running.component.shutdown(soon()).await.unwrap();
}
