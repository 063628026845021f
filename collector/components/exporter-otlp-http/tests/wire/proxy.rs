//! Proxies that the configuration names. Those of the environment have black-box tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use etalon_component::Outcome;
use etalon_testkit::certificates::{Authority, yaml_block};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::exporter::Exporter;
use super::peer::{Listening, Service};
use super::tls::{acceptor, https};

/// A proxy that tunnels to `destination`, whatever it is asked for, or refuses. It notes the heads of
/// requests.
async fn tunnels(destination: SocketAddr, answer: &'static str) -> (Listening, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = heads.clone();
    let proxy = Listening::start("127.0.0.1:0", move |_, mut stream| {
        let noted = noted.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a whole head"));
            }
            noted.lock().unwrap().push(String::from_utf8(head).expect("text"));
            stream.write_all(answer.as_bytes()).await.expect("writable");
            if answer.contains(" 200 ") {
                let mut onward = TcpStream::connect(destination).await.expect("the server listens");
                tokio::io::copy_bidirectional(&mut stream, &mut onward).await.ok();
            }
        }
    })
    .await;
    (proxy, heads)
}

#[tokio::test]
async fn a_proxy_passes_plain_requests_on() {
    let service = Service::default();
    let proxy = service.start().await;
    let keys = format!("proxy_url: 'http://user:p%40ss@{}'", proxy.address);
    let exporter = Exporter::direct("backend.invalid:4318/base", &keys).await;
    for _ in 0..2 {
        assert!(exporter.send(1).await.is_delivered());
    }
    let seen = &service.seen()[0];
    assert_eq!(seen.target, "http://backend.invalid:4318/base/v1/traces");
    assert_eq!(seen.headers["host"], "backend.invalid:4318");
    assert_eq!(seen.headers["proxy-authorization"], "Basic dXNlcjpwQHNz");
    assert_eq!(proxy.connections(), 1);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_proxy_makes_a_tunnel_for_tls_and_learns_nothing_else() {
    let (authority, service) = (Authority::new("ca"), Service::default());
    let (acceptor, serving) = (acceptor(&authority, None, &[b"h2"]), service.clone());
    let server = Listening::start("127.0.0.1:0", move |_, stream| {
        let (acceptor, service) = (acceptor.clone(), serving.clone());
        async move { service.serve_http2(acceptor.accept(stream).await.expect("a handshake")).await }
    })
    .await;
    let (proxy, heads) = tunnels(server.address, "HTTP/1.1 200 OK\r\n\r\n").await;
    let ca = yaml_block(&authority.cert());
    let keys = format!("tls:\n  ca_pem: {ca}\nproxy_url: 'http://user:pass@{}'", proxy.address);
    let exporter = https(&server, &keys).await;
    for _ in 0..2 {
        let outcome = exporter.send(1).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
    let heads = heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1);
    let expected = format!("CONNECT localhost:{} HTTP/1.1\r\n", server.address.port());
    assert!(heads[0].starts_with(&expected), "{}", heads[0]);
    assert!(heads[0].contains("proxy-authorization: Basic dXNlcjpwYXNz\r\n"), "{}", heads[0]);
    assert!(!service.seen()[0].headers.contains_key("proxy-authorization"));
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_proxy_that_refuses_is_asked_again_and_its_password_is_not_shown() {
    let (authority, service) = (Authority::new("ca"), Service::default());
    let server = service.start().await;
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let (proxy, heads) = tunnels(server.address, refusal).await;
    let ca = yaml_block(&authority.cert());
    let keys = format!("tls:\n  ca_pem: {ca}\nproxy_url: 'http://user:secret@{}'", proxy.address);
    let exporter = https(&server, &keys).await;
    for attempt in 1..3 {
        let outcome = exporter.send(1).await;
        let Outcome::Refused(failure) = &outcome else { panic!("{outcome:?}") };
        assert!(failure.message().contains("HTTP status 407"), "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("secret"), "{outcome:?}");
        assert_eq!(heads.lock().unwrap().len(), attempt);
    }
    assert!(service.seen().is_empty());
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_proxy_may_itself_be_reached_by_tls() {
    let (authority, service) = (Authority::new("ca"), Service::default());
    let (acceptor, serving) = (acceptor(&authority, None, &[]), service.clone());
    let proxy = Listening::start("127.0.0.1:0", move |_, stream| {
        let (acceptor, service) = (acceptor.clone(), serving.clone());
        async move { service.serve(acceptor.accept(stream).await.expect("a handshake")).await }
    })
    .await;
    let ca = yaml_block(&authority.cert());
    let keys = format!("tls:\n  ca_pem: {ca}\nproxy_url: 'https://localhost:{}'", proxy.address.port());
    let exporter = Exporter::direct("backend.invalid:4318", &keys).await;
    let outcome = exporter.send(1).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(service.seen()[0].target, "http://backend.invalid:4318/v1/traces");
    exporter.shutdown().await;
}
