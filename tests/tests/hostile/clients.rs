//! Destinations that mean harm, or have gone mad.

use std::io::Read as _;
use std::net::TcpListener;

use etalon_tests::{Etalon, GrpcPeer, GrpcReply, HttpPeer, HttpReply, answer, field, logs, post};

/// What the sender is told, with one attempt and no queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Delivered,
    /// It may try again.
    Refused,
    /// It must not.
    Permanent,
}

/// All rows together may make the process larger by so many bytes: the largest response is 4 MiB, and some
/// are in flight at once.
const GROWTH_MAX: f64 = 64.0 * 1024.0 * 1024.0;

fn collector(exporter: &str) -> Etalon {
    Etalon::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
exporters: {{{exporter}}}
service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [{}]}}}}}}
",
        exporter.split(": ").next().unwrap_or_default()
    ))
}

/// The first byte of a record of TLS that is part of a handshake.
const HANDSHAKE: u8 = 22;

const KEYS: &str =
    "compression: none, timeout: 2s, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";

fn over_http(endpoint: &str) -> Etalon {
    collector(&format!("otlp_http: {{endpoint: '{endpoint}', {KEYS}}}"))
}

fn over_grpc(peer: &GrpcPeer) -> Etalon {
    collector(&format!("otlp_grpc: {{endpoint: '{}', tls: {{insecure: true}}, {KEYS}}}", peer.endpoint()))
}

fn send(etalon: &Etalon) -> Told {
    send_items(etalon, 3)
}

fn send_items(etalon: &Etalon, items: u32) -> Told {
    match post(etalon.http(), "/v1/logs", "application/json", &logs(0..items)).status {
        200 => Told::Delivered,
        429 | 503 => Told::Refused,
        _ => Told::Permanent,
    }
}

