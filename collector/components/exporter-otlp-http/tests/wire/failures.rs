//! Broken connections and servers.

use std::time::Duration;

use etalon_component::{Code, Outcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::exporter::{Exporter, batch, until};
use super::peer::{Listening, Service};

/// Reads a request with its body.
pub(crate) async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            if read.len() >= head.len() + 4 + length.parse::<usize>().expect("a number") {
                return;
            }
        }
        assert_ne!(stream.read_buf(&mut read).await.expect("readable"), 0, "the request ends early");
    }
}

pub(crate) async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("writable");
}

#[tokio::test]
async fn what_was_never_sent_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let exporter = Exporter::direct(address, "").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    let message = outcome.failure().unwrap().message();
    let expected = format!("failed to make an HTTP request: Post \"http://{address}/v1/traces\": ");
    assert!(message.starts_with(&expected) && message.contains("Connection refused"), "{message}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_unknown() {
    // Within the request's body, before the answer, within its head, within its body.
    let answers: [Option<&[u8]>; 4] = [
        None,
        Some(b""),
        Some(b"HTTP/1.1 200 O"),
        Some(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\nabc"),
    ];
    for answer in answers {
        let server = Listening::start("127.0.0.1:0", move |_, mut stream| async move {
            let Some(answer) = answer else {
                stream.read_exact(&mut vec![0; 10_000]).await.expect("readable");
                return;
            };
            read_request(&mut stream).await;
            write(&mut stream, answer).await;
        })
        .await;
        let exporter = Exporter::direct(server.address, "compression: none").await;
        let outcome = exporter.consume(batch(100_000)).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{answer:?}: {outcome:?}");
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn the_same_request_is_sent_again_after_a_disconnect() {
    let service = Service::default();
    let answering = service.clone();
    let server = Listening::start("127.0.0.1:0", move |number, mut stream| {
        let service = answering.clone();
        async move {
            match number {
                0 => drop(stream.read(&mut [0; 100]).await.expect("readable")),
                _ => service.serve(stream).await,
            }
        }
    })
    .await;
    let keys = "
sending_queue: {enabled: false}
retry_on_failure: {initial_interval: 50ms, max_interval: 1s, max_elapsed_time: 30s}";
    let exporter = Exporter::new(server.address, keys).await;
    assert!(exporter.send(3).await.is_delivered());
    assert_eq!((service.seen().len(), server.connections()), (1, 2));
    assert_eq!(exporter.metric("otelcol_exporter_sent_spans"), 3);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_that_comes_back_gets_what_was_queued() {
    let service = Service::default();
    let server = service.start().await;
    let address = server.address.to_string();
    let keys = "retry_on_failure: {initial_interval: 100ms, max_interval: 500ms, max_elapsed_time: 60s}";
    let exporter = Exporter::new(&address, keys).await;
    server.stop().await;
    for _ in 0..5 {
        assert!(exporter.send(10).await.is_delivered(), "the queue takes it");
    }
    let _server = service.at(&address).await;
    until("all are counted", || exporter.metric("otelcol_exporter_sent_spans") == 50).await;
    assert_eq!(exporter.metric("otelcol_exporter_send_failed_spans"), 0);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_unknown_outcome() {
    let server = Listening::start("127.0.0.1:0", |_, mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let exporter = Exporter::direct(server.address, "timeout: 300ms").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(&outcome, Outcome::Unknown(f) if f.code() == Code::DeadlineExceeded), "{outcome:?}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Listening::start("127.0.0.1:0", |_, mut stream| async move {
        read_request(&mut stream).await;
        write(
            &mut stream,
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .await;
        while stream.write_all(b"400\r\n").await.is_ok()
            && stream.write_all(&[0; 0x400]).await.is_ok()
            && stream.write_all(b"\r\n").await.is_ok()
        {}
    })
    .await;
    let exporter = Exporter::direct(server.address, "").await;
    let outcome = exporter.send(1).await;
    assert!(matches!(outcome, Outcome::Permanent(_)), "{outcome:?}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn no_more_connections_are_open_than_configured() {
    let server = Listening::start("127.0.0.1:0", |_, mut stream| async move {
        loop {
            read_request(&mut stream).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            write(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let exporter = Exporter::new(server.address, "max_conns_per_host: 2\ncompression: none").await;
    for _ in 0..40 {
        assert!(exporter.send(1).await.is_delivered());
    }
    until("all are sent", || exporter.metric("otelcol_exporter_sent_spans") == 40).await;
    assert_eq!(server.connections(), 2);
    exporter.shutdown().await;
}
