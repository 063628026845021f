//! SIGTERM: what was taken is delivered, what cannot be is counted, and the process exits.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;

use etalon_tests::{Etalon, Sink, Verdict, eventually, logs, post, run};

use crate::forwarding_to;

fn exporter(sink: &Sink, more: &str) -> String {
    format!(
        "  otlp_http:
    endpoint: {}
    compression: none
    retry_on_failure: {{initial_interval: 20ms, max_interval: 20ms}}
{more}",
        sink.endpoint()
    )
}

#[test]
fn an_idle_collector_exits_0_and_says_so() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    let ended = etalon.stop();
    assert_eq!(ended.code(), 0);
    for line in ["Received signal from OS", "Starting shutdown...", "Shutdown complete."] {
        assert!(ended.stderr.contains(line), "{line} is not in\n{}", ended.stderr);
    }
}

#[test]
fn ctrl_c_ends_it_in_order_too() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    etalon.signal("INT");
    etalon.wait_for_line("Shutdown complete.");
    assert_eq!(etalon.wait().code(), 0);
}

#[test]
fn what_the_queue_holds_is_delivered_before_the_exit() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon =
        Etalon::start(&forwarding_to(&exporter(&sink, "    sending_queue: {num_consumers: 1}"), "otlp_http"));
    for request in 0..20 {
        let answer = post(etalon.http(), "/v1/logs", "application/json", &logs(request * 5..request * 5 + 5));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    sink.wait_until_seen(1);
    etalon.terminate();
    etalon.wait_for_line("Starting shutdown...");
    sink.answer(Verdict::Accept);
    assert_eq!(etalon.wait().code(), 0);
    let items = sink.items();
    assert_eq!(items.keys().copied().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
}

#[test]
fn what_the_destination_refuses_until_the_end_is_named_in_the_log() {
    let sink = Sink::start();
    sink.answer(Verdict::Status(503));
    let etalon = Etalon::start(&forwarding_to(&exporter(&sink, ""), "otlp_http"));
    for request in 0..4 {
        let answer = post(etalon.http(), "/v1/logs", "application/json", &logs(request * 5..request * 5 + 5));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    sink.wait_until_seen(4);
    etalon.terminate();
    etalon.wait_for_line("Shutdown complete.");
    let dropped: u64 = etalon.lines().iter().filter_map(|line| line["dropped_items"].as_u64()).sum();
    assert_eq!(etalon.wait().code(), 0);
    assert_eq!((dropped, sink.items().len()), (20, 0));
}

#[test]
fn a_request_that_is_under_way_is_answered_and_delivered() {
    let sink = Sink::start();
    sink.answer(Verdict::Hold);
    let etalon =
        Etalon::start(&forwarding_to(&exporter(&sink, "    sending_queue: {enabled: false}"), "otlp_http"));
    let to = etalon.http();
    let senders: Vec<_> = (0..4_u32)
        .map(|sender| {
            thread::spawn(move || {
                post(to, "/v1/logs", "application/json", &logs(sender * 3..sender * 3 + 3)).status
            })
        })
        .collect();
    sink.wait_until_seen(4);
    etalon.terminate();
    etalon.wait_for_line("Starting shutdown...");
    sink.answer(Verdict::Accept);
    for sender in senders {
        assert_eq!(sender.join().unwrap(), 200);
    }
    assert_eq!(etalon.wait().code(), 0);
    assert_eq!(sink.items().len(), 12);
}

#[test]
fn nothing_that_was_acknowledged_under_load_is_lost() {
    let sink = Sink::start();
    let etalon = Etalon::start(&forwarding_to(&exporter(&sink, ""), "otlp_http"));
    let to = etalon.http();
    let senders: Vec<_> =
        (0..4_u32).map(|sender| thread::spawn(move || send_until_refused(to, sender * 1_000_000))).collect();
    sink.wait_until_accepted(200);
    let ended = etalon.stop();
    let acknowledged: BTreeSet<u32> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let arrived: BTreeSet<u32> = sink.items().into_keys().collect();
    let lost: Vec<_> = acknowledged.difference(&arrived).collect();
    assert!(
        acknowledged.len() >= 200 && lost.is_empty(),
        "{} of {} are lost",
        lost.len(),
        acknowledged.len()
    );
}

/// Posts one request after the other over one connection each, until one is not acknowledged, and
/// returns the numbers of those that were.
fn send_until_refused(to: std::net::SocketAddr, first: u32) -> Vec<u32> {
    const ITEMS: u32 = 5;
    let mut acknowledged = Vec::new();
    for start in (first..).step_by(ITEMS as usize) {
        let Ok(answer) =
            etalon_tests::try_post(to, "/v1/logs", "application/json", &logs(start..start + ITEMS))
        else {
            break;
        };
        if answer.status != 200 {
            break;
        }
        acknowledged.extend(start..start + ITEMS);
    }
    acknowledged
}

#[test]
fn a_collector_that_is_stopped_takes_nothing_more() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    let (grpc, http) = (etalon.grpc().to_string(), etalon.http());
    assert_eq!(etalon.stop().code(), 0);
    assert!(etalon_tests::try_post(http, "/v1/logs", "application/json", b"{}").is_err());
    assert_eq!(run(&["send", "--endpoint", &grpc, "--timeout=2s"]).code(), 1);
}

#[test]
fn a_request_that_comes_late_on_an_open_connection_is_told_to_try_again() {
    let etalon = Etalon::start(&forwarding_to("  nop:", "nop"));
    let to = etalon.http();
    let mut stream = TcpStream::connect(to).expect("a connection");
    let (body, mut received) = (logs(0..1), String::new());
    let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    // The rest of the header comes when nothing new is taken any more.
    stream.write_all(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\n").expect("it is taken");
    etalon.terminate();
    eventually("the port is closed", || TcpStream::connect(to).is_err().then_some(()));
    stream.write_all(&[head.as_bytes(), &body].concat()).expect("it is taken");
    stream.read_to_string(&mut received).expect("an answer and the end");
    let received = received.to_lowercase();
    assert!(received.starts_with("http/1.1 503 "), "{received}");
    for field in ["\r\nretry-after: ", "\r\nconnection: close\r\n", "the collector is stopping"] {
        assert!(received.contains(field), "{field:?} is not in {received}");
    }
    assert_eq!(etalon.wait().code(), 0);
}
