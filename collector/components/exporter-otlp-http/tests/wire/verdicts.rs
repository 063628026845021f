//! What the server says, and what it means.

use std::time::Duration;

use etalon_component::{Code, Outcome};
use etalon_net::compression::{Compression, compress};
use etalon_pdata::proto::google::rpc;
use etalon_pdata::{TRACES, partial_success_response};
use prost::Message as _;

use super::exporter::Exporter;
use super::peer::{Answer, Service, answer, protobuf};

async fn outcome_of(answer: Answer) -> Outcome {
    let service = Service::answering([answer]);
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, "").await;
    let outcome = exporter.send(10).await;
    exporter.shutdown().await;
    assert_eq!(service.seen().len(), 1, "one attempt is one request");
    outcome
}

#[tokio::test]
async fn each_status_is_retryable_or_not_as_otlp_says() {
    let statuses: Vec<u16> = (200..600).collect();
    let service = Service::answering(statuses.iter().map(|status| protobuf(*status, &[])));
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, "").await;
    for status in statuses {
        let outcome = exporter.send(1).await;
        assert_eq!(outcome.is_delivered(), status < 300, "{status}: {outcome:?}");
        assert_eq!(outcome.is_retryable(), matches!(status, 429 | 502 | 503 | 504), "{status}: {outcome:?}");
        if let Some(failure) = outcome.failure() {
            let text = format!("/v1/traces responded with HTTP Status Code {status}");
            assert!(failure.message().ends_with(&text), "{}", failure.message());
        }
    }
    exporter.shutdown().await;
}

#[tokio::test]
async fn the_code_in_the_body_decides_nothing() {
    let body = |code, message: &str| rpc::Status { code, message: message.to_owned(), details: Vec::new() };
    let outcome = outcome_of(protobuf(400, &body(14, "bad data").encode_to_vec())).await;
    assert!(matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::InvalidArgument), "{outcome:?}");
    assert!(outcome.failure().unwrap().message().ends_with("HTTP Status Code 400, Message=bad data"));
    let outcome = outcome_of(protobuf(503, &body(3, "busy").encode_to_vec())).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    let outcome = outcome_of(answer(400, "application/json", br#"{"code":14,"message":"no"}"#)).await;
    assert!(outcome.failure().unwrap().message().ends_with("HTTP Status Code 400, Message=no"));
    let outcome = outcome_of(answer(404, "text/html", b"<html>nothing here</html>")).await;
    assert!(outcome.failure().unwrap().message().ends_with("HTTP Status Code 404"));
}

#[tokio::test]
async fn a_delay_that_the_server_asks_for_is_taken_in_every_form() {
    let hint = |status, value: &'static str| async move {
        let mut answer = protobuf(status, &[]);
        answer.headers_mut().insert("retry-after", value.parse().unwrap());
        outcome_of(answer).await.failure().unwrap().delay()
    };
    for status in [429, 503] {
        assert_eq!(hint(status, "30").await, Some(Duration::from_secs(30)));
        assert_eq!(hint(status, "0").await, Some(Duration::ZERO));
        assert_eq!(hint(status, "-1").await, Some(Duration::ZERO));
        assert_eq!(hint(status, "Sun, 06 Nov 1994 08:49:37 GMT").await, Some(Duration::ZERO));
        assert_eq!(
            hint(status, "Fri, 06 Nov 2093 08:49:37 GMT").await,
            Some(etalon_net::status::PEER_DELAY_MAX)
        );
        assert_eq!(hint(status, "a while").await, None);
    }
    assert_eq!(hint(502, "30").await, None);
    assert_eq!(hint(400, "30").await, None);
}

