use serde_json::Value;

use super::*;
use crate::compression::{Compression, compress};

const JSON: &str = "Content-Type: application/json\r\n";
const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";

/// What came back: status line and header fields, and the body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn of(received: &[u8]) -> Self {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no header: {:?}", String::from_utf8_lossy(received)));
        let head = String::from_utf8(received[..end].to_vec()).unwrap().to_lowercase();
        Self { head, body: received[end + 4..].to_vec() }
    }

    pub(super) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.head.lines().any(|line| line == field)
    }

    pub(super) fn json(&self) -> Value {
        assert!(self.has("content-type: application/json"), "{}", self.head);
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(super) async fn post(server: &Server, fields: &str, body: &[u8]) -> Answer {
    post_to(server, PATH, fields, body).await
}

pub(super) async fn post_to(server: &Server, path: &str, fields: &str, body: &[u8]) -> Answer {
    let len = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len}\r\n{fields}\r\n"
    );
    Answer::of(&exchange(server, &[head.as_bytes(), body].concat()).await)
}

fn encoded(encoding: &str) -> String {
    format!("{PROTOBUF}Content-Encoding: {encoding}\r\n")
}

#[tokio::test]
async fn both_formats_are_answered_in_kind() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    for (content_type, format, answered) in [
        ("application/x-protobuf", Format::Protobuf, "application/x-protobuf"),
        ("application/json", Format::Json, "application/json"),
        ("Application/JSON; charset=utf-8", Format::Json, "application/json"),
        ("APPLICATION/X-PROTOBUF ; a=b", Format::Protobuf, "application/x-protobuf"),
    ] {
        let answer = post(&server, &format!("Content-Type: {content_type}\r\n"), b"body").await;
        assert_eq!(answer.status(), 200);
        assert!(answer.has(&format!("content-type: {answered}")), "{}", answer.head);
        assert_eq!(recorder.formats.lock().unwrap().pop(), Some(format));
        assert_eq!(recorder.taken(), ["body"]);
    }
}

#[tokio::test]
async fn each_encoding_is_decoded() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let data = Bytes::from(b"some telemetry ".repeat(10_000));
    for (name, encoding) in [
        ("identity", Compression::None),
        ("", Compression::None),
        ("gzip", Compression::Gzip),
        ("GZIP", Compression::Gzip),
        ("zstd", Compression::Zstd),
        ("deflate", Compression::Deflate),
        ("zlib", Compression::Zlib),
        ("snappy", Compression::Snappy),
        // As Go's server, which looks at the first bytes.
        ("snappy", Compression::SnappyFramed),
        ("x-snappy-framed", Compression::SnappyFramed),
        ("lz4", Compression::Lz4),
    ] {
        let body = compress(encoding, std::slice::from_ref(&data));
        let answer = post(&server, &encoded(name), &body).await;
        assert_eq!(answer.status(), 200, "{name}");
        assert!(recorder.taken() == [data.clone()], "{name}");
    }
}

#[tokio::test]
async fn an_unknown_encoding_is_refused_with_those_that_are_known() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let accepted = "accept-encoding: identity, gzip, zstd, zlib, snappy, deflate, lz4, x-snappy-framed";
    for name in ["br", "none", "gzip, gzip", "x"] {
        let answer = post(&server, &format!("{JSON}Content-Encoding: {name}\r\n"), b"{}").await;
        assert_eq!(answer.status(), 415, "{name}");
        assert!(answer.has(accepted), "{}", answer.head);
        assert!(answer.json()["message"].as_str().unwrap().contains("unsupported Content-Encoding"));
    }
    let twice = format!("{JSON}Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n");
    assert_eq!(post(&server, &twice, b"{}").await.status(), 415);
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn only_encodings_that_are_configured_are_taken() {
    let recorder = Recorder::accepting();
    let gzip = compress(Compression::Gzip, &[Bytes::from_static(b"x")]);
    for (configured, plain, gzipped) in
        [(&["", "gzip"][..], 200, 200), (&["gzip"], 415, 200), (&[""], 200, 415), (&["", "zstd"], 200, 415)]
    {
        let config = HttpServerConfig {
            compression_algorithms: configured.iter().map(ToString::to_string).collect(),
            ..HttpServerConfig::default()
        };
        let server = serve_http(config, &recorder).await;
        assert_eq!(post(&server, PROTOBUF, b"x").await.status(), plain, "{configured:?}");
        assert_eq!(post(&server, &encoded("gzip"), &gzip).await.status(), gzipped, "{configured:?}");
    }
    assert!(recorder.taken().iter().all(|message| message == "x"));
}

#[tokio::test]
async fn without_any_encoding_bodies_are_taken_as_they_come() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig { compression_algorithms: Vec::new(), ..HttpServerConfig::default() };
    let server = serve_http(config, &recorder).await;
    let gzip = compress(Compression::Gzip, &[Bytes::from_static(b"x")]);
    for name in ["gzip", "br", "identity"] {
        assert_eq!(post(&server, &encoded(name), &gzip).await.status(), 200, "{name}");
        assert_eq!(recorder.taken(), std::slice::from_ref(&gzip), "{name}");
    }
}

