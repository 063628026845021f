//! What the server says, and what it means.

use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Code, Outcome};
use etalon_pdata::proto::google::{protobuf, rpc};
use prost::Message as _;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code as TonicCode, Status};

use super::exporter::Exporter;
use super::peer::{Peer, Service, partial_success};

/// `google.rpc.Status` with a `RetryInfo` of this many seconds.
fn details(seconds: i64, nanos: i32) -> Bytes {
    let info = rpc::RetryInfo { retry_delay: Some(protobuf::Duration { seconds, nanos }) };
    let any = protobuf::Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: info.encode_to_vec(),
    };
    rpc::Status { code: 8, message: String::new(), details: vec![any] }.encode_to_vec().into()
}

async fn outcome_of(status: Status) -> Outcome {
    let peer = Peer::start(Service::answering([Err(status)]));
    let exporter = Exporter::direct(peer.address, "").await;
    let outcome = exporter.send(1).await;
    exporter.shutdown().await;
    assert_eq!(peer.service.seen().len(), 1, "one attempt is one request");
    outcome
}

#[tokio::test]
async fn each_code_is_retryable_or_not_as_otlp_says() {
    let retryable = [1, 4, 10, 11, 14, 15];
    for number in 1..=16 {
        for hinted in [false, true] {
            let code = TonicCode::from_i32(number);
            let message = "größer than 100%";
            let status = if hinted {
                Status::with_details(code, message, details(2, 500_000_000))
            } else {
                Status::new(code, message)
            };
            let outcome = outcome_of(status).await;
            let expected = retryable.contains(&number) || (number == 8 && hinted);
            assert_eq!(outcome.is_retryable(), expected, "code {number}, hinted {hinted}: {outcome:?}");
            let failure = outcome.failure().expect("a failure");
            assert_eq!(failure.code().number(), u32::try_from(number).unwrap());
            assert!(failure.message().ends_with("größer than 100%"), "{}", failure.message());
            assert_eq!(failure.delay(), hinted.then_some(Duration::from_millis(2500)));
        }
    }
}

#[tokio::test]
async fn odd_hints_are_bounded_or_ignored() {
    let hint = |details| async {
        let outcome = outcome_of(Status::with_details(TonicCode::Unavailable, "later", details)).await;
        assert!(outcome.is_retryable());
        outcome.failure().unwrap().delay()
    };
    assert_eq!(hint(details(0, 0)).await, Some(Duration::ZERO));
    assert_eq!(hint(details(3 * 3600, 0)).await, Some(Duration::from_hours(3)));
    assert_eq!(hint(details(i64::MAX, 0)).await, Some(etalon_net::status::PEER_DELAY_MAX));
    assert_eq!(hint(details(-1, 0)).await, None);
    assert_eq!(hint(details(1, i32::MAX)).await, None);
    assert_eq!(hint(Bytes::from_static(b"\xff\xff")).await, None);
}

#[tokio::test]
async fn hints_in_metadata_are_understood() {
    let info =
        rpc::RetryInfo { retry_delay: Some(protobuf::Duration { seconds: 4, nanos: 0 }) }.encode_to_vec();
    let mut metadata = MetadataMap::new();
    metadata.insert_bin("google.rpc.retryinfo-bin", MetadataValue::from_bytes(&info));
    let outcome = outcome_of(Status::with_metadata(TonicCode::ResourceExhausted, "full", metadata)).await;
    assert!(matches!(outcome, Outcome::Refused(_)));
    assert_eq!(outcome.failure().unwrap().delay(), Some(Duration::from_secs(4)));
    let mut metadata = MetadataMap::new();
    metadata.insert("grpc-retry-pushback-ms", MetadataValue::from_static("1500"));
    let outcome = outcome_of(Status::with_metadata(TonicCode::Unavailable, "full", metadata)).await;
    assert_eq!(outcome.failure().unwrap().delay(), Some(Duration::from_millis(1500)));
}

#[tokio::test]
async fn a_status_that_grpc_does_not_define_is_permanent() {
    let outcome = outcome_of(Status::new(TonicCode::Unknown, "odd")).await;
    assert!(matches!(&outcome, Outcome::Permanent(failure) if failure.code() == Code::Unknown));
}

#[tokio::test]
async fn rejected_items_are_counted_and_never_sent_again() {
    for (rejected, sent, failed) in [(3, 7, 3), (0, 10, 0), (-5, 10, 0), (11, 0, 10), (i64::MAX, 0, 10)] {
        let peer = Peer::start(Service::answering([Ok(partial_success(rejected, "some"))]));
        let keys = "tls: {insecure: true}\nsending_queue: {enabled: false}";
        let exporter = Exporter::new(peer.address, keys).await;
        let outcome = exporter.send(10).await;
        let Outcome::Delivered(delivered) = outcome else { panic!("{rejected}: {outcome:?}") };
        assert_eq!(delivered.rejected, u64::try_from(rejected).unwrap_or(0));
        assert_eq!(delivered.message.as_deref(), Some("some"));
        assert_eq!(exporter.metric("otelcol_exporter_sent_spans"), sent, "{rejected}");
        assert_eq!(exporter.metric("otelcol_exporter_send_failed_spans"), failed, "{rejected}");
        assert_eq!(peer.service.seen().len(), 1);
        exporter.shutdown().await;
    }
}
