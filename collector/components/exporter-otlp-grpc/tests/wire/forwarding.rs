//! What arrived compressed leaves as it came, when nothing has changed it.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use etalon_component::Batch;
use etalon_net::compression::{Compression, decompress};
use etalon_pdata::Compressed;

use super::exporter::{Exporter, batch};
use super::raw::{Raw, head, ok};

/// A body of gRPC, as the peer got it: with its prefix.
type Bodies = Arc<Mutex<Vec<Bytes>>>;

async fn sink() -> (Raw, Bodies) {
    let bodies = Bodies::default();
    let received = bodies.clone();
    let raw = Raw::start(move |_, stream| {
        let bodies = bodies.clone();
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let bodies = bodies.clone();
                tokio::spawn(async move {
                    let (mut body, mut whole) = (request.into_body(), BytesMut::new());
                    while let Some(Ok(data)) = body.data().await {
                        body.flow_control().release_capacity(data.len()).unwrap();
                        whole.extend_from_slice(&data);
                    }
                    bodies.lock().unwrap().push(whole.freeze());
                    respond.send_response(head(), false).unwrap().send_trailers(ok()).unwrap();
                });
            }
        }
    })
    .await;
    (raw, received)
}

/// A batch that arrived compressed by a sender with a level of its own.
fn arrived(encoding: Compression) -> (Batch, Bytes) {
    let mut batch = batch(500);
    let plain = batch.payload.contiguous();
    let bytes = etalon_net::compression::compress_at_level(encoding, 9, &[plain]);
    let compressed = Compressed { encoding: encoding.name(), bytes: bytes.clone() };
    batch.payload = batch.payload.with_compressed(compressed);
    (batch, bytes)
}

/// What a batch becomes on the wire, behind the prefix.
async fn sent(batch: Batch, keys: &str) -> Bytes {
    let (raw, bodies) = sink().await;
    let exporter = Exporter::direct(raw.address, keys).await;
    assert!(exporter.consume(batch).await.is_delivered());
    exporter.shutdown().await;
    let body = bodies.lock().unwrap().remove(0);
    assert_eq!(body[0], 1, "it is flagged as compressed");
    assert_eq!(body[1..5], u32::try_from(body.len() - 5).unwrap().to_be_bytes());
    body.slice(5..)
}

#[tokio::test]
async fn a_body_of_the_configured_encoding_is_sent_on_byte_for_byte() {
    for encoding in [Compression::Gzip, Compression::Zstd] {
        let (batch, bytes) = arrived(encoding);
        assert_eq!(sent(batch, &format!("compression: {encoding}")).await, bytes, "{encoding}");
    }
}

#[tokio::test]
async fn a_body_of_another_encoding_is_compressed_anew() {
    let (batch, bytes) = arrived(Compression::Zstd);
    let plain = batch.payload.contiguous();
    let body = sent(batch, "compression: gzip").await;
    assert_ne!(body, bytes);
    assert_eq!(decompress(Compression::Gzip, &body, plain.len()).unwrap(), plain);
}

#[tokio::test]
async fn a_batch_that_was_joined_is_compressed_anew_and_whole() {
    let (mut batch, _) = arrived(Compression::Gzip);
    batch.payload.join(arrived(Compression::Gzip).0.payload);
    let plain = batch.payload.contiguous();
    let body = sent(batch, "compression: gzip").await;
    assert_eq!(decompress(Compression::Gzip, &body, plain.len()).unwrap(), plain);
}

#[tokio::test]
async fn nothing_compressed_is_sent_where_compression_is_off() {
    let (raw, bodies) = sink().await;
    let exporter = Exporter::direct(raw.address, "compression: none").await;
    let (batch, _) = arrived(Compression::Gzip);
    let plain = batch.payload.contiguous();
    assert!(exporter.consume(batch).await.is_delivered());
    exporter.shutdown().await;
    let body = bodies.lock().unwrap().remove(0);
    assert_eq!((body[0], body.slice(5..)), (0, plain));
}