#[tokio::test]
async fn a_corrupt_body_is_a_bad_request() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let gzip = compress(Compression::Gzip, &[Bytes::from_static(b"some data")]);
    for (name, body) in
        [("gzip", &b"no gzip"[..]), ("gzip", &gzip[..gzip.len() - 1]), ("gzip", b""), ("zstd", b"x")]
    {
        let answer = post(&server, &encoded(name), body).await;
        assert_eq!(answer.status(), 400, "{name}");
        assert!(answer.has("content-type: application/x-protobuf"));
        assert!(!answer.body.is_empty());
    }
}

#[tokio::test]
async fn the_limit_holds_to_the_byte_before_and_after_decompression() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig { max_request_body_size: 100_000, ..HttpServerConfig::default() };
    let server = serve_http(config, &recorder).await;
    for (len, status) in [(99_999, 200), (100_000, 200), (100_001, 413)] {
        let data = Bytes::from(vec![0; len]);
        assert_eq!(post(&server, PROTOBUF, &data).await.status(), status, "{len}");
        for encoding in [Compression::Gzip, Compression::Zstd] {
            let body = compress(encoding, std::slice::from_ref(&data));
            assert_eq!(
                post(&server, &encoded(encoding.name()), &body).await.status(),
                status,
                "{encoding} {len}"
            );
        }
        let chunked = format!("{JSON}Transfer-Encoding: chunked\r\n");
        let head =
            format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{chunked}\r\n{len:x}\r\n");
        let sent = [head.as_bytes(), &data, b"\r\n0\r\n\r\n"].concat();
        let answer = Answer::of(&exchange(&server, &sent).await);
        assert_eq!(answer.status(), status, "chunked {len}");
    }
    assert!(recorder.taken().iter().all(|message| message.len() <= 100_000));
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_read() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: 1099511627776\r\n\r\n");
    let answer = Answer::of(&exchange(&server, head.as_bytes()).await);
    assert_eq!(answer.status(), 413);
    assert!(answer.has("connection: close"), "{}", answer.head);
    assert_eq!(answer.json()["code"], 8);
    assert!(answer.json().get("details").is_none());
}

#[tokio::test]
async fn a_client_that_keeps_sending_still_reads_why_it_was_refused() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig { max_request_body_size: 1000, ..HttpServerConfig::default() };
    let server = serve_http(config, &recorder).await;
    let answer = post(&server, PROTOBUF, &vec![0; 3 * MIB]).await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn wrong_method_path_and_content_type_are_told_apart() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;

    for method in ["GET", "PUT", "OPTIONS", "DELETE"] {
        let sent = format!("{method} {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = Answer::of(&exchange(&server, sent.as_bytes()).await);
        assert_eq!(answer.status(), 405, "{method}");
        assert!(answer.has("allow: post"), "{}", answer.head);
        assert!(answer.json()["message"].as_str().unwrap().contains("supported: [POST]"));
    }
    for path in ["/", "/v1/nothing", &format!("{PATH}/"), &format!("/{PATH}"), &PATH.to_lowercase()] {
        let answer = post_to(&server, path, PROTOBUF, b"").await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.has("content-type: application/x-protobuf"));
    }
    assert_eq!(post_to(&server, &format!("{PATH}?a=b"), PROTOBUF, b"").await.status(), 200);
    for fields in ["", "Content-Type: text/json\r\n", "Content-Type: application/protobuf\r\n"] {
        let answer = post(&server, fields, b"").await;
        assert_eq!(answer.status(), 415, "{fields}");
        let message = answer.json()["message"].clone();
        assert_eq!(message, "unsupported media type, supported: [application/json, application/x-protobuf]");
    }
}

#[tokio::test]
async fn an_overload_says_when_to_come_back() {
    let mut status = Status::new(Code::Unavailable, "full");
    status.retry_after = Some(Duration::from_millis(1200));
    let recorder = Recorder::new(Behaviour::Fail(status));
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let answer = post(&server, JSON, b"{}").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.has("retry-after: 2"), "{}", answer.head);
    assert_eq!(answer.json()["code"], 14);
    assert_eq!(answer.json()["details"][0]["retryDelay"], "1.200000000s");
}

#[tokio::test]
async fn a_panic_is_retryable_and_the_server_lives() {
    let recorder = Recorder::new(Behaviour::Panic);
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    assert_eq!(post(&server, JSON, b"{}").await.status(), 503);
    *recorder.behaviour.lock().unwrap() = Behaviour::Answer(Bytes::new());
    assert_eq!(post(&server, JSON, b"{}").await.status(), 200);
}

