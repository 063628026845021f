//! What is kept of the form in which a request arrived.

use bytes::Bytes;
use etalon_net::compression::{Compression, compress};
use etalon_pdata::Compressed;
use etalon_testkit::corpus;

use super::*;

/// Posts a compressed request and hands out what the pipeline got of its compressed form.
async fn kept(encoding: Compression, content_type: &str, body: &[u8]) -> Option<Compressed> {
    let pipeline = Pipeline::delivering();
    let running = start(&pipeline).await;
    let content_type = format!("{content_type}\r\nContent-Encoding: {encoding}");
    let (status, ..) = post(running.address("http"), TRACES.http_path, &content_type, body).await;
    assert_eq!(status, 200);
    let [batch] = pipeline.taken().try_into().unwrap();
    batch.payload.compressed().cloned()
}

const PROTOBUF: &str = "application/x-protobuf";

fn request() -> Bytes {
    corpus::requests(TRACES, 10, 1, 3).remove(0)
}

#[tokio::test]
async fn the_compressed_form_of_a_valid_request_is_kept_as_it_came() {
    for encoding in [Compression::Gzip, Compression::Zstd] {
        let body = compress(encoding, &[request()]);
        let compressed = kept(encoding, PROTOBUF, &body).await.unwrap();
        assert_eq!((compressed.encoding, compressed.bytes), (encoding.name(), body));
    }
}

#[tokio::test]
async fn a_request_that_had_to_be_repaired_has_no_compressed_form_any_more() {
    // A span whose name is not UTF-8.
    let invalid = [0x0a, 8, 0x12, 6, 0x12, 4, 0x2a, 2, 0xff, b'x'];
    let body = compress(Compression::Gzip, &[Bytes::copy_from_slice(&invalid)]);
    assert_eq!(kept(Compression::Gzip, PROTOBUF, &body).await, None);
}

#[tokio::test]
async fn a_body_that_some_decoders_do_not_take_is_not_kept() {
    let (first, second) = (request(), request());
    let members = [compress(Compression::Gzip, &[first]), compress(Compression::Gzip, &[second])].concat();
    assert_eq!(kept(Compression::Gzip, PROTOBUF, &members).await, None);
}

#[tokio::test]
async fn json_is_not_kept() {
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;
    let body = compress(Compression::Gzip, &[Bytes::from_static(json)]);
    assert_eq!(kept(Compression::Gzip, "application/json", &body).await, None);
}
