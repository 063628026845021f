//! What goes over the wire when all is well.

use std::io::Read as _;
use std::time::Duration;

use etalon_pdata::proto::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tonic::codec::CompressionEncoding;

use super::exporter::{Exporter, batch, until};
use super::peer::{Peer, Service};

#[tokio::test]
async fn spans_arrive_whole_under_the_services_path_with_grpcs_headers() {
    let peer = Peer::start(Service::default());
    let exporter = Exporter::direct(peer.address, "compression: none").await;
    assert!(exporter.send(3).await.is_delivered());
    let seen = &peer.service.seen()[0];
    assert_eq!(seen.path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    assert_eq!(seen.spans, ["span 0", "span 1", "span 2"]);
    assert_eq!(seen.authority, Some(peer.address.to_string()));
    assert_eq!(seen.headers["content-type"], "application/grpc");
    assert_eq!(seen.headers["te"], "trailers");
    assert!(!seen.headers.contains_key("grpc-encoding"));
    let agent = seen.headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("Test Collector/1.2.3 (linux/"), "{agent}");
    let timeout = seen.headers["grpc-timeout"].to_str().unwrap();
    let micros: u64 = timeout.strip_suffix('u').expect("microseconds").parse().unwrap();
    assert!((1_000_000..=5_000_000).contains(&micros), "{timeout}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_payload_of_several_chunks_and_many_frames_is_one_message() {
    let peer = Peer::start(Service::default());
    let exporter = Exporter::direct(peer.address, "compression: none").await;
    let mut joined = batch(40_000);
    joined.payload.join(batch(7).payload);
    assert!(joined.payload.len() > 400_000);
    assert!(exporter.consume(joined).await.is_delivered());
    assert_eq!(peer.service.spans(), 40_007);
    exporter.shutdown().await;
}

#[tokio::test]
async fn requests_are_compressed_as_configured_and_gzip_is_the_default() {
    for (keys, encoding) in
        [("", Some("gzip")), ("compression: zstd", Some("zstd")), ("compression: ''", None)]
    {
        let peer = Peer::start(Service::default());
        let exporter = Exporter::direct(peer.address, keys).await;
        assert!(exporter.send(500).await.is_delivered());
        let seen = &peer.service.seen()[0];
        assert_eq!(seen.headers.get("grpc-encoding").map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(seen.spans.len(), 500);
        exporter.shutdown().await;
    }
}

/// tonic does not have it, so that the message is read by hand.
#[tokio::test]
async fn snappy_is_the_framed_format() {
    let (messages, mut received) = tokio::sync::mpsc::channel(1);
    let raw = super::raw::Raw::start(move |_, stream| {
        let messages = messages.clone();
        async move { super::raw::record(stream, messages).await }
    })
    .await;
    let exporter = Exporter::direct(raw.address, "compression: snappy").await;
    assert!(exporter.send(500).await.is_delivered());
    let (head, message) = received.recv().await.expect("a request");
    assert_eq!(head.headers["grpc-encoding"], "snappy");
    assert_eq!(message[0], 1, "it is flagged as compressed");
    let mut request = Vec::new();
    snap::read::FrameDecoder::new(&message[5..]).read_to_end(&mut request).expect("a framed stream");
    let request = ExportTraceServiceRequest::decode(request.as_slice()).expect("a request");
    assert_eq!(request.resource_spans[0].scope_spans[0].spans.len(), 500);
    exporter.shutdown().await;
}

#[tokio::test]
async fn compressed_responses_are_read() {
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let service = Service::answering([Ok(super::peer::partial_success(2, "no"))]).compressing(encoding);
        let peer = Peer::start(service);
        let exporter = Exporter::direct(peer.address, "").await;
        let outcome = exporter.send(5).await;
        let etalon_component::Outcome::Delivered(delivered) = outcome else { panic!("{outcome:?}") };
        assert_eq!(delivered.rejected, 2, "{encoding:?}");
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn configured_headers_are_sent_unless_they_are_grpcs_own() {
    let peer = Peer::start(Service::default());
    let keys = "
headers: {Tenant: acme, token-bin: 'a b', grpc-timeout: 1n, user-agent: other, te: gzip}
user_agent: mine/7
authority: gateway.example.org:443";
    let exporter = Exporter::direct(peer.address, keys).await;
    assert!(exporter.send(1).await.is_delivered());
    let seen = &peer.service.seen()[0];
    assert_eq!(seen.headers["tenant"], "acme");
    assert_eq!(seen.metadata.get_bin("token-bin").unwrap().to_bytes().unwrap(), "a b");
    assert_ne!(seen.headers["grpc-timeout"], "1n");
    assert_eq!(seen.headers["te"], "trailers");
    assert!(seen.headers["user-agent"].to_str().unwrap().starts_with("mine/7 "));
    assert_eq!(seen.authority.as_deref(), Some("gateway.example.org:443"));
    exporter.shutdown().await;
}

#[tokio::test]
async fn every_form_of_an_endpoint_reaches_the_server() {
    let peer = Peer::start(Service::default());
    let port = peer.address.port();
    let endpoints =
        ["localhost:", "http://127.0.0.1:", "dns:///localhost:", "passthrough:///127.0.0.1:", ":"];
    for (index, endpoint) in endpoints.into_iter().enumerate() {
        let exporter = Exporter::direct(format!("'{endpoint}{port}'"), "").await;
        assert!(exporter.send(1).await.is_delivered(), "{endpoint}");
        assert_eq!(peer.service.spans(), index + 1);
        exporter.shutdown().await;
    }
}

#[tokio::test]
async fn a_unix_socket_reaches_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlp.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let (requests, mut received) = tokio::sync::mpsc::channel(1);
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(super::raw::record(stream, requests.clone()));
        }
    });
    let exporter = Exporter::direct(format!("'unix://{}'", path.display()), "compression: none").await;
    assert!(exporter.send(3).await.is_delivered());
    let (head, _) = received.recv().await.expect("a request");
    assert_eq!(head.uri.authority().map(ToString::to_string).as_deref(), Some("localhost"));
    let series = format!("data_type=\"traces\",server_address=\"{}\"}} 1\n", path.display());
    assert!(exporter.metrics_text().contains(&series), "{}", exporter.metrics_text());
    exporter.shutdown().await;
    serving.abort();
}

