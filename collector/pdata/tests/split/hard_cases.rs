//! Handmade requests: one rule of splitting each.

use std::num::NonZeroUsize;

use bytes::Bytes;
use etalon_pdata::{LOGS, MAX_GROWTH, METRICS, Part, Payload, Signal, TRACES, Utf8Policy, scan};

use super::reference::{check, payload_of};
use super::wild::varint;

/// A length-delimited field.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(u64::from(number << 3 | 2), 0, &mut out);
    varint(content.len() as u64, 0, &mut out);
    out.extend(content);
    out
}

fn payload(signal: Signal, request: Vec<u8>) -> Payload {
    let items = scan(signal, &mut request.clone(), Utf8Policy::Refuse).expect("valid").items;
    Payload::from_validated(signal, request.into(), items)
}

fn most(limit: usize) -> NonZeroUsize {
    NonZeroUsize::new(limit).expect("not 0")
}

/// Splits by items, after a comparison of all limits with the reference.
fn by_items(signal: Signal, request: &[u8], limit: usize) -> Vec<Bytes> {
    (1..100).for_each(|limit| check(signal, request, limit));
    let parts = payload(signal, request.to_vec()).split_items(most(limit));
    parts.map(|part| payload_of(&part).contiguous()).collect()
}

/// A span with this name.
fn span(name: &str) -> Vec<u8> {
    field(2, &field(5, name.as_bytes()))
}

#[test]
fn a_request_within_the_limit_is_its_only_part_even_if_empty() {
    for request in [Vec::new(), field(1, b""), field(1, &field(2, &span("a")))] {
        let whole = payload(TRACES, request.clone());
        for parts in [whole.clone().split_items(most(1)), whole.split_bytes(most(1000))] {
            let parts: Vec<_> = parts.collect();
            assert!(matches!(parts.as_slice(), [Part::Fits(part)] if part.contiguous() == request));
        }
    }
}

#[test]
fn headers_are_repeated_wherever_they_stand() {
    let (resource, url, unknown) = (field(1, b"\x10\x01"), field(3, b"url"), b"\xf8\x01\x07".to_vec());
    let scope = field(1, &field(1, b"scope"));
    let [a, b] = [span("a"), span("b")];
    // The resource comes last and in two pieces, and the scope between its spans.
    let scope_spans = field(2, &[a.clone(), scope.clone(), b.clone()].concat());
    let group = b"\xfb\x01\x08\x01\xfc\x01".to_vec();
    let whole = [scope_spans, resource.clone(), url.clone(), resource.clone(), group.clone()].concat();
    let request = [unknown.clone(), field(1, &whole)].concat();
    let part = |span: Vec<u8>| {
        let scope_spans = field(2, &[scope.clone(), span].concat());
        let header = [resource.clone(), url.clone(), resource.clone(), group.clone()].concat();
        [unknown.clone(), field(1, &[header, scope_spans].concat())].concat()
    };
    assert_eq!(by_items(TRACES, &request, 1), [part(a), part(b)]);
}

#[test]
fn a_metric_is_cut_between_its_points() {
    let point = |value: u8| field(1, &[0x19, value, 0, 0, 0, 0, 0, 0, 0]);
    let name = field(1, b"requests");
    for (number, data_header) in
        [(5, &b""[..]), (7, b"\x10\x02\x18\x01"), (9, b"\x10\x01"), (10, b"\x10\x01"), (11, b"")]
    {
        let points = [data_header.to_vec(), point(1), point(2), point(3)].concat();
        let metric = |points: &[u8]| field(2, &[name.clone(), field(number, points)].concat());
        let request = |metric: Vec<u8>| field(1, &field(2, &metric));
        let parts = by_items(METRICS, &request(metric(&points)), 2);
        let first = [data_header.to_vec(), point(1), point(2)].concat();
        let second = [data_header.to_vec(), point(3)].concat();
        assert_eq!(parts, [request(metric(&first)), request(metric(&second))], "{number}");
    }
}

