//! What is sent, and how much of it.

use std::collections::BTreeMap;

use etalon_tests::{
    Etalon, GrpcPeer, GrpcReply, HttpPeer, HttpReply, Sink, Verdict, decompressed, eventually, field, post,
    tokens,
};

use super::{AGAIN, ONCE, Over, counted, forwarding, otlp_grpc, otlp_http, send, to_grpc, to_http, ways};

/// An `ExportLogsServiceRequest` of one record, whose body is a string of so many bytes.
fn one_record(size: usize) -> Vec<u8> {
    let record = field(5, &field(1, &vec![b'x'; size]));
    field(1, &field(2, &field(2, &record)))
}

fn once_each(numbers: std::ops::Range<u32>) -> BTreeMap<u32, usize> {
    numbers.map(|number| (number, 1)).collect()
}

#[test]
fn c01_what_is_too_large_is_sent_in_parts_and_an_item_that_is_too_large_is_recorded() {
    const LIMIT: usize = 50_000;
    let (http, grpc) = (HttpPeer::start(), GrpcPeer::start());
    http.always(HttpReply::Limit(LIMIT));
    grpc.always(GrpcReply::Limit(LIMIT));
    let (over_http, over_grpc) = (to_http(&http, AGAIN), to_grpc(&grpc, AGAIN));
    for etalon in [&over_http, &over_grpc] {
        assert_eq!(send(etalon, 0..10_000).status, 200);
        assert_eq!(counted(etalon), (10_000, 0));
        let single = post(etalon.http(), "/v1/logs", "application/x-protobuf", &one_record(60_000));
        assert_eq!(single.status, 413, "{single:?}");
        assert_eq!(counted(etalon), (10_000, 1));
        let line = etalon.wait_for_line("Exporting failed. Rejecting data. Try enabling sending_queue config option to survive temporary failures.");
        assert_eq!(line["rejected_items"], 1, "{line}");
    }
    let taken = http.take().into_iter().filter(|arrived| arrived.body.len() <= LIMIT);
    let taken: Vec<u8> = taken.flat_map(|arrived| arrived.body).collect();
    assert_eq!(tokens(&taken), once_each(0..10_000));
    let taken = grpc.take().into_iter().filter(|called| called.body.len() <= LIMIT);
    let taken: Vec<u8> = taken.flat_map(|called| called.body).collect();
    assert_eq!(tokens(&taken), once_each(0..10_000));
}

/// The limit of the client itself is 64 MiB before compression, as the specification recommends.
#[test]
fn c01_nothing_larger_than_the_clients_own_limit_is_sent() {
    let peer = HttpPeer::start();
    let etalon = to_http(&peer, AGAIN);
    let answer = post(etalon.http(), "/v1/logs", "application/x-protobuf", &one_record(65 << 20));
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!((peer.take().len(), counted(&etalon)), (0, (0, 1)));
}

#[test]
fn c02_as_many_calls_are_made_at_once_as_configured() {
    let peer = GrpcPeer::start();
    peer.always(GrpcReply::Silence);
    let etalon = forwarding(&[otlp_grpc(&peer, "timeout: 1s, sending_queue: {num_consumers: 3}")]);
    for number in 0..10 {
        assert_eq!(send(&etalon, number..number + 1).status, 200);
    }
    // Each ends by its time-out, and then others take its place.
    peer.wait_for(6);
    assert_eq!(peer.most_in_flight(), 3);
}

#[test]
fn c03_at_a_stop_what_is_held_is_sent_and_what_is_not_delivered_is_recorded() {
    for (verdict, delivered) in [(Verdict::Accept, 5), (Verdict::Status(503), 0)] {
        let sink = Sink::start();
        sink.answer(Verdict::Hold);
        let exporter = format!("otlp_http: {{endpoint: '{}', compression: none}}", sink.endpoint());
        let etalon = forwarding(&[exporter]);
        for number in 0..5 {
            assert_eq!(send(&etalon, number..number + 1).status, 200);
        }
        sink.wait_until_seen(5);
        etalon.terminate();
        etalon.wait_for("the stop", |line| line["msg"].as_str().is_some_and(|msg| msg.contains("hutdown")));
        sink.answer(verdict);
        let finished = etalon.wait();
        assert_eq!(finished.code(), 0);
        assert_eq!(sink.items().len(), delivered);
        let dropped = finished.stderr.matches("Dropping data").count();
        assert_eq!(dropped, 5 - delivered, "{}", finished.stderr);
    }
}

