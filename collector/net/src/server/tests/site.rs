use ::http::Response;
use ::http::request::Parts;

use super::*;

/// One page, and one that fails.
struct Pages;

impl Site for Pages {
    fn page(&self, request: &Parts) -> Response<Bytes> {
        match request.uri.path() {
            "/" => Response::new(Bytes::from_static(b"a page")),
            "/panics" => panic!("as asked"),
            _ => {
                let mut absent = Response::new(Bytes::from_static(b"no such page"));
                *absent.status_mut() = ::http::StatusCode::NOT_FOUND;
                absent
            }
        }
    }
}

async fn serve(config: HttpServerConfig) -> Server {
    let config = HttpServerConfig { endpoint: "127.0.0.1:0".to_owned(), ..config };
    config.serve_site(Arc::new(Pages), &host()).await.unwrap()
}

async fn ask(server: &Server, head: &str, body: &[u8]) -> String {
    let request = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
    String::from_utf8(exchange(server, &[request.as_bytes(), body].concat()).await).unwrap()
}

#[tokio::test]
async fn pages_are_read_and_not_written() {
    let server = serve(HttpServerConfig::default()).await;
    let page = ask(&server, "GET / HTTP/1.1", b"").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\na page"), "{page}");
    assert!(ask(&server, "GET /other HTTP/1.1", b"").await.starts_with("HTTP/1.1 404"));
    let refused = ask(&server, "POST / HTTP/1.1\r\nContent-Length: 0", b"").await;
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("allow: GET, HEAD\r\n"), "{refused}");
}

#[tokio::test]
async fn a_head_has_the_length_of_the_page_and_no_body() {
    let server = serve(HttpServerConfig::default()).await;
    let head = ask(&server, "HEAD / HTTP/1.1", b"").await;
    assert!(head.contains("content-length: 6\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn a_page_that_fails_is_an_answer_too() {
    let server = serve(HttpServerConfig::default()).await;
    assert!(ask(&server, "GET /panics HTTP/1.1", b"").await.starts_with("HTTP/1.1 503"));
    assert!(ask(&server, "GET / HTTP/1.1", b"").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_limits_of_the_server_hold_for_pages() {
    let small = HttpServerConfig { max_request_body_size: 3, ..HttpServerConfig::default() };
    let server = serve(small).await;
    assert!(ask(&server, "GET / HTTP/1.1\r\nContent-Length: 3", b"abc").await.starts_with("HTTP/1.1 200"));
    assert!(ask(&server, "GET / HTTP/1.1\r\nContent-Length: 4", b"abcd").await.starts_with("HTTP/1.1 413"));
    let plain =
        HttpServerConfig { compression_algorithms: vec![String::new()], ..HttpServerConfig::default() };
    let server = serve(plain).await;
    let compressed = "GET / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1";
    assert!(ask(&server, compressed, b"x").await.starts_with("HTTP/1.1 415"));
}

#[tokio::test]
async fn every_page_has_the_header_fields_that_are_configured() {
    let config = HttpServerConfig {
        response_headers: [("x-frame-options", "DENY")].into_iter().collect(),
        ..HttpServerConfig::default()
    };
    let server = serve(config).await;
    for request in ["GET / HTTP/1.1", "GET /other HTTP/1.1"] {
        assert!(ask(&server, request, b"").await.contains("x-frame-options: DENY\r\n"));
    }
}