#[test]
fn points_of_a_replaced_member_are_left_out_and_those_of_a_merged_one_joined() {
    let point = |value: u8| field(1, &[0x40, value]);
    let (gauge, sum) = (5, 7);
    let data = [
        field(gauge, &point(1)),
        field(sum, &[point(2), b"\x10\x01".to_vec()].concat()),
        field(1, b"name"),
        field(sum, &[b"\x10\x02".to_vec(), point(3)].concat()),
    ];
    let request = |metric: &[u8]| field(1, &field(2, &field(2, metric)));
    let part = |value| {
        request(
            &[field(1, b"name"), field(sum, &[b"\x10\x01\x10\x02".to_vec(), point(value)].concat())].concat(),
        )
    };
    assert_eq!(by_items(METRICS, &request(&data.concat()), 1), [part(2), part(3)]);
}

#[test]
fn what_holds_no_item_is_left_out() {
    let empty_resource = field(1, &field(1, b"\x10\x01"));
    let empty_scope = field(2, &field(3, b"url"));
    let scope = field(2, &[span("a"), span("b")].concat());
    let request = [
        empty_resource.clone(),
        field(1, &[empty_scope.clone(), scope, empty_scope].concat()),
        empty_resource,
    ];
    let part = |name| field(1, &field(2, &span(name)));
    assert_eq!(by_items(TRACES, &request.concat(), 1), [part("a"), part("b")]);
    // An empty request that is too large has nothing to send.
    let empty = payload(TRACES, field(15, &[0; 100]));
    assert_eq!(empty.split_bytes(most(50)).count(), 0);
}

#[test]
fn an_item_that_is_larger_than_the_limit_comes_alone() {
    let [a, large, b] = [span("a"), span(&"x".repeat(100)), span("b")];
    let request = field(1, &field(2, &[a, large, b].concat()));
    check(TRACES, &request, 60);
    let parts: Vec<_> = payload(TRACES, request).split_bytes(most(60)).collect();
    assert!(
        matches!(parts.as_slice(), [Part::Fits(_), Part::TooLarge(alone), Part::Fits(_)] if alone.items() == 1)
    );
}

#[test]
fn a_part_is_within_the_limit_to_the_byte() {
    // Lengths around those where a length needs a byte more.
    for len in [1, 50, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 16_370, 16_380, 16_384] {
        let request = field(1, &field(2, &[span(&"x".repeat(len)), span("b")].concat()));
        let alone = field(1, &field(2, &span(&"x".repeat(len)))).len();
        let count = |limit| payload(TRACES, request.clone()).split_bytes(most(limit)).count();
        assert_eq!((count(request.len()), count(request.len() - 1)), (1, 2), "{len}");
        let first = payload(TRACES, request.clone()).split_bytes(most(alone)).next();
        assert!(matches!(first, Some(Part::Fits(part)) if part.len() == alone), "{len}");
        let first = payload(TRACES, request.clone()).split_bytes(most(alone - 1)).next();
        assert!(matches!(first, Some(Part::TooLarge(part)) if part.items() == 1), "{len}");
    }
}

#[test]
fn items_are_shared_and_not_copied() {
    let record = |text: &str| field(2, &field(5, &field(1, text.as_bytes())));
    let long = "x".repeat(1000);
    let request = field(1, &field(2, &[record(&long), record(&long)].concat()));
    let whole = payload(LOGS, request);
    let range = whole.contiguous().as_ptr_range();
    let parts: Vec<_> = whole.split_items(most(1)).map(Part::into_payload).collect();
    assert_eq!(parts.len(), 2);
    for part in parts {
        let last = part.chunks().last().expect("it has bytes");
        assert!(range.contains(&last.as_ptr()) && last.len() > 1000, "the bytes are those of the request");
    }
}

#[test]
fn repeated_headers_are_bounded() {
    // A large resource with many tiny records: each part would repeat it.
    let resource = field(1, &field(1, &[field(1, b"k"), field(2, &field(1, &[b'v'; 5000]))].concat()));
    let records = field(2, b"").repeat(2000);
    let request = field(1, &[resource, field(2, &records)].concat());
    let whole = payload(LOGS, request.clone());
    let parts: Vec<_> = whole.split_items(most(1)).collect();
    let total: usize = parts.iter().map(|part| payload_of(part).len()).sum();
    assert!(total <= (MAX_GROWTH + 2) * request.len(), "{total}");
    let items: usize = parts.iter().map(|part| payload_of(part).items()).sum();
    assert_eq!(items, 2000);
    let (last, others) = parts.split_last().expect("there are parts");
    assert!(matches!(last, Part::TooLarge(_)) && others.iter().all(|part| matches!(part, Part::Fits(_))));
    check(LOGS, &request, 1);
}