#[test]
fn c11_the_content_type_and_the_encoding_are_told() {
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(ONCE);
        assert_eq!(send(etalon, 0..100).status, 200, "{way:?}");
        let arrived = &peer.take()[0];
        let content_type = if way.encoding == "json" { "application/json" } else { "application/x-protobuf" };
        let encoding = Some(way.compression).filter(|compression| *compression != "none");
        let told = (arrived.header("content-type"), arrived.header("content-encoding"));
        assert_eq!(told, (Some(content_type), encoding), "{way:?}");
        assert_eq!(tokens(&arrived.plain()), once_each(0..100), "{way:?}");
        assert_eq!(arrived.plain()[0] == b'{', way.encoding == "json", "{way:?}");
    }
    for (keys, encoding) in
        [("", Some("gzip")), ("compression: zstd", Some("zstd")), ("compression: none", None)]
    {
        let peer = GrpcPeer::start();
        let exporter = format!(
            "otlp_grpc: {{endpoint: '{}', tls: {{insecure: true}}, {ONCE}, {keys}}}",
            peer.endpoint()
        );
        let etalon = forwarding(&[exporter]);
        assert_eq!(send(&etalon, 0..100).status, 200);
        let called = &peer.take()[0];
        assert_eq!(called.headers["content-type"], "application/grpc");
        assert_eq!(called.headers.get("grpc-encoding").and_then(|value| value.to_str().ok()), encoding);
        assert_eq!(called.body[0], u8::from(encoding.is_some()));
        assert_eq!(tokens(&decompressed(encoding, &called.body[5..])), once_each(0..100));
    }
}

#[test]
fn c16_a_destination_that_is_stuck_holds_no_other_up_and_each_has_its_own_account() {
    let (stuck, alive) = (HttpPeer::start(), GrpcPeer::start());
    stuck.always(HttpReply::Silence);
    let etalon = forwarding(&[otlp_http(&stuck, ""), otlp_grpc(&alive, "")]);
    for number in 0..100 {
        assert_eq!(send(&etalon, number..number + 1).status, 200);
    }
    let sent = |etalon: &Etalon, exporter| etalon.scrape().sum(super::SENT, &[("exporter", exporter)]);
    eventually("all is sent to one", || (sent(&etalon, "otlp_grpc") == Some(100.0)).then_some(()));
    assert_eq!(sent(&etalon, "otlp_http"), Some(0.0));
    let bodies: Vec<u8> = alive.take().into_iter().flat_map(|called| called.body).collect();
    assert_eq!(tokens(&bodies), once_each(0..100));
    let waiting = etalon.scrape().sum("otelcol_exporter_queue_size", &[("exporter", "otlp_http")]);
    assert!(waiting.is_some_and(|waiting| waiting >= 90.0), "{waiting:?}");
}

#[test]
fn c17_no_request_without_items_is_sent() {
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(AGAIN);
        for empty in
            ["{}", r#"{"resourceLogs":[]}"#, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[]}]}]}"#]
        {
            let answer = post(etalon.http(), "/v1/logs", "application/json", empty.as_bytes());
            assert_eq!(answer.status, 200, "{way:?}");
        }
        peer.script([HttpReply::status(413, &[], &[])]);
        assert_eq!(send(etalon, 0..5_000).status, 200, "{way:?}");
        let arrived = peer.take();
        assert!(arrived.len() > 2, "{way:?}: it is sent in parts");
        assert!(arrived.iter().all(|request| !tokens(&request.plain()).is_empty()), "{way:?}");
    }
}
