//! Proxies of the environment.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use etalon_tests::{Etalon, GrpcPeer, HttpPeer, logs, post, run_in, tokens};

use crate::forwarding_to;

const PASSWORD: &str = "s3cret";

/// A proxy that tunnels everything to `destination`, and tells the heads of what it is asked.
fn tunnelling_to(destination: SocketAddr) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let address = listener.local_addr().expect("bound");
    let (told, heads) = mpsc::sync_channel(100);
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).expect("a whole head");
                head.push(byte[0]);
            }
            told.try_send(String::from_utf8_lossy(&head).into_owned()).ok();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("writable");
            let server = TcpStream::connect(destination).expect("the destination listens");
            for (mut from, mut to) in [
                (client.try_clone().expect("a socket"), server.try_clone().expect("a socket")),
                (server, client),
            ] {
                thread::spawn(move || io::copy(&mut from, &mut to).ok());
            }
        }
    });
    (address, heads)
}

fn sent_through(environment: &[(&str, &str)], exporter: &str) -> Etalon {
    let exporter = format!("{exporter}\n    compression: none\n    sending_queue: {{enabled: false}}");
    let name = exporter.trim().split(':').next().expect("a name").to_owned();
    let etalon = Etalon::start_in(environment, &forwarding_to(&exporter, &name));
    let answer = post(etalon.http(), "/v1/logs", "application/json", &logs(0..3));
    assert_eq!(answer.status, 200, "{}", answer.text());
    etalon
}

#[test]
fn http_goes_through_the_proxy_of_the_environment() {
    let proxy = HttpPeer::start();
    let url = format!("http://user:{PASSWORD}@{}", proxy.address());
    for variable in ["HTTP_PROXY", "http_proxy"] {
        let exporter = "  otlp_http:\n    endpoint: http://backend.invalid:4318";
        let etalon = sent_through(&[(variable, &url)], exporter);
        let arrived = &proxy.take()[0];
        assert_eq!(arrived.target, "http://backend.invalid:4318/v1/logs");
        assert_eq!(arrived.header("proxy-authorization"), Some("Basic dXNlcjpzM2NyZXQ="));
        assert_eq!(tokens(&arrived.body).len(), 3);
        let finished = etalon.stop();
        assert!(finished.stderr.contains(&proxy.address().to_string()), "the log names the proxy");
        assert!(!finished.stderr.contains(PASSWORD), "{}", finished.stderr);
    }
}

#[test]
fn grpc_goes_through_a_tunnel_of_the_proxy_for_https() {
    let peer = GrpcPeer::start();
    let (proxy, heads) = tunnelling_to(peer.address());
    let url = format!("http://user:{PASSWORD}@{proxy}");
    let exporter = "  otlp_grpc:\n    endpoint: backend.invalid:4317\n    tls: {insecure: true}";
    let etalon = sent_through(&[("HTTPS_PROXY", &url)], exporter);
    let head = heads.recv().expect("the proxy was asked");
    assert!(head.starts_with("CONNECT backend.invalid:4317 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: Basic dXNlcjpzM2NyZXQ=\r\n"), "{head}");
    assert_eq!(tokens(&peer.take()[0].body).len(), 3);
    assert!(!etalon.stop().stderr.contains(PASSWORD));
}

#[test]
fn what_is_exempt_and_this_machine_are_reached_directly() {
    let (proxy, peer) = (HttpPeer::start(), HttpPeer::start());
    let url = format!("http://{}", proxy.address());
    let port = peer.address().port();
    for (no_proxy, host) in [("", "127.0.0.1"), ("", "localhost"), ("*", "127.0.0.1")] {
        let exporter = format!("  otlp_http:\n    endpoint: http://{host}:{port}");
        sent_through(&[("HTTP_PROXY", &url), ("NO_PROXY", no_proxy)], &exporter);
        assert_eq!(peer.take().len(), 1);
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_proxy_that_cannot_be_used_is_a_reason_not_to_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exporter = "  otlp_grpc:\n    endpoint: backend.invalid:4317";
    std::fs::write(folder.path().join("etalon.yaml"), forwarding_to(exporter, "otlp_grpc"))
        .expect("writable");
    let url = format!("socks5://user:{PASSWORD}@proxy:1080");
    let finished = run_in(folder.path(), &["--config", "etalon.yaml"], &[("HTTPS_PROXY", &url)]);
    assert_ne!(finished.code(), 0);
    assert!(finished.stderr.contains("HTTPS_PROXY is one of SOCKS"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(PASSWORD), "{}", finished.stderr);
}