#[tokio::test]
async fn rejected_items_are_counted_and_never_sent_again() {
    for (rejected, sent, failed) in [(3, 7, 3), (0, 10, 0), (-5, 10, 0), (11, 0, 10)] {
        let service =
            Service::answering([protobuf(200, &partial_success_response(TRACES, rejected, "some"))]);
        let server = service.start().await;
        let exporter = Exporter::new(server.address, "sending_queue: {enabled: false}").await;
        let outcome = exporter.send(10).await;
        let Outcome::Delivered(delivered) = outcome else { panic!("{rejected}: {outcome:?}") };
        assert_eq!(delivered.message.as_deref(), Some("some"));
        assert_eq!(exporter.metric("otelcol_exporter_sent_spans"), sent, "{rejected}");
        assert_eq!(exporter.metric("otelcol_exporter_send_failed_spans"), failed, "{rejected}");
        assert_eq!(service.seen().len(), 1);
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn a_body_of_success_is_read_only_if_it_is_of_otlps_types() {
    let rejecting = partial_success_response(TRACES, 3, "");
    for content_type in ["text/plain", "application/x-protobuf; charset=utf-8", "application/octet-stream"] {
        let outcome = outcome_of(answer(200, content_type, &rejecting)).await;
        assert!(matches!(&outcome, Outcome::Delivered(d) if d.rejected == 0), "{content_type}: {outcome:?}");
    }
    for (content_type, body) in [("application/x-protobuf", "<html>"), ("application/json", "<html>")] {
        let outcome = outcome_of(answer(200, content_type, body.as_bytes())).await;
        assert!(matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::Internal), "{outcome:?}");
        let message = outcome.failure().unwrap().message();
        assert!(message.starts_with("error parsing") && message.contains("response"), "{message}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_permanent_for_success_and_ignored_for_failure() {
    let large = vec![0; etalon_net::client::HTTP_RESPONSE_BYTES_MAX + 1];
    let outcome = outcome_of(protobuf(200, &large)).await;
    assert!(matches!(outcome, Outcome::Permanent(_)), "{outcome:?}");
    assert!(matches!(outcome_of(protobuf(503, &large)).await, Outcome::Refused(_)));
    let mut bomb = protobuf(200, &compress(Compression::Gzip, &[vec![0; 10 << 20].into()]));
    bomb.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    let outcome = outcome_of(bomb).await;
    assert!(matches!(outcome, Outcome::Permanent(_)), "{outcome:?}");
}

#[tokio::test]
async fn compressed_answers_are_read() {
    for encoding in [Compression::Gzip, Compression::Zstd] {
        let mut answer = protobuf(200, &compress(encoding, &[partial_success_response(TRACES, 4, "")]));
        answer.headers_mut().insert("content-encoding", encoding.name().parse().unwrap());
        let outcome = outcome_of(answer).await;
        assert!(matches!(&outcome, Outcome::Delivered(d) if d.rejected == 4), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_destination_and_nowhere_else() {
    let to = |status: u16, location: String| {
        let mut answer = protobuf(status, &[]);
        answer.headers_mut().insert("location", location.parse().unwrap());
        answer
    };
    for status in [307, 308] {
        let service = Service::answering([to(status, "/v2/traces".to_owned())]);
        let server = service.start().await;
        let exporter = Exporter::direct(server.address, "").await;
        assert!(exporter.send(1).await.is_delivered());
        let seen = service.seen();
        assert_eq!(seen[1].target, "/v2/traces");
        assert_eq!(seen[0].body, seen[1].body);
        exporter.shutdown().await;
    }
    let elsewhere = Service::default();
    let other = elsewhere.start().await;
    for status in [301, 302, 303, 307, 308] {
        let outcome = outcome_of(to(status, format!("http://{}/v1/traces", other.address))).await;
        assert!(matches!(outcome, Outcome::Permanent(_)), "{status}: {outcome:?}");
    }
    assert_eq!(other.connections(), 0, "nothing, and no credentials, go to another server");
    let service = Service::answering((0..50).map(|_| to(307, "/again".to_owned())));
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, "").await;
    assert!(matches!(exporter.send(1).await, Outcome::Permanent(_)));
    assert_eq!(service.seen().len(), etalon_net::client::REDIRECTS_MAX);
    exporter.shutdown().await;
}
