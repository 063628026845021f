use ::http::{HeaderMap, Request, StatusCode};
use h2::client::SendRequest;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;

use super::*;
use crate::compression::{Compression, compress};

/// Passes bytes through tonic.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        use bytes::Buf as _;
        Ok(Some(buf.copy_to_bytes(buf.remaining())))
    }
}

pub(super) async fn channel(server: &Server) -> Channel {
    Channel::from_shared(format!("http://{}", address(server))).unwrap().connect().await.unwrap()
}

/// Calls with tonic, the independent peer.
pub(super) async fn call(
    channel: &Channel,
    metadata: &[(&'static str, &str)],
    encoding: Option<CompressionEncoding>,
    message: &Bytes,
) -> Result<Bytes, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    if let Some(encoding) = encoding {
        client = client.send_compressed(encoding).accept_compressed(encoding);
    }
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(PATH);
    let mut request = tonic::Request::new(message.clone());
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    client.unary(request, path, Raw).await.map(tonic::Response::into_inner)
}

pub(super) async fn h2(server: &Server) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address(server)).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client
}

fn request() -> ::http::request::Builder {
    Request::post(format!("http://x{PATH}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// A response with its trailers, which are the header fields when there is nothing else.
struct Answer {
    http: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn code(&self) -> u32 {
        self.headers["grpc-status"].to_str().unwrap().parse().unwrap()
    }

    fn message(&self) -> &str {
        self.headers["grpc-message"].to_str().unwrap()
    }
}

/// Sends frames as they are, the last one with `END_STREAM`.
async fn send(server: &Server, request: ::http::request::Builder, frames: &[Bytes]) -> Answer {
    let mut client = h2(server).await.ready().await.unwrap();
    let (response, mut body) = client.send_request(request.body(()).unwrap(), frames.is_empty()).unwrap();
    for (index, frame) in frames.iter().enumerate() {
        // The server may have answered and closed the stream already.
        if body.send_data(frame.clone(), index + 1 == frames.len()).is_err() {
            break;
        }
    }
    let response = response.await.unwrap();
    let (head, mut stream) = response.into_parts();
    let mut answer = Answer { http: head.status, headers: head.headers, body: Vec::new() };
    while let Some(data) = stream.data().await {
        let data = data.unwrap();
        stream.flow_control().release_capacity(data.len()).unwrap();
        answer.body.extend_from_slice(&data);
    }
    if let Some(trailers) = stream.trailers().await.unwrap() {
        answer.headers.extend(trailers);
    }
    answer
}

#[tokio::test]
async fn a_message_arrives_as_it_was_sent_in_each_encoding() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let channel = channel(&server).await;
    let message = Bytes::from(vec![42; 3 * MIB + 1]);
    for encoding in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        assert_eq!(call(&channel, &[], encoding, &message).await.unwrap(), "");
        assert!(recorder.taken() == [message.clone()], "{encoding:?}");
    }
    assert_eq!(call(&channel, &[], None, &Bytes::new()).await.unwrap(), "");
    assert_eq!(recorder.taken(), [Bytes::new()]);
}

#[tokio::test]
async fn an_answer_that_is_not_empty_arrives() {
    let recorder = Recorder::new(Behaviour::Answer(Bytes::from_static(b"some were rejected")));
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let answer = call(&channel(&server).await, &[], None, &Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(answer, "some were rejected");
}

#[tokio::test]
async fn the_limit_holds_to_the_byte_before_and_after_decompression() {
    let recorder = Recorder::accepting();
    let config = GrpcServerConfig { max_recv_msg_size_mib: 1, ..GrpcServerConfig::default() };
    let server = serve_grpc(config, &recorder).await;
    let channel = channel(&server).await;
    for encoding in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        for len in [MIB - 1, MIB] {
            call(&channel, &[], encoding, &Bytes::from(vec![0; len])).await.unwrap();
            assert_eq!(recorder.taken()[0].len(), len);
        }
        let refused = call(&channel, &[], encoding, &Bytes::from(vec![0; MIB + 1])).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{encoding:?}: {refused}");
        assert!(refused.message().contains("larger than max"), "{refused}");
        for hint in ["grpc-status-details-bin", "google.rpc.retryinfo-bin", "grpc-retry-pushback-ms"] {
            assert!(!refused.metadata().contains_key(hint), "{hint}");
        }
        assert_eq!(recorder.taken().len(), 0);
    }
}

#[tokio::test]
async fn sixty_mebibytes_pass_by_default() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    call(&channel(&server).await, &[], None, &Bytes::from(vec![7; 60 * MIB])).await.unwrap();
    assert_eq!(recorder.taken()[0].len(), 60 * MIB);
}

