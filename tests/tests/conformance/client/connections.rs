//! Connections that break, last, or speak another version.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use etalon_tests::{GrpcPeer, GrpcReply, Http2Front, HttpReply, Version, tokens};

use super::{AGAIN, Over, forwarding, send, to_grpc, ways};

#[test]
fn c10_a_server_that_has_only_http1_is_spoken_to_in_it() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key =
        rustls_pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let port = listener.local_addr().expect("bound").port();
    let serving = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a client");
        let mut tls = rustls::ServerConnection::new(config).expect("a connection");
        let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut part = [0; 1024];
            let read = stream.read(&mut part).expect("readable");
            assert_ne!(read, 0, "a whole head");
            head.extend_from_slice(&part[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("writable");
        let agreed = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
        (agreed, String::from_utf8_lossy(&head).into_owned())
    });
    let exporter = format!(
        "otlp_http: {{endpoint: 'https://localhost:{port}', tls: {{insecure_skip_verify: true}}, sending_queue: {{enabled: false}}}}"
    );
    let etalon = forwarding(&[exporter]);
    assert_eq!(send(&etalon, 0..1).status, 200);
    let (agreed, head) = serving.join().expect("the server lives");
    assert_eq!(agreed.as_deref(), Some(&b"http/1.1"[..]));
    assert!(head.starts_with("POST /v1/logs HTTP/1.1\r\n"), "{head}");
}

#[test]
fn c13_what_was_not_answered_is_sent_again() {
    let cut = |bytes: &[u8]| HttpReply::Last(bytes.to_vec());
    let broken = [
        cut(b""),
        cut(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-proto"),
        cut(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 10\r\n\r\n\x0a"),
    ];
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(AGAIN);
        // Over HTTP/2, what breaks is the stream.
        for reply in broken.iter().take(if way.version == Version::One { 3 } else { 1 }) {
            peer.script([reply.clone()]);
            assert_eq!(send(etalon, 0..3).status, 200, "{way:?} {reply:?}");
            let arrived = peer.take();
            assert_eq!(arrived.len(), 2, "{way:?} {reply:?}");
            assert_eq!(arrived[0].body, arrived[1].body, "{way:?} {reply:?}");
        }
    }

    let peer = GrpcPeer::start();
    let etalon = to_grpc(&peer, AGAIN);
    for reply in [
        GrpcReply::Close,
        GrpcReply::CloseAfterHead,
        GrpcReply::NoTrailers,
        // INTERNAL_ERROR, REFUSED_STREAM, CANCEL: of the transport, not of the service.
        GrpcReply::Reset(2),
        GrpcReply::Reset(7),
        GrpcReply::Reset(8),
    ] {
        peer.script([reply.clone()]);
        assert_eq!(send(&etalon, 0..3).status, 200, "{reply:?}");
        let called = peer.take();
        assert_eq!(called.len(), 2, "{reply:?}");
        assert_eq!(tokens(&called[1].body).len(), 3, "{reply:?}");
    }
    peer.script([GrpcReply::GoAway]);
    assert_eq!(send(&etalon, 0..3).status, 200);
    assert_eq!(peer.take().len(), 1, "the answer came before the end");
    assert_eq!(send(&etalon, 0..3).status, 200);
}

#[test]
fn c15_connections_are_used_again() {
    for way in ways() {
        let Over { peer, front, etalon } = &way.to_http(AGAIN);
        for number in 0..5 {
            assert_eq!(send(etalon, number..number + 1).status, 200, "{way:?}");
        }
        let connections = front.as_ref().map_or_else(|| peer.connections(), Http2Front::connections);
        assert_eq!((peer.take().len(), connections), (5, 1), "{way:?}");
    }
    let grpc = GrpcPeer::start();
    let over_grpc = to_grpc(&grpc, AGAIN);
    for number in 0..20 {
        assert_eq!(send(&over_grpc, number..number + 1).status, 200);
    }
    assert_eq!((grpc.take().len(), grpc.connections()), (20, 1));
}
