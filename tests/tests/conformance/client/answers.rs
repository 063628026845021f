//! What an answer means.

use etalon_tests::{GrpcPeer, GrpcReply, HttpReply, Version, answer, field, gzip, varint};

use super::{AGAIN, ONCE, Over, counted, send, to_grpc, ways};

/// `ExportLogsServiceResponse` with a partial success. A negative count has ten bytes.
fn partial(rejected: i64) -> Vec<u8> {
    let count = varint(rejected.cast_unsigned());
    field(1, &[&[8], count.as_slice(), &field(2, b"not these")].concat())
}

/// Statuses that servers and proxies use.
const TOLD: [u16; 20] =
    [200, 202, 204, 301, 304, 307, 400, 401, 403, 404, 408, 413, 415, 421, 429, 500, 502, 503, 504, 507];
/// The codes that may be retried without a hint.
const RETRYABLE: [u32; 6] = [1, 4, 10, 11, 14, 15];

#[test]
fn c04_a_response_that_is_too_large_is_not_read_and_not_asked_for_again() {
    let large = answer(200, &[], &vec![0; 5 << 20]);
    let endless =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-protobuf\r\n\r\n";
    let chunk = [b"10000\r\n".as_slice(), &vec![0; 0x10000], b"\r\n"].concat();
    let bomb = answer(200, &["Content-Encoding: gzip"], &gzip(&vec![0; 10 << 20]));
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(AGAIN);
        let mut replies = vec![HttpReply::Bytes(large.clone()), HttpReply::Bytes(bomb.clone())];
        if way.version == Version::One {
            replies.push(HttpReply::Endless(endless.to_vec(), chunk.clone()));
        }
        let mut failed = 0;
        for reply in replies {
            peer.script([reply]);
            assert_eq!(send(etalon, 0..1).status, 500, "{way:?} {failed}");
            assert_eq!(peer.take().len(), 1, "{way:?} {failed}");
            failed += 1;
        }
        assert_eq!(counted(etalon), (0, failed), "{way:?}");
    }

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
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(AGAIN);
        let (mut sent, mut failed) = (0, 0);
        for (claimed, delivered, rejected) in cases {
            peer.script([HttpReply::status(200, &[], &partial(claimed))]);
            assert_eq!(send(etalon, 0..5).status, 200, "{way:?} {claimed}");
            (sent, failed) = (sent + delivered, failed + rejected);
            assert_eq!((peer.take().len(), counted(etalon)), (1, (sent, failed)), "{way:?} {claimed}");
        }
        let line = etalon.wait_for_line("Partial success response");
        assert_eq!(line["destination.message"], "not these", "{way:?}");
    }
    let peer = GrpcPeer::start();
    let etalon = to_grpc(&peer, AGAIN);
    let (mut sent, mut failed) = (0, 0);
    for (claimed, delivered, rejected) in cases {
        peer.script([GrpcReply::Ok(partial(claimed))]);
        assert_eq!(send(&etalon, 0..5).status, 200, "{claimed}");
        (sent, failed) = (sent + delivered, failed + rejected);
        assert_eq!((peer.take().len(), counted(&etalon)), (1, (sent, failed)), "gRPC, {claimed}");
    }
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
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(AGAIN);
        // Every status in one way, and in the others those that have a meaning.
        let plain = (way.version, way.encoding, way.compression) == (Version::One, "proto", "none");
        let statuses: Vec<u16> = if plain { (200..=599).collect() } else { TOLD.to_vec() };
        for status in statuses {
            peer.script([HttpReply::status(status, &[], &[])]);
            let told = send(etalon, 0..1).status;
            let again = matches!(status, 429 | 502 | 503 | 504);
            let success = (200..300).contains(&status);
            assert_eq!(peer.take().len(), if again { 2 } else { 1 }, "{way:?} {status}");
            assert_eq!(told == 200, again || success, "{way:?} {status}: {told}");
        }
    }
}

#[test]
fn c18_the_code_in_the_body_of_an_http_answer_is_not_looked_at() {
    for way in ways() {
        let Over { peer, etalon, .. } = &way.to_http(AGAIN);
        // google.rpc.Status: UNAVAILABLE, which would be retryable, and INVALID_ARGUMENT, which would not.
        peer.script([HttpReply::status(400, &[], b"\x08\x0e\x12\x04wait")]);
        assert_eq!(send(etalon, 0..1).status, 400, "{way:?}");
        assert_eq!(peer.take().len(), 1, "{way:?}");
        peer.script([HttpReply::status(503, &[], b"\x08\x03\x12\x03bad")]);
        assert_eq!(send(etalon, 0..1).status, 200, "{way:?}");
        assert_eq!(peer.take().len(), 2, "{way:?}");
    }
}