#[tokio::test]
async fn configured_fields_are_in_each_answer() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig {
        response_headers: [("X-Served-By", "etalon")].into_iter().collect(),
        ..HttpServerConfig::default()
    };
    let server = serve_http(config, &recorder).await;
    assert!(post(&server, PROTOBUF, b"").await.has("x-served-by: etalon"));
    assert!(post_to(&server, "/", PROTOBUF, b"").await.has("x-served-by: etalon"));
}

#[tokio::test]
async fn a_connection_serves_many_requests_in_order() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let mut sent = String::new();
    for number in 0..20 {
        let body = format!("request {number:02}");
        sent += &format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\n{PROTOBUF}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
    }
    sent += &format!("GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let received = String::from_utf8_lossy(&exchange(&server, sent.as_bytes()).await).into_owned();
    assert_eq!(received.matches("HTTP/1.1 200 OK").count(), 20, "{received}");
    let expected: Vec<String> = (0..20).map(|number| format!("request {number:02}")).collect();
    assert_eq!(recorder.taken(), expected);
}

#[tokio::test]
async fn without_keep_alives_a_connection_serves_one_request() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig { keep_alives_enabled: false, ..HttpServerConfig::default() };
    let server = serve_http(config, &recorder).await;
    let sent = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{PROTOBUF}Content-Length: 0\r\n\r\n").repeat(2);
    let received = String::from_utf8_lossy(&exchange(&server, sent.as_bytes()).await).into_owned();
    assert_eq!(received.matches("HTTP/1.1 200 OK").count(), 1, "{received}");
}

#[tokio::test]
async fn http_2_is_served_on_the_same_port() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let stream = TcpStream::connect(address(&server)).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = ::http::Request::post(format!("http://x{PATH}")).header("content-type", "application/json");
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(b"{}"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    assert_eq!(recorder.taken(), ["{}"]);
}

#[tokio::test]
async fn what_is_not_http_is_answered_once_and_closed() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let smuggled = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n{JSON}\r\nabcd"
    );
    for sent in ["\0\x01\x02\r\n\r\n", "hello\r\n\r\n", "POST / HTTP/1.1\nbad header\r\n\r\n", &smuggled] {
        let received = exchange(&server, sent.as_bytes()).await;
        assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 400"), "{sent:?} {received:?}");
    }
    let long = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(64 * 1024));
    let received = exchange(&server, long.as_bytes()).await;
    assert!(
        received.is_empty() || received.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&received)
    );
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn a_body_that_is_cut_off_reaches_nobody() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: 10\r\n\r\nabc");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    read_to_end(&mut stream).await;
    assert_eq!(recorder.taken().len(), 0);
}

#[tokio::test]
async fn headers_and_bodies_that_do_not_arrive_in_time_are_given_up() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig {
        read_header_timeout: etalon_conf::Duration::from_millis(100),
        read_timeout: etalon_conf::Duration::from_millis(100),
        ..HttpServerConfig::default()
    };
    let server = serve_http(config, &recorder).await;
    assert_eq!(exchange(&server, b"").await, b"");
    assert_eq!(exchange(&server, b"P").await, b"");
    assert_eq!(exchange(&server, b"POST / HTTP/1.1\r\nHost").await, b"");
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: 10\r\n\r\nabc");
    let answer = Answer::of(&exchange(&server, head.as_bytes()).await);
    assert_eq!(answer.status(), 408);
    assert!(answer.has("connection: close"), "{}", answer.head);
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_answered_so() {
    let recorder = Recorder::new(Behaviour::Wait);
    let config = HttpServerConfig {
        write_timeout: etalon_conf::Duration::from_millis(100),
        ..HttpServerConfig::default()
    };
    let server = serve_http(config, &recorder).await;
    let answer = post(&server, JSON, b"{}").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.json()["message"].as_str().unwrap().contains("not answered within 100ms"));
    assert!(answer.has("connection: close"), "{}", answer.head);
    assert_eq!(recorder.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(recorder.ends(), [Some(RefusalReason::Timeout)]);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_disconnected() {
    let recorder = Recorder::new(Behaviour::Answer(Bytes::from(vec![0; 64 * MIB])));
    let config = HttpServerConfig {
        write_timeout: etalon_conf::Duration::from_millis(200),
        ..HttpServerConfig::default()
    };
    let server = serve_http(config, &recorder).await;
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    recorder.begun(1).await;
    // While nothing is read, the server can only give up: then writing fails.
    let gone = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the server closes the connection");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let recorder = Recorder::accepting();
    let config = HttpServerConfig {
        idle_timeout: etalon_conf::Duration::from_millis(100),
        ..HttpServerConfig::default()
    };
    let server = serve_http(config, &recorder).await;
    let sent = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{PROTOBUF}Content-Length: 0\r\n\r\n");
    let received = exchange(&server, sent.as_bytes()).await;
    assert!(received.starts_with(b"HTTP/1.1 200 OK"));
}
