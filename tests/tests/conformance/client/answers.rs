//! What an answer means.

use etalon_tests::{GrpcPeer, GrpcReply, HttpPeer, HttpReply, answer, field, gzip, varint};

use super::{AGAIN, ONCE, counted, send, to_grpc, to_http};

/// `ExportLogsServiceResponse` with a partial success. A negative count has ten bytes.
fn partial(rejected: i64) -> Vec<u8> {
    let count = varint(rejected.cast_unsigned());
    field(1, &[&[8], count.as_slice(), &field(2, b"not these")].concat())
}

/// The codes that may be retried without a hint.
const RETRYABLE: [u32; 6] = [1, 4, 10, 11, 14, 15];

#[test]
fn c04_a_response_that_is_too_large_is_not_read_and_not_asked_for_again() {
    let peer = HttpPeer::start();
    let etalon = to_http(&peer, AGAIN);
    let large = answer(200, &[], &vec![0; 5 << 20]);
    let endless =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-protobuf\r\n\r\n";
    let chunk = [b"10000\r\n".as_slice(), &vec![0; 0x10000], b"\r\n"].concat();
    let bomb = answer(200, &["Content-Encoding: gzip"], &gzip(&vec![0; 10 << 20]));
    for (number, reply) in
        [HttpReply::Bytes(large), HttpReply::Endless(endless.to_vec(), chunk), HttpReply::Bytes(bomb)]
            .into_iter()
            .enumerate()
    {
        peer.script([reply]);
        assert_eq!(send(&etalon, 0..1).status, 500, "{number}");
        assert_eq!(peer.take().len(), 1, "{number}");
    }
    assert_eq!(counted(&etalon), (0, 3));

    let peer = GrpcPeer::start();
    let etalon = to_grpc(&peer, AGAIN);
    peer.script([GrpcReply::Ok(vec![0; 5 << 20])]);
    assert_eq!(send(&etalon, 0..1).status, 500);
    assert_eq!((peer.take().len(), counted(&etalon)), (1, (0, 1)));
}

#[test]
fn c05_a_partial_success_is_counted_and_not_repeated_whatever_it_claims() {
    // Rejected of five: as told; more than were sent counts as all; less than none as none.
    let cases = [(3, 2, 3), (0, 5, 0), (7, 0, 5), (i64::MAX, 0, 5), (-1, 5, 0), (i64::MIN, 5, 0)];
    let (http, grpc) = (HttpPeer::start(), GrpcPeer::start());
    let (over_http, over_grpc) = (to_http(&http, AGAIN), to_grpc(&grpc, AGAIN));
    let (mut sent, mut failed) = (0, 0);
    for (claimed, delivered, rejected) in cases {
        http.script([HttpReply::status(200, &[], &partial(claimed))]);
        grpc.script([GrpcReply::Ok(partial(claimed))]);
        assert_eq!(send(&over_http, 0..5).status, 200, "{claimed}");
        assert_eq!(send(&over_grpc, 0..5).status, 200, "{claimed}");
        (sent, failed) = (sent + delivered, failed + rejected);
        assert_eq!((http.take().len(), counted(&over_http)), (1, (sent, failed)), "HTTP, {claimed}");
        assert_eq!((grpc.take().len(), counted(&over_grpc)), (1, (sent, failed)), "gRPC, {claimed}");
    }
    let line = over_http.wait_for_line("Partial success response");
    assert_eq!(line["reason"], "not these");
}

#[test]
fn c06_what_is_not_delivered_is_recorded_and_what_is_permanent_is_not_tried_again() {
    let peer = GrpcPeer::start();
    let etalon = to_grpc(&peer, ONCE);
    for code in 1..=16 {
        peer.script([GrpcReply::status(code)]);
        let answer = send(&etalon, 0..2);
        let retryable = RETRYABLE.contains(&code);
        assert_eq!(matches!(answer.status, 429 | 503), retryable, "{code}: {answer:?}");
        assert_eq!((peer.take().len(), counted(&etalon)), (1, (0, u64::from(code) * 2)), "{code}");
    }
}

#[test]
fn c07_the_code_and_the_hint_decide_whether_there_is_another_attempt() {
    let peer = GrpcPeer::start();
    let etalon = to_grpc(&peer, AGAIN);
    // google.rpc.RetryInfo with a delay of one nanosecond, and with none.
    let hints: [Option<&[u8]>; 3] = [None, Some(b"\x0a\x02\x10\x01"), Some(b"")];
    for code in 0..=16 {
        for hint in hints {
            let reply = hint.map_or_else(|| GrpcReply::status(code), |hint| GrpcReply::hinted(code, hint));
            peer.script([reply]);
            let status = send(&etalon, 0..1).status;
            let again = RETRYABLE.contains(&code) || (code == 8 && hint.is_some());
            let attempts = if again { 2 } else { 1 };
            assert_eq!(peer.take().len(), attempts, "code {code}, hint {hint:?}");
            assert_eq!(status == 200, again || code == 0, "code {code}, hint {hint:?}: {status}");
        }
    }
}

#[test]
fn c12_only_429_502_503_and_504_are_tried_again() {
    let peer = HttpPeer::start();
    let etalon = to_http(&peer, AGAIN);
    for status in 200..=599 {
        peer.script([HttpReply::status(status, &[], &[])]);
        let told = send(&etalon, 0..1).status;
        let again = matches!(status, 429 | 502 | 503 | 504);
        let success = (200..300).contains(&status);
        assert_eq!(peer.take().len(), if again { 2 } else { 1 }, "{status}");
        assert_eq!(told == 200, again || success, "{status}: {told}");
    }
}

#[test]
fn c18_the_code_in_the_body_of_an_http_answer_is_not_looked_at() {
    let peer = HttpPeer::start();
    let etalon = to_http(&peer, AGAIN);
    // google.rpc.Status: UNAVAILABLE, which would be retryable, and INVALID_ARGUMENT, which would not.
    peer.script([HttpReply::status(400, &[], b"\x08\x0e\x12\x04wait")]);
    assert_eq!(send(&etalon, 0..1).status, 400);
    assert_eq!(peer.take().len(), 1);
    peer.script([HttpReply::status(503, &[], b"\x08\x03\x12\x03bad")]);
    assert_eq!(send(&etalon, 0..1).status, 200);
    assert_eq!(peer.take().len(), 2);
}
