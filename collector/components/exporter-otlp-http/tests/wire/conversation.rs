//! What goes over the wire when all is well.

use std::time::Duration;

use etalon_net::compression::{Compression, decompress};
use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::exporter::{Exporter, batch};
use super::peer::{Seen, Service, answer};

fn spans(body: &[u8]) -> usize {
    let request = ExportTraceServiceRequest::decode(body).expect("a request");
    request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .map(|scope| scope.spans.len())
        .sum()
}

fn header<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    seen.headers.get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn spans_arrive_whole_with_their_exact_length() {
    let service = Service::default();
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, "compression: none").await;
    let mut joined = batch(20_000);
    joined.payload.join(batch(7).payload);
    let length = joined.payload.len().to_string();
    assert!(exporter.consume(joined).await.is_delivered());
    let seen = &service.seen()[0];
    assert_eq!(seen.target, "/v1/traces");
    assert_eq!(spans(&seen.body), 20_007);
    assert_eq!(header(seen, "content-length"), Some(length.as_str()));
    assert_eq!(header(seen, "transfer-encoding"), None);
    assert_eq!(header(seen, "content-type"), Some("application/x-protobuf"));
    assert_eq!(header(seen, "host"), Some(server.address.to_string().as_str()));
    assert_eq!(header(seen, "content-encoding"), None);
    let agent = header(seen, "user-agent").unwrap();
    assert!(agent.starts_with("Test Collector/1.2.3 (linux/") && agent.ends_with(')'), "{agent}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn requests_are_compressed_as_configured_and_gzip_is_the_default() {
    for (keys, name, encoding) in [
        ("", "gzip", Compression::Gzip),
        ("compression_params: {level: 9}", "gzip", Compression::Gzip),
        ("compression: zlib", "zlib", Compression::Zlib),
        ("compression: deflate\ncompression_params: {level: 3}", "deflate", Compression::Deflate),
        ("compression: zstd\ncompression_params: {level: 11}", "zstd", Compression::Zstd),
        ("compression: snappy", "snappy", Compression::Snappy),
        ("compression: x-snappy-framed", "x-snappy-framed", Compression::SnappyFramed),
        ("compression: lz4", "lz4", Compression::Lz4),
        ("compression: none", "", Compression::None),
        ("compression: ''", "", Compression::None),
    ] {
        let service = Service::default();
        let server = service.start().await;
        let exporter = Exporter::direct(server.address, keys).await;
        assert!(exporter.send(500).await.is_delivered(), "{keys}");
        let seen = &service.seen()[0];
        assert_eq!(header(seen, "content-encoding").unwrap_or_default(), name, "{keys}");
        assert_eq!(spans(&decompress(encoding, &seen.body, 1 << 20).unwrap()), 500);
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn json_is_sent_and_read_when_configured() {
    let partial = br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}"#;
    let service = Service::answering([
        answer(200, "application/json", partial),
        answer(200, "application/json", b"{}"),
    ]);
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, "encoding: json\ncompression: none").await;
    let outcome = exporter.send(3).await;
    let etalon_component::Outcome::Delivered(delivered) = outcome else { panic!("{outcome:?}") };
    assert_eq!((delivered.rejected, delivered.message.as_deref()), (2, Some("no")));
    assert!(exporter.send(1).await.is_delivered());
    let seen = &service.seen()[0];
    assert_eq!(header(seen, "content-type"), Some("application/json"));
    let json: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(json["resourceSpans"][0]["scopeSpans"][0]["spans"][2]["name"], "span 2");
    exporter.shutdown().await;
}

#[tokio::test]
async fn configured_headers_replace_what_the_client_would_say() {
    let service = Service::default();
    let server = service.start().await;
    let keys = "headers: {Tenant: acme, User-Agent: mine/7, Host: other.example.org, Content-Type: text/odd}";
    let exporter = Exporter::direct(server.address, keys).await;
    assert!(exporter.send(1).await.is_delivered());
    let seen = &service.seen()[0];
    assert_eq!(header(seen, "tenant"), Some("acme"));
    assert_eq!(header(seen, "user-agent"), Some("mine/7"));
    assert_eq!(header(seen, "host"), Some("other.example.org"));
    assert_eq!(header(seen, "content-type"), Some("text/odd"));
    exporter.shutdown().await;
}

#[tokio::test]
async fn user_and_password_of_the_url_become_authorization_and_a_path_is_kept() {
    let service = Service::default();
    let server = service.start().await;
    let exporter = Exporter::direct(format!("me:secret@{}/otlp/", server.address), "").await;
    assert!(exporter.send(1).await.is_delivered());
    let seen = &service.seen()[0];
    assert_eq!(header(seen, "authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(seen.target, "/otlp/v1/traces");
    assert!(!exporter.metrics_text().contains("secret"));
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_connection_is_used_again_unless_that_is_disabled() {
    for (keys, connections) in [("", 1), ("disable_keep_alives: true", 5)] {
        let service = Service::default();
        let server = service.start().await;
        let exporter = Exporter::direct(server.address, keys).await;
        for _ in 0..5 {
            assert!(exporter.send(1).await.is_delivered());
        }
        assert_eq!((service.seen().len(), server.connections()), (5, connections), "{keys}");
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn a_connection_that_was_unused_for_too_long_is_closed() {
    use tokio::io::AsyncReadExt as _;
    let (closed, mut was_closed) = tokio::sync::mpsc::channel(1);
    let server = super::peer::Listening::start("127.0.0.1:0", move |_, mut stream| {
        let closed = closed.clone();
        async move {
            super::failures::read_request(&mut stream).await;
            super::failures::write(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let read = stream.read(&mut [0; 10]).await;
            closed.send(read.is_ok_and(|read| read == 0)).await.ok();
        }
    })
    .await;
    let exporter = Exporter::direct(server.address, "idle_conn_timeout: 200ms").await;
    assert!(exporter.send(1).await.is_delivered());
    let closed = tokio::time::timeout(Duration::from_secs(10), was_closed.recv()).await;
    assert_eq!(closed.expect("it is closed"), Some(true));
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_costs_no_request() {
    let service = Service::default();
    let server = service.start().await;
    let address = server.address.to_string();
    let exporter = Exporter::direct(&address, "").await;
    assert!(exporter.send(1).await.is_delivered());
    server.stop().await;
    let server = service.at(&address).await;
    let outcome = exporter.send(1).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!((service.seen().len(), server.connections()), (2, 1));
    exporter.shutdown().await;
}

#[tokio::test]
async fn metrics_name_the_destination_and_the_path() {
    let service = Service::default();
    let server = service.start().await;
    let exporter = Exporter::new(server.address, "").await;
    assert!(exporter.send(4).await.is_delivered());
    let port = server.address.port();
    let series = format!(
        "etalon_exporter_destination_info{{exporter=\"otlp_http\",data_type=\"traces\",server_address=\"127.0.0.1\",server_port=\"{port}\",url_path=\"/v1/traces\"}} 1\n"
    );
    assert!(exporter.metrics_text().contains(&series), "{}", exporter.metrics_text());
    exporter.shutdown().await;
}