fn memory(etalon: &Etalon) -> f64 {
    etalon.scrape().sum("otelcol_process_memory_rss", &[]).expect("the process tells its memory")
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// R1 and R2: more than anybody wants to read, in each place, and what comes too slowly.
#[test]
fn an_answer_over_http_without_end_costs_a_time_out_at_most() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-protobuf\r\n\r\n";
    let chunk = [bytes("10000\r\n"), vec![0; 0x10000], bytes("\r\n")].concat();
    let filler = format!("X-Filler: {}\r\n", "x".repeat(1000));
    let rows = [
        ("body", HttpReply::Endless(bytes(chunked), chunk), Told::Permanent),
        ("header", HttpReply::Endless(bytes("HTTP/1.1 200 OK\r\n"), bytes(&filler)), Told::Refused),
        ("trailers", HttpReply::Endless(bytes(&format!("{chunked}0\r\n")), bytes(&filler)), Told::Refused),
        ("interim answers", HttpReply::Endless(vec![], bytes("HTTP/1.1 102 Wait\r\n\r\n")), Told::Refused),
        ("status line", HttpReply::Endless(bytes("HTTP/1.1 200 "), vec![b'x'; 1000]), Told::Refused),
        ("slow head", HttpReply::Bytes(bytes("HTTP/1.1 200 O")), Told::Refused),
        ("slow body", HttpReply::Bytes(bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")), Told::Refused),
        ("no HTTP", HttpReply::Last(vec![0x16, 3, 1, 0, 0, 0, 0]), Told::Refused),
        (
            "large length",
            HttpReply::Bytes(bytes("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")),
            Told::Permanent,
        ),
        (
            "two lengths",
            HttpReply::Last(bytes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
            Told::Refused,
        ),
        ("wrong gzip", HttpReply::status(200, &["Content-Encoding: gzip"], b"no"), Told::Permanent),
        ("unknown encoding", HttpReply::status(200, &["Content-Encoding: br"], b"no"), Told::Permanent),
    ];
    let peer = HttpPeer::start();
    let etalon = over_http(&peer.endpoint());
    let before = memory(&etalon);
    for (what, reply, told) in rows {
        peer.script([reply]);
        assert_eq!(send(&etalon), told, "{what}");
        assert_eq!(send(&etalon), Told::Delivered, "after {what}");
    }
    let growth = memory(&etalon) - before;
    assert!(growth < GROWTH_MAX, "{growth} bytes");
    assert_eq!(etalon.stop().code(), 0);
}

/// R3: credentials go nowhere else.
#[test]
fn a_redirect_elsewhere_is_not_followed_and_a_loop_ends() {
    let (peer, elsewhere) = (HttpPeer::start(), HttpPeer::start());
    let endpoint = peer.endpoint().replace("http://", "http://user:secret@");
    let etalon = over_http(&endpoint);
    let away = [
        elsewhere.endpoint(),
        format!("//{}", elsewhere.address()),
        peer.endpoint().replace("http:", "https:"),
        peer.endpoint().replace("http://127.0.0.1", "http://localhost"),
    ];
    for status in [301, 302, 303, 307, 308] {
        for location in &away {
            peer.script([HttpReply::status(status, &[&format!("Location: {location}/v1/logs")], &[])]);
            assert_eq!(send(&etalon), Told::Permanent, "{status} {location}");
            assert_eq!(peer.take().len(), 1, "{status} {location}");
        }
    }
    assert_eq!(elsewhere.connections(), 0);
    peer.always(HttpReply::status(307, &["Location: /v1/logs"], &[]));
    assert_eq!(send(&etalon), Told::Permanent);
    assert_eq!(peer.take().len(), 10);
    let finished = etalon.stop();
    assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
}

/// R5: a long message is cut; what would forge a line of the log is written out.
#[test]
fn a_partial_success_with_a_message_of_a_mebibyte_is_cut_in_the_log() {
    let peer = GrpcPeer::start();
    let etalon = over_grpc(&peer);
    let message = format!("first line\n{{\"msg\":\"forged\"}}\n{}", "x".repeat(1 << 20));
    let partial = field(1, &[vec![8, 1], field(2, message.as_bytes())].concat());
    peer.script([GrpcReply::Ok(partial)]);
    assert_eq!(send(&etalon), Told::Delivered);
    let line = etalon.wait_for_line("Partial success response");
    let reason = line["destination.message"].as_str().expect("text");
    assert!(reason.len() <= 4096 && reason.starts_with("first line"), "{} bytes", reason.len());
    assert!(etalon.lines().iter().all(|line| line["msg"] != "forged"));
}

/// R6 and R7.
#[test]
fn a_destination_that_breaks_the_rules_of_grpc_gets_one_attempt_and_the_next_is_served() {
    let status = |code: &str| GrpcReply::Trailers(vec![("grpc-status", code.to_owned())]);
    let rows = [
        ("reset", GrpcReply::Reset(2), Told::Refused),
        ("refused stream", GrpcReply::Reset(7), Told::Refused),
        ("enhance your calm", GrpcReply::Reset(11), Told::Refused),
        ("closed", GrpcReply::Close, Told::Refused),
        ("closed after the head", GrpcReply::CloseAfterHead, Told::Refused),
        ("no trailers", GrpcReply::NoTrailers, Told::Refused),
        ("silence", GrpcReply::Silence, Told::Refused),
        ("going away", GrpcReply::GoAway, Told::Delivered),
        ("trailers without status", GrpcReply::Trailers(vec![("x-other", "1".to_owned())]), Told::Permanent),
        ("an unknown status", status("99"), Told::Permanent),
        ("a status that is no number", status("ok"), Told::Permanent),
        ("a body that is cut off", GrpcReply::Body(vec![0, 0, 0, 0, 9, 1]), Told::Permanent),
        ("a length that lies", GrpcReply::Body(vec![0, 0xff, 0xff, 0xff, 0xff]), Told::Permanent),
        ("a flag without encoding", GrpcReply::Body(vec![1, 0, 0, 0, 0]), Told::Permanent),
        ("two messages", GrpcReply::Body(vec![0; 10]), Told::Permanent),
        ("5 MiB", GrpcReply::Ok(vec![0; 5 << 20]), Told::Permanent),
    ];
    let peer = GrpcPeer::start();
    let etalon = over_grpc(&peer);
    let before = memory(&etalon);
    for (what, reply, told) in rows {
        peer.script([reply]);
        assert_eq!(send(&etalon), told, "{what}");
        // A connection that has just been lost may cost the next call its first attempt as well.
        etalon_tests::eventually(what, || (send(&etalon) == Told::Delivered).then_some(()));
        peer.take();
    }
    let growth = memory(&etalon) - before;
    assert!(growth < GROWTH_MAX, "{growth} bytes");
    assert_eq!(etalon.stop().code(), 0);
}

/// R6: SETTINGS that allow nothing. Until they arrive a client may send 64 KiB, so that it is sent more.
#[test]
fn a_destination_that_takes_no_calls_or_no_bytes_costs_a_time_out() {
    for (what, peer) in
        [("no calls", GrpcPeer::start_with(0, 1 << 20)), ("no bytes", GrpcPeer::start_with(100, 0))]
    {
        let etalon = over_grpc(&peer);
        assert_eq!(send_items(&etalon, 10_000), Told::Refused, "{what}");
        assert_eq!(peer.take().len(), 0, "{what}");
        assert_eq!(etalon.stop().code(), 0);
    }
}

/// R6: connections that end at once are not made again without a pause.
#[test]
fn a_destination_that_closes_each_connection_is_not_stormed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let address = listener.local_addr().expect("bound");
    let (accepted, connections) = std::sync::mpsc::sync_channel(1000);
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            drop(connection);
            accepted.try_send(()).ok();
        }
    });
    let exporter = format!("otlp_grpc: {{endpoint: '{address}', tls: {{insecure: true}}, {KEYS}}}");
    let etalon = collector(&exporter);
    for _ in 0..5 {
        assert_eq!(send(&etalon), Told::Refused);
    }
    let made = connections.try_iter().count();
    assert!((1..20).contains(&made), "{made} connections for 5 calls");
}

/// R8: a name without addresses.
#[test]
fn a_name_that_does_not_resolve_is_a_refusal() {
    let etalon = over_http("http://nothing.invalid:4318");
    assert_eq!(send(&etalon), Told::Refused);
    let exporter =
        format!("otlp_grpc: {{endpoint: 'nothing.invalid:4317', tls: {{insecure: true}}, {KEYS}}}");
    assert_eq!(send(&collector(&exporter)), Told::Refused);
}

/// R9: whatever goes wrong with TLS, nothing is sent in the clear.
#[test]
fn there_is_no_way_back_to_plaintext() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let port = listener.local_addr().expect("bound").port();
    let (seen, first_bytes) = std::sync::mpsc::sync_channel(1000);
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let mut first = [0];
            if connection.read_exact(&mut first).is_ok() {
                seen.try_send(first[0]).ok();
            }
            std::io::Write::write_all(&mut connection, &answer(200, &[], &[])).ok();
        }
    });
    let http = over_http(&format!("https://localhost:{port}"));
    let grpc = collector(&format!("otlp_grpc: {{endpoint: 'localhost:{port}', {KEYS}}}"));
    for _ in 0..3 {
        assert_eq!(send(&http), Told::Refused);
        assert_eq!(send(&grpc), Told::Refused);
    }
    let seen: Vec<u8> = first_bytes.try_iter().collect();
    assert!(!seen.is_empty() && seen.iter().all(|byte| *byte == HANDSHAKE), "{seen:?}");
}
