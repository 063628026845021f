//! What arrived compressed leaves as it came, when nothing has changed it.

use etalon_net::compression::{Compression, compress_at_level, decompress};
use etalon_pdata::Compressed;
use hyper::body::Bytes;

use super::exporter::{Exporter, batch};
use super::peer::Service;

/// Sends a batch that arrived compressed, and hands out that form, the plain one, and what was sent.
async fn sent(arrived: Compression, keys: &str) -> [Bytes; 3] {
    let mut batch = batch(500);
    let plain = batch.payload.contiguous();
    let bytes = compress_at_level(arrived, 9, std::slice::from_ref(&plain));
    let compressed = Compressed { encoding: arrived.name(), bytes: bytes.clone() };
    batch.payload = batch.payload.with_compressed(compressed);
    let service = Service::default();
    let server = service.start().await;
    let exporter = Exporter::direct(server.address, keys).await;
    assert!(exporter.consume(batch).await.is_delivered());
    exporter.shutdown().await;
    [bytes, plain, service.seen()[0].body.clone()]
}

#[tokio::test]
async fn a_body_of_the_configured_encoding_is_sent_on_byte_for_byte() {
    for encoding in [Compression::Gzip, Compression::Zstd] {
        let [arrived, _, left] = sent(encoding, &format!("compression: {encoding}")).await;
        assert_eq!(left, arrived, "{encoding}");
    }
}

#[tokio::test]
async fn a_body_is_compressed_anew_where_the_encoding_or_a_level_says_so() {
    for (arrived, keys, encoding) in [
        (Compression::Gzip, "compression: zstd", Compression::Zstd),
        (Compression::Zstd, "compression: gzip", Compression::Gzip),
        (Compression::Gzip, "compression: gzip\ncompression_params: {level: 1}", Compression::Gzip),
    ] {
        let [arrived, plain, left] = sent(arrived, keys).await;
        assert_ne!(left, arrived, "{keys}");
        assert_eq!(decompress(encoding, &left, plain.len()).unwrap(), plain, "{keys}");
    }
}

#[tokio::test]
async fn json_is_made_of_the_request_and_not_of_what_arrived() {
    let [arrived, _, left] = sent(Compression::Gzip, "compression: gzip\nencoding: json").await;
    assert_ne!(left, arrived);
    let json = decompress(Compression::Gzip, &left, 1 << 20).unwrap();
    assert!(json.starts_with(b"{\"resourceSpans\""));
}
