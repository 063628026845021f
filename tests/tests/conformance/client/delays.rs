//! When there is another attempt. No test waits for a delay: the log tells it.

use etalon_tests::{Etalon, GrpcPeer, GrpcReply, HttpPeer, HttpReply, eventually, free_port};
use serde_json::Value;

use super::{counted, forwarding, otlp_grpc, otlp_http, send};

const RETRYING: &str = "Exporting failed. Will retry the request after interval.";

/// The waits that the log has told up to now, in seconds.
fn waits(etalon: &Etalon) -> Vec<f64> {
    let lines = etalon.lines();
    lines.iter().filter(|line| line["msg"] == RETRYING).map(seconds).collect()
}

/// The wait of a log line: a duration as Go writes it.
fn seconds(line: &Value) -> f64 {
    let text = line["interval"].as_str().unwrap_or_else(|| panic!("no interval in {line}"));
    let mut total = 0.0;
    let mut number = String::new();
    let mut unit = String::new();
    for character in text.chars().chain(['.']) {
        if (character.is_ascii_digit() || character == '.') && !unit.is_empty() {
            let factor = match unit.as_str() {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "µs" => 1e-6,
                "ns" => 1e-9,
                other => panic!("{other} in {text}"),
            };
            total += factor * number.parse::<f64>().unwrap_or_else(|_| panic!("{number} in {text}"));
            number.clear();
            unit.clear();
        }
        if character.is_ascii_digit() || character == '.' {
            number.push(character);
        } else {
            unit.push(character);
        }
    }
    total
}

/// The `number`th wait.
fn wait(etalon: &Etalon, number: usize) -> f64 {
    eventually(&format!("wait {number}"), || waits(etalon).get(number).copied())
}

#[test]
fn c08_the_waits_grow_up_to_a_limit() {
    let peer = HttpPeer::start();
    peer.script((0..6).map(|_| HttpReply::status(503, &[], &[])));
    let keys = "sending_queue: {enabled: false}, retry_on_failure: {initial_interval: 10ms, multiplier: 2, randomization_factor: 0, max_interval: 80ms}";
    let etalon = forwarding(&[otlp_http(&peer, keys)]);
    assert_eq!(send(&etalon, 0..1).status, 200);
    assert_eq!(waits(&etalon), [0.01, 0.02, 0.04, 0.08, 0.08, 0.08]);
}

/// Waits without a hint take 1 ms here. What asks for more than a day is cut to it. Whether
/// the data is given up meanwhile is for `max_elapsed_time` to say, which here never happens.
const PATIENT: &str = "retry_on_failure: {initial_interval: 1ms, max_interval: 1ms, randomization_factor: 0, max_elapsed_time: 0s}, sending_queue: {num_consumers: 50}";

const DAY: f64 = 86400.0;
const NO_HINT: f64 = 0.001;

#[test]
fn c09_every_form_of_a_hint_is_waited_for() {
    let peer = HttpPeer::start();
    let cases = [
        ("0", NO_HINT),
        ("7", 7.0),
        ("10800", 10800.0),
        ("-5", NO_HINT),
        ("99999999999999999999999", DAY),
        ("Sun, 06 Nov 1994 08:49:37 GMT", NO_HINT),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NO_HINT),
        ("Tue, 31 Dec 2999 23:59:59 GMT", DAY),
        ("Tue Dec 31 23:59:59 2999", DAY),
        ("soon", NO_HINT),
        ("1.5", NO_HINT),
    ];
    for (value, expected) in cases {
        for status in [429, 503] {
            peer.script([HttpReply::status(status, &[&format!("Retry-After: {value}")], &[])]);
            let wait = first_wait(&forwarding(&[otlp_http(&peer, PATIENT)]));
            assert!((wait - expected).abs() < 1e-6, "{status} {value}: {wait} s");
        }
    }

    let peer = GrpcPeer::start();
    for (number, (reply, expected)) in grpc_hints().into_iter().enumerate() {
        peer.script([reply]);
        let wait = first_wait(&forwarding(&[otlp_grpc(&peer, PATIENT)]));
        assert!((wait - expected).abs() < 1e-6, "{number}: {wait} s");
    }
}

/// That of a collector which has sent nothing yet: after a hint, others wait too.
fn first_wait(etalon: &Etalon) -> f64 {
    assert_eq!(send(etalon, 0..1).status, 200);
    let wait = wait(etalon, 0);
    assert_eq!(counted(etalon).1, 0);
    wait
}

/// UNAVAILABLE with a hint in each of the three places, and with hints that are none.
fn grpc_hints() -> Vec<(GrpcReply, f64)> {
    let unavailable = |name, value: &str| {
        GrpcReply::Trailers(vec![("grpc-status", "14".to_owned()), (name, value.to_owned())])
    };
    let seven_seconds = b"\x0a\x02\x08\x07";
    let negative = b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let ten_to_the_nine_nanos = b"\x0a\x06\x10\x80\x94\xeb\xdc\x03";
    let centuries = b"\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
    vec![
        (GrpcReply::hinted(14, b""), NO_HINT),
        (GrpcReply::hinted(14, seven_seconds), 7.0),
        (GrpcReply::hinted(14, negative), NO_HINT),
        (GrpcReply::hinted(14, ten_to_the_nine_nanos), NO_HINT),
        (GrpcReply::hinted(14, centuries), DAY),
        (GrpcReply::hinted(14, b"\xff"), NO_HINT),
        (unavailable("google.rpc.retryinfo-bin", &etalon_tests::base64(seven_seconds)), 7.0),
        (unavailable("grpc-retry-pushback-ms", "7000"), 7.0),
        (unavailable("grpc-retry-pushback-ms", "-1"), NO_HINT),
        (unavailable("grpc-status-details-bin", "!!!"), NO_HINT),
    ]
}

#[test]
fn c14_who_cannot_connect_waits_longer_each_time_and_not_as_long_as_others() {
    let port = free_port();
    let keys =
        "sending_queue: {num_consumers: 20}, retry_on_failure: {initial_interval: 20ms, max_interval: 40ms}";
    let exporter = format!("otlp_http: {{endpoint: 'http://127.0.0.1:{port}', compression: none, {keys}}}");
    let etalon = forwarding(&[exporter]);
    for number in 0..20 {
        assert_eq!(send(&etalon, number..number + 1).status, 200);
    }
    let first = eventually("20 waits", || Some(waits(&etalon)).filter(|waits| waits.len() >= 20));
    assert!(first.iter().any(|wait| (wait - first[0]).abs() > 1e-4), "they do not all wait alike: {first:?}");
    let peer = HttpPeer::start_at(port);
    peer.wait_for(20);
    eventually("all are sent", || (counted(&etalon) == (20, 0)).then_some(()));
}