#[tokio::test]
async fn the_connection_is_made_at_the_start() {
    let raw = super::raw::Raw::start(|_, stream| async move {
        super::raw::http2(stream, |_| async {}).await;
    })
    .await;
    let exporter = Exporter::direct(raw.address, "").await;
    let accepted = raw.accepted.clone();
    until("a connection", || accepted.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    exporter.shutdown().await;
}

#[tokio::test]
async fn many_calls_share_few_connections() {
    let raw = super::raw::Raw::start(|_, stream| async move {
        super::raw::http2(stream, |mut respond| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut stream = respond.send_response(super::raw::head(), false).unwrap();
            stream.send_trailers(super::raw::ok()).unwrap();
        })
        .await;
    })
    .await;
    let exporter = Exporter::direct(raw.address, "compression: none").await;
    let consumer = exporter.consumer();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let consumer = consumer.clone();
        calls.spawn(async move { consumer.consume(batch(100)).await.is_delivered() });
    }
    assert!(calls.join_all().await.into_iter().all(|delivered| delivered));
    let accepted = raw.accepted.load(std::sync::atomic::Ordering::SeqCst);
    assert!((1..=etalon_net::client::CONNECTIONS).contains(&accepted), "{accepted}");
    exporter.shutdown().await;
}

#[tokio::test]
async fn metrics_name_the_destination() {
    let peer = Peer::start(Service::default());
    let exporter = Exporter::direct(peer.address, "").await;
    assert!(exporter.send(4).await.is_delivered());
    let port = peer.address.port();
    let series = format!(
        "etalon_exporter_destination_info{{exporter=\"otlp_grpc\",data_type=\"traces\",server_address=\"127.0.0.1\",server_port=\"{port}\"}} 1\n"
    );
    assert!(exporter.metrics_text().contains(&series), "{}", exporter.metrics_text());
    exporter.shutdown().await;
}
