//! Requests of HTTP/1 whose head cannot be read, at both kinds of endpoints.

use super::http::Answer;
use super::*;

/// A request that is answered, and one after it on the same connection.
fn after_a_good_one(head: &str) -> Vec<u8> {
    let good = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    [good.as_bytes(), head.as_bytes()].concat()
}

/// The last answer of a connection.
fn last(received: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(received);
    Answer::of(&received[text.rfind("HTTP/1.1 ").unwrap_or_else(|| panic!("no answer: {text}"))..])
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_answered_with_a_status_and_the_connection_ends() {
    let recorder = Recorder::accepting();
    let http = serve_http(HttpServerConfig::default(), &recorder).await;
    let grpc = serve_grpc(GrpcServerConfig::default(), &recorder).await;
    let large = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEADER_BYTES_MAX));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    for (head, status, code, said) in [
        ("no request\r\n\r\n", 400, 3, "malformed"),
        ("GET / HTTP/1.1\r\nX Y: z\r\n\r\n", 400, 3, "malformed"),
        ("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400, 3, "malformed"),
        (&large, 431, 8, "more than 16384 bytes"),
        (&many, 431, 8, "100 header fields"),
    ] {
        for server in [&http, &grpc] {
            for sent in [head.as_bytes().to_vec(), after_a_good_one(head)] {
                let answer = last(&exchange(server, &sent).await);
                assert_eq!(answer.status(), status, "{head:.40} {answer:?}");
                assert!(answer.has("connection: close"), "{}", answer.head);
                assert!(answer.has(&format!("content-length: {}", answer.body.len())), "{}", answer.head);
                let told = answer.json();
                assert_eq!(told["code"], code, "{told}");
                assert!(told["message"].as_str().unwrap().contains(said), "{told}");
            }
        }
    }
    assert!(recorder.taken().iter().all(|message| message == "{}"));
}

#[tokio::test]
async fn answers_that_were_given_are_written_as_they_were() {
    let recorder = Recorder::accepting();
    let server = serve_http(HttpServerConfig::default(), &recorder).await;
    let last = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let received = exchange(&server, &after_a_good_one(last)).await;
    let received = String::from_utf8(received).unwrap();
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n"), "{received}");
    assert!(received.contains("\r\n\r\nHTTP/1.1 404 Not Found\r\n"), "{received}");
    assert!(received.contains("nothing is served at /nothing"), "{received}");
}