#[tokio::test]
async fn a_bomb_is_refused() {
    let recorder = Recorder::accepting();
    let config = GrpcServerConfig { max_recv_msg_size_mib: 1, ..GrpcServerConfig::default() };
    let server = serve_grpc(config, &recorder).await;
    for encoding in [Compression::Gzip, Compression::Zstd] {
        let bomb = compress(encoding, &[Bytes::from(vec![0; 200 * MIB])]);
        assert!(bomb.len() < MIB);
        let answer =
            send(&server, request().header("grpc-encoding", encoding.name()), &[framed(1, &bomb)]).await;
        assert_eq!(answer.code(), 8, "{}", answer.message());
    }
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn a_length_that_lies_is_refused_before_anything_is_read() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let answer = send(&server, request(), &[Bytes::from_static(b"\0\xff\xff\xff\xff1234")]).await;
    assert_eq!(answer.code(), 8);
    assert!(answer.message().contains("(4294967295 vs. 67108864)"), "{}", answer.message());
}

#[tokio::test]
async fn frames_may_be_cut_anywhere() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let whole = framed(0, b"0123456789");
    for at in 0..=whole.len() {
        let answer = send(&server, request(), &[whole.slice(..at), whole.slice(at..), Bytes::new()]).await;
        assert_eq!(answer.code(), 0);
        assert_eq!(answer.body, [0; 5]);
    }
    let bytes: Vec<Bytes> = whole.chunks(1).map(Bytes::copy_from_slice).collect();
    assert_eq!(send(&server, request(), &bytes).await.code(), 0);
    assert!(recorder.taken().iter().all(|message| message == "0123456789"));
}

#[tokio::test]
async fn what_is_not_one_message_is_an_invalid_argument() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let two = [framed(0, b"one"), framed(0, b"two")];
    let cases: [(&[Bytes], &str); 6] = [
        (&two, "more than one message"),
        (&[Bytes::from(two.concat())], "more than one message"),
        (&[Bytes::from_static(b"\0\0\0\0\x05abc")], "cut off: 3 of 5 bytes"),
        (&[Bytes::from_static(b"\0\0\0")], "within its prefix"),
        (&[], "no message"),
        (&[framed(2, b"abc")], "compressed flag of the message is 2"),
    ];
    for (frames, expected) in cases {
        let answer = send(&server, request(), frames).await;
        assert_eq!((answer.http, answer.code()), (StatusCode::OK, 3), "{expected}");
        assert!(answer.message().contains(expected), "{}", answer.message());
    }
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn encodings_are_named_checked_and_only_used_when_the_message_says_so() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;

    let unknown = send(&server, request().header("grpc-encoding", "brotli"), &[framed(1, b"abc")]).await;
    assert_eq!(unknown.code(), 12);
    assert_eq!(unknown.headers["grpc-accept-encoding"], "identity,gzip,zstd,snappy");
    assert!(unknown.message().contains("Decompressor is not installed for grpc-encoding \"brotli\""));

    let unnamed = send(&server, request(), &[framed(1, b"abc")]).await;
    assert_eq!(unnamed.code(), 13);

    let corrupt = send(&server, request().header("grpc-encoding", "gzip"), &[framed(1, b"abc")]).await;
    assert_eq!(corrupt.code(), 3);
    assert_eq!(recorder.taken().len(), 0);

    let plain = send(&server, request().header("grpc-encoding", "gzip"), &[framed(0, b"abc")]).await;
    assert_eq!(plain.code(), 0);
    assert_eq!(recorder.taken(), ["abc"]);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_and_says_what_is_served() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    for path in ["/", "/x.Y/Z", &format!("{PATH}/"), &PATH.to_lowercase()] {
        let request = Request::post(format!("http://x{path}")).header("content-type", "application/grpc");
        let answer = send(&server, request, &[framed(0, b"")]).await;
        assert_eq!(answer.code(), 12, "{path}");
        assert!(answer.message().contains(PATH), "{}", answer.message());
    }
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn only_grpc_is_grpc() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    for content_type in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8"] {
        let request = Request::post(format!("http://x{PATH}")).header("content-type", content_type);
        assert_eq!(send(&server, request, &[framed(0, b"")]).await.code(), 0, "{content_type}");
    }
    for content_type in ["application/grpc+json", "application/grpc-web", "application/x-protobuf", ""] {
        let request = Request::post(format!("http://x{PATH}")).header("content-type", content_type);
        let answer = send(&server, request, &[framed(0, b"")]).await;
        assert_eq!(answer.http, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert!(String::from_utf8_lossy(&answer.body).contains("OTLP/gRPC"), "{content_type}");
    }
    let get = Request::get(format!("http://x{PATH}")).header("content-type", "application/grpc");
    assert_ne!(send(&server, get, &[]).await.http, StatusCode::OK);
}

