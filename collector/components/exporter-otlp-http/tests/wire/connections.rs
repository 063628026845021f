//! Which connections there are, and what belongs to one client.

use tokio::task::JoinSet;

use super::exporter::{Exporter, batch};
use super::peer::{Service, protobuf};

/// Sends so many batches at once.
async fn send_together(exporter: &Exporter, batches: usize) {
    let consumer = exporter.consumer();
    let mut calls = JoinSet::new();
    for _ in 0..batches {
        let consumer = consumer.clone();
        calls.spawn(async move { consumer.consume(batch(1)).await });
    }
    for outcome in calls.join_all().await {
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
}

#[tokio::test]
async fn as_many_connections_are_kept_as_configured() {
    for (keys, connections) in [("", 5), ("max_idle_conns: 1", 9), ("max_idle_conns_per_host: 2", 8)] {
        let service = Service::default().together(5);
        let server = service.start().await;
        let exporter = Exporter::direct(server.address, keys).await;
        send_together(&exporter, 5).await;
        send_together(&exporter, 5).await;
        assert_eq!(server.connections(), connections, "{keys}");
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn there_are_no_more_connections_than_configured() {
    // The server answers two requests together: with one connection there is never an answer to either.
    let service = Service::default().together(2);
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, "max_conns_per_host: 2").await;
    send_together(&exporter, 20).await;
    assert_eq!((service.seen().len(), server.connections()), (20, 2));
    exporter.shutdown().await;
}

#[tokio::test]
async fn cookies_are_sent_back_when_they_are_turned_on() {
    for (keys, sent) in [("cookies: {}", Some("route=b")), ("", None), ("cookies: null", None)] {
        let mut first = protobuf(200, &[]);
        first.headers_mut().insert("set-cookie", "route=b; Path=/; HttpOnly".parse().unwrap());
        let service = Service::answering([first]);
        let server = service.start().await;
        let exporter = Exporter::direct(server.address, keys).await;
        for _ in 0..2 {
            assert!(exporter.send(1).await.is_delivered());
        }
        let seen = service.seen();
        let cookie = |index: usize| seen[index].headers.get("cookie").map(|value| value.to_str().unwrap());
        assert_eq!((cookie(0), cookie(1)), (None, sent), "{keys}");
        exporter.shutdown().await;
    }
}
