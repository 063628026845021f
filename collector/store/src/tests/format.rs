//! The bytes are those of FORMAT.md.

use crate::account::Settlement;
use crate::format::{Header, RecordHeader, Seal, SegmentHead, SegmentKey, content_checksum, record_size};
use crate::totals::Verdict;

const KEY: SegmentKey = SegmentKey { store: 0x0102_0304_0506_0708, segment: 9 };

#[test]
fn the_head_of_a_segment_has_its_numbers_where_they_belong() {
    let head = SegmentHead { key: KEY, first_seq: 0x55 };
    let bytes = head.encode();
    assert_eq!(&bytes[..8], b"ETLNSEG1");
    assert_eq!(&bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(bytes[16], 9);
    assert_eq!(bytes[24], 0x55);
    assert_eq!(bytes[60..], crc32c::crc32c(&bytes[..60]).to_le_bytes());
    assert_eq!(SegmentHead::decode(&bytes), Some(head));
}

#[test]
fn a_header_is_good_at_its_own_place_only() {
    let checksum = content_checksum(5, &[b"ctx", b"body"]);
    let header = RecordHeader { seq: 5, items: 3, context: 3, body: 4, accepted: 1, checksum, position: 2 };
    let bytes = header.encode(KEY, 64);
    assert_eq!(Header::decode(&bytes, KEY, 64), Some(Header::Record(header)));
    assert_eq!(Header::decode(&bytes, KEY, 80), None);
    assert_eq!(Header::decode(&bytes, SegmentKey { segment: 8, ..KEY }, 64), None);
    assert_eq!(Header::decode(&bytes, SegmentKey { store: 8, ..KEY }, 64), None);
    assert!(header.matches(b"ctxbody") && !header.matches(b"ctxbodx"));
    let seal = Seal { next_seq: 6, items: 3, bytes: 7 };
    assert_eq!(Header::decode(&seal.encode(KEY, 128), KEY, 128), Some(Header::Seal(seal)));
}

#[test]
fn records_take_multiples_of_sixteen_bytes() {
    assert_eq!([record_size(0), record_size(1), record_size(16), record_size(17)], [48, 64, 64, 80]);
}

#[test]
fn a_slot_has_its_numbers_where_they_belong_and_is_good_at_its_own_place_only() {
    let requests = Settlement::Requests { seqs: 5..7, verdict: Verdict::Failed, items: 9 };
    let items = Settlement::Items { seq: 5, verdict: Verdict::Delivered, items: 7..9 };
    for (slot, start) in [(requests, [2, 0, 0, 0]), (items, [1, 1, 0, 0])] {
        let bytes = slot.encode(1, 2, 3);
        assert_eq!(bytes[4..8], start);
        assert_eq!([8, 16, 24].map(|at| bytes[at]), [5, 7, 9]);
        assert_eq!(Settlement::decode(&bytes, 1, 2, 3), Some(slot));
        for (store, generation, number) in [(0, 2, 3), (1, 0, 3), (1, 2, 0)] {
            assert_eq!(Settlement::decode(&bytes, store, generation, number), None);
        }
    }
}