#[tokio::test]
async fn http_1_on_the_grpc_port_is_told_where_to_go() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let sent =
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
        Connection: close\r\n\r\n{}";
    let received = String::from_utf8(exchange(&server, sent).await).unwrap();
    assert!(received.starts_with("HTTP/1.1 400 "), "{received}");
    assert!(received.contains("OTLP/HTTP is served at another port, by default 4318"), "{received}");
    assert_eq!(exchange(&server, b"\x16\x03\x01\x00\x05hello").await, b"");
}

#[tokio::test]
async fn a_failure_carries_its_message_and_the_hint_in_three_ways() {
    let mut status = Status::new(Code::Unavailable, "100% full: \u{e4}\n");
    status.retry_after = Some(Duration::from_millis(1500));
    let details = status.grpc_details().unwrap();
    let recorder = Recorder::new(Behaviour::Fail(status));
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let refused = call(&channel(&server).await, &[], None, &Bytes::new()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert_eq!(refused.message(), "100% full: \u{e4}\n");
    assert_eq!(refused.details(), details);
    assert_eq!(refused.metadata().get("grpc-retry-pushback-ms").unwrap(), "1500");
    assert!(refused.metadata().get_bin("google.rpc.retryinfo-bin").is_some());
}

#[tokio::test]
async fn a_long_message_leaves_trailers_that_clients_accept() {
    let long = "\u{e4}".repeat(100_000);
    let status = Status::bad_request(long.clone(), long.clone(), long);
    let recorder = Recorder::new(Behaviour::Fail(status));
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let refused = call(&channel(&server).await, &[], None, &Bytes::new()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().len() > 1000 && refused.details().len() > 2000);
}

#[tokio::test]
async fn a_deadline_ends_the_call() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    for (timeout, calls) in [("50m", 1), ("0n", 0)] {
        let answer = send(&server, request().header("grpc-timeout", timeout), &[framed(0, b"x")]).await;
        assert_eq!(answer.code(), 4, "{timeout}");
        assert!(recorder.taken().len() <= calls.max(1));
    }
    assert_eq!(recorder.finished.load(Ordering::SeqCst), 0);
    assert!(recorder.dropped.load(Ordering::SeqCst) >= 1);
    assert_eq!(recorder.ends(), [Some(RefusalReason::Timeout); 2]);
}

#[tokio::test]
async fn a_timeout_that_is_none_is_ignored() {
    let recorder = Recorder::accepting();
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    for timeout in ["99999999H", "-1S", "soon", ""] {
        let answer = send(&server, request().header("grpc-timeout", timeout), &[framed(0, b"x")]).await;
        assert_eq!(answer.code(), 0, "{timeout}");
    }
}

#[tokio::test]
async fn a_panic_fails_one_call_and_not_with_ok() {
    let recorder = Recorder::new(Behaviour::Panic);
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let channel = channel(&server).await;
    let failed = call(&channel, &[], None, &Bytes::new()).await.unwrap_err();
    assert_eq!(failed.code(), tonic::Code::Unavailable);
    *recorder.behaviour.lock().unwrap() = Behaviour::Answer(Bytes::new());
    call(&channel, &[], None, &Bytes::new()).await.unwrap();
    assert_eq!(recorder.ends(), [Some(RefusalReason::InternalError), None]);
}

#[tokio::test]
async fn a_client_that_resets_its_stream_ends_the_call() {
    let recorder = Recorder::new(Behaviour::Wait);
    let server = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let mut client = h2(&server).await.ready().await.unwrap();
    let (_response, mut body) = client.send_request(request().body(()).unwrap(), false).unwrap();
    body.send_data(framed(0, b"x"), true).unwrap();
    recorder.begun(1).await;
    body.send_reset(h2::Reason::CANCEL);
    while recorder.dropped.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(recorder.finished.load(Ordering::SeqCst), 0);
}
