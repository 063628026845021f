//! Broken connections, broken servers, and answers that are none.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use etalon_component::{Code, Outcome};
use h2::Reason;
use http::{HeaderMap, Response};
use tokio::io::AsyncReadExt as _;
use tonic::transport::Server;

use super::exporter::{Exporter, batch, until};
use super::peer::{Peer, Service};
use super::raw::{Raw, head, http2, ok};

fn code(outcome: &Outcome) -> Code {
    outcome.failure().expect("a failure").code()
}

#[tokio::test]
async fn what_was_never_sent_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let exporter = Exporter::direct(address, "").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    let message = outcome.failure().unwrap().message().to_owned();
    assert!(message.contains("Connection refused") && message.contains(&address.to_string()), "{message}");
    exporter.shutdown().await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_refusal_that_says_so() {
    let exporter = Exporter::direct("does-not-exist.invalid:4317", "timeout: 20s").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    let message = outcome.failure().unwrap().message();
    assert!(message.contains("cannot resolve does-not-exist.invalid"), "{message}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_a_refusal() {
    // A server that accepts and says nothing: the TLS handshake does not end.
    let raw = Raw::start(|_, stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let exporter =
        Exporter::attempting(raw.address, "tls: {insecure_skip_verify: true}\ntimeout: 300ms").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    assert_eq!(code(&outcome), Code::DeadlineExceeded);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_breaks_within_a_call_leaves_the_outcome_unknown_and_is_made_again() {
    let raw = Raw::start(|number, mut stream| async move {
        match number {
            // After the request has begun.
            0 => {
                let mut some = vec![0; 20_000];
                stream.read_exact(&mut some).await.unwrap();
            }
            _ => {
                http2(stream, |mut respond| async move {
                    let mut stream = respond.send_response(head(), false).unwrap();
                    stream.send_trailers(ok()).unwrap();
                })
                .await;
            }
        }
    })
    .await;
    let exporter = Exporter::direct(raw.address, "compression: none").await;
    let outcome = exporter.consume(batch(10_000)).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert!(exporter.send(1).await.is_delivered(), "the next call waits for the next connection");
    exporter.shutdown().await;
}

#[tokio::test]
async fn the_same_request_is_sent_again_after_a_disconnect() {
    let raw = Raw::start(|number, stream| async move {
        if number == 0 {
            drop(stream);
            return;
        }
        http2(stream, |mut respond| async move {
            let mut stream = respond.send_response(head(), false).unwrap();
            stream.send_trailers(ok()).unwrap();
        })
        .await;
    })
    .await;
    let keys = "
tls: {insecure: true}
sending_queue: {enabled: false}
retry_on_failure: {initial_interval: 50ms, max_interval: 1s, max_elapsed_time: 30s}";
    let exporter = Exporter::new(raw.address, keys).await;
    assert!(exporter.send(3).await.is_delivered());
    assert_eq!(exporter.metric("otelcol_exporter_sent_spans"), 3);
    assert_eq!(exporter.metric("otelcol_exporter_send_failed_spans"), 0);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_that_comes_back_gets_what_was_queued() {
    let peer = Peer::start(Service::default());
    let (address, service) = (peer.address, peer.service.clone());
    let keys = "
tls: {insecure: true}
retry_on_failure: {initial_interval: 100ms, max_interval: 500ms, max_elapsed_time: 60s}";
    let exporter = Exporter::new(address, keys).await;
    assert!(exporter.send(1).await.is_delivered());
    until("the first batch", || service.spans() == 1).await;
    peer.stop().await;
    for _ in 0..5 {
        assert!(exporter.send(10).await.is_delivered(), "the queue takes it");
    }
    let peer = Peer::at(&address.to_string(), Server::builder(), Service::default());
    until("all batches", || peer.service.spans() == 50).await;
    until("all are counted", || exporter.metric("otelcol_exporter_sent_spans") == 51).await;
    assert_eq!(exporter.metric("otelcol_exporter_send_failed_spans"), 0);
    exporter.shutdown().await;
}

#[tokio::test]
async fn shutdown_sends_what_is_queued() {
    let peer = Peer::start(Service::default());
    let exporter =
        Exporter::new(peer.address, "tls: {insecure: true}\nsending_queue: {num_consumers: 1}").await;
    for _ in 0..50 {
        assert!(exporter.send(10).await.is_delivered());
    }
    exporter.shutdown().await;
    assert_eq!(peer.service.spans(), 500);
    assert_eq!(exporter.metric("otelcol_exporter_sent_spans"), 500);
}

#[tokio::test]
async fn a_server_that_leaves_politely_loses_no_call() {
    let raw = Raw::start(|number, stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let mut answered = 0;
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut stream = respond.send_response(head(), false).unwrap();
            stream.send_trailers(ok()).unwrap();
            answered += 1;
            if number < 3 && answered == 2 {
                connection.graceful_shutdown();
            }
        }
    })
    .await;
    let exporter = Exporter::direct(raw.address, "compression: none").await;
    for _ in 0..12 {
        let outcome = exporter.send(1).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
    assert!(raw.accepted.load(Ordering::SeqCst) >= 3);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_reset_is_no_verdict_and_a_refused_stream_was_not_looked_at() {
    let reset = |reason| async move {
        let raw = Raw::start(move |_, stream| async move {
            http2(stream, move |mut respond| async move { respond.send_reset(reason) }).await;
        })
        .await;
        let exporter = Exporter::direct(raw.address, "").await;
        let outcome = exporter.send(1).await;
        exporter.shutdown().await;
        outcome
    };
    assert!(matches!(reset(Reason::REFUSED_STREAM).await, Outcome::Refused(_)));
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM, Reason::PROTOCOL_ERROR]
    {
        let outcome = reset(reason).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{reason:?}: {outcome:?}");
    }
}

/// The outcome of a call that is answered with this head, these bytes, and these trailers.
async fn answered(head: Response<()>, body: Option<Bytes>, trailers: Option<HeaderMap>) -> Outcome {
    let raw = Raw::start(move |_, stream| {
        let (head, body, trailers) = (head.clone(), body.clone(), trailers.clone());
        async move {
            http2(stream, move |mut respond| {
                let (head, body, trailers) = (head.clone(), body.clone(), trailers.clone());
                async move {
                    let Ok(mut stream) = respond.send_response(head, body.is_none() && trailers.is_none())
                    else {
                        return;
                    };
                    if let Some(body) = body {
                        // The client may have had enough before it is all sent.
                        stream.send_data(body, trailers.is_none()).ok();
                    }
                    if let Some(trailers) = trailers {
                        stream.send_trailers(trailers).ok();
                    }
                    std::future::poll_fn(|cx| stream.poll_reset(cx)).await.ok();
                }
            })
            .await;
        }
    })
    .await;
    let exporter = Exporter::direct(raw.address, "").await;
    let outcome = exporter.send(1).await;
    exporter.shutdown().await;
    outcome
}

#[tokio::test]
async fn an_answer_without_message_is_what_its_status_says() {
    assert!(answered(head(), None, Some(ok())).await.is_delivered());
    let mut only_a_head = head();
    only_a_head.headers_mut().insert("grpc-status", "0".parse().unwrap());
    assert!(answered(only_a_head.clone(), None, None).await.is_delivered());
    only_a_head.headers_mut().insert("grpc-status", "16".parse().unwrap());
    only_a_head.headers_mut().insert("grpc-message", "who%20are you".parse().unwrap());
    let outcome = answered(only_a_head, None, None).await;
    assert!(matches!(&outcome, Outcome::Permanent(failure) if failure.code() == Code::Unauthenticated));
    assert!(outcome.failure().unwrap().message().ends_with("who are you"));
}

#[tokio::test]
async fn a_status_that_is_no_number_or_no_known_one_is_unknown_and_permanent() {
    for status in ["banana", "99", "-1", ""] {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().unwrap());
        let outcome = answered(head(), None, Some(trailers)).await;
        assert!(
            matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::Unknown),
            "{status}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_without_status_is_no_verdict() {
    let outcome = answered(head(), Some(Bytes::from_static(&[0; 5])), None).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_of_success_that_cannot_be_read_is_permanent() {
    for body in [&[0, 0, 0][..], &[0, 0, 0, 0, 9, 1], &[1, 0, 0, 0, 1, 0], &[0, 0, 0, 0, 2, 0xff, 0xff]] {
        let outcome = answered(head(), Some(Bytes::from_static(body)), Some(ok())).await;
        assert!(
            matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::Internal),
            "{body:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_response_that_is_too_large_is_permanent() {
    let large = Bytes::from(vec![0; etalon_net::client::GRPC_RESPONSE_BYTES_MAX + 100]);
    let outcome = answered(head(), Some(large), Some(ok())).await;
    assert!(matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::Internal), "{outcome:?}");
}

#[tokio::test]
async fn a_compressed_response_that_expands_too_far_is_permanent() {
    let zeros = Bytes::from(vec![0; etalon_net::client::GRPC_RESPONSE_BYTES_MAX + 1]);
    let bomb = etalon_net::compression::compress(etalon_net::compression::Compression::Gzip, &[zeros]);
    let mut body = vec![1];
    body.extend(u32::try_from(bomb.len()).unwrap().to_be_bytes());
    body.extend_from_slice(&bomb);
    let mut head = head();
    head.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let outcome = answered(head, Some(body.into()), Some(ok())).await;
    assert!(matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::Internal), "{outcome:?}");
}

#[tokio::test]
async fn of_trailers_over_the_limit_the_first_part_counts_and_nothing_is_sent_again() {
    let padding = (0..100).map(|index| (format!("x-{index}"), "x".repeat(1000)));
    let status = [("grpc-status".to_owned(), "0".to_owned())];
    let trailers = |fields: &mut dyn Iterator<Item = (String, String)>| -> HeaderMap {
        let field = |(name, value): (String, String)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        };
        fields.map(field).collect()
    };
    let status_first = trailers(&mut status.clone().into_iter().chain(padding.clone()));
    assert!(answered(head(), None, Some(status_first)).await.is_delivered());
    let status_last = trailers(&mut padding.chain(status));
    let outcome = answered(head(), None, Some(status_last)).await;
    assert!(matches!(&outcome, Outcome::Permanent(f) if f.code() == Code::Unknown), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_grpc_is_mapped_by_its_http_status() {
    let expected = |status: u16| match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    for status in [200, 204, 301, 400, 401, 403, 404, 408, 413, 429, 500, 501, 502, 503, 504, 599] {
        let html = Response::builder().status(status).header("content-type", "text/html").body(()).unwrap();
        let outcome = answered(html, None, None).await;
        assert_eq!(code(&outcome), expected(status), "{status}");
        assert_eq!(outcome.is_retryable(), matches!(status, 429 | 502 | 503 | 504), "{status}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_unknown_outcome_and_is_told_to_stop() {
    let (told, mut was_told) = tokio::sync::mpsc::channel(1);
    let raw = Raw::start(move |_, stream| {
        let told = told.clone();
        async move {
            http2(stream, move |mut respond| {
                let told = told.clone();
                async move {
                    let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
                    told.send(reason.ok()).await.ok();
                }
            })
            .await;
        }
    })
    .await;
    let exporter = Exporter::direct(raw.address, "timeout: 300ms").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(code(&outcome), Code::DeadlineExceeded);
    let reason = tokio::time::timeout(Duration::from_secs(10), was_told.recv()).await.expect("a reset");
    assert_eq!(reason, Some(Some(Reason::CANCEL)));
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_is_no_verdict() {
    use tokio::io::AsyncWriteExt as _;
    let raw = Raw::start(|_, mut stream| async move {
        let mut some = [0; 24];
        stream.read_exact(&mut some).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let exporter = Exporter::direct(raw.address, "timeout: 1s").await;
    let outcome = exporter.send(1).await;
    assert!(outcome.is_retryable(), "{outcome:?}");
    exporter.shutdown().await;
}
