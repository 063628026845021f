//! HTTP/2, which TLS agrees on.

use etalon_component::{Code, Outcome};
use etalon_testkit::certificates::{Authority, yaml_block};
use http::Version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::exporter::{Exporter, batch};
use super::peer::{Listening, Service};
use super::tls::{acceptor, https};

const BOTH: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A server that speaks what TLS agrees on, and an exporter that trusts it.
async fn start(protocols: &[&[u8]], service: &Service, keys: &str) -> (Listening, Exporter) {
    let authority = Authority::new("ca");
    let (acceptor, service) = (acceptor(&authority, None, protocols), service.clone());
    let server = Listening::start("127.0.0.1:0", move |_, stream| {
        let (acceptor, service) = (acceptor.clone(), service.clone());
        async move {
            let stream = acceptor.accept(stream).await.expect("a handshake");
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                service.serve_http2(stream).await;
            } else {
                service.serve(stream).await;
            }
        }
    })
    .await;
    let exporter =
        https(&server, &format!("tls:\n  ca_pem: {}\n{keys}", yaml_block(&authority.cert()))).await;
    (server, exporter)
}

#[tokio::test]
async fn all_calls_share_one_connection_of_http2() {
    let service = Service::default().together(20);
    let keys = "headers: {Tenant: acme, Host: other.example.org}";
    let (server, exporter) = start(&BOTH, &service, keys).await;
    let consumer = exporter.consumer();
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let consumer = consumer.clone();
        calls.spawn(async move { consumer.consume(batch(1000)).await });
    }
    for outcome in calls.join_all().await {
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
    assert_eq!(server.connections(), 1);
    for seen in service.seen() {
        assert_eq!(seen.version, Version::HTTP_2);
        assert_eq!(seen.target, "https://other.example.org/v1/traces");
        assert_eq!(seen.headers["tenant"], "acme");
        assert_eq!(seen.headers["content-length"], seen.body.len().to_string().as_str());
        assert!(!seen.headers.contains_key("host"));
    }
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_without_http2_is_spoken_to_in_http1() {
    for protocols in [&[b"http/1.1".as_slice()][..], &[]] {
        let service = Service::default();
        let (server, exporter) = start(protocols, &service, "").await;
        for _ in 0..3 {
            assert!(exporter.send(1).await.is_delivered());
        }
        assert!(service.seen().iter().all(|seen| seen.version == Version::HTTP_11));
        assert_eq!(server.connections(), 1);
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn http2_can_be_turned_off() {
    let service = Service::default();
    let (_server, exporter) = start(&BOTH, &service, "force_attempt_http2: false").await;
    assert!(exporter.send(1).await.is_delivered());
    assert_eq!(service.seen()[0].version, Version::HTTP_11);
    exporter.shutdown().await;
}

#[tokio::test]
async fn each_request_has_a_connection_of_its_own_if_that_is_wanted() {
    let service = Service::default();
    let (server, exporter) = start(&BOTH, &service, "disable_keep_alives: true").await;
    for _ in 0..3 {
        assert!(exporter.send(1).await.is_delivered());
    }
    assert_eq!((service.seen().len(), server.connections()), (3, 3));
    assert!(!service.seen()[0].headers.contains_key("connection"));
    exporter.shutdown().await;
}

/// Without the pings the attempt would end by its time-out, which has another code.
#[tokio::test]
async fn a_server_that_leaves_a_ping_unanswered_is_given_up() {
    let authority = Authority::new("ca");
    let acceptor = acceptor(&authority, None, &BOTH);
    let server = Listening::start("127.0.0.1:0", move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.expect("a handshake");
            // An empty SETTINGS frame, and nothing ever after.
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.expect("writable");
            stream.flush().await.expect("writable");
            while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {}
        }
    })
    .await;
    let ca = yaml_block(&authority.cert());
    let keys = format!(
        "tls:\n  ca_pem: {ca}\nhttp2_read_idle_timeout: 100ms\nhttp2_ping_timeout: 100ms\ntimeout: 10s"
    );
    let exporter = https(&server, &keys).await;
    let outcome = exporter.send(1).await;
    let Outcome::Unknown(failure) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.code(), Code::Unavailable, "{outcome:?}");
    exporter.shutdown().await;
}
