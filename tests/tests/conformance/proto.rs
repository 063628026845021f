//! What the comments of OTLP's messages state: each request goes in at the receiver, and its bytes come out at
//! the exporter as they were, valid by these comments or not. Only what cannot be decoded is refused.

use etalon_tests::{Verdict, field, fixed64};

use crate::server::{LOGS, METRICS, PROTOBUF, Server, TRACES, ways_of};

/// Collectors that forward over HTTP to a destination that keeps what it gets.
struct Hop(Server);

impl Hop {
    fn start() -> Self {
        Self(Server::start())
    }

    /// Sends a request, in every way that it can come, and gives what arrives.
    #[track_caller]
    fn forward(&self, path: &str, request: &[u8]) -> Vec<u8> {
        let mut arrived = ways_of(PROTOBUF).map(|way| {
            let answer = self.0.send(way, path, request);
            assert_eq!(
                (answer.status, answer.body.as_slice()),
                (200, &b""[..]),
                "{way:?}: {}",
                answer.text()
            );
            self.0.sink.bodies().pop().expect("the request has arrived")
        });
        let first = arrived.next().expect("ways");
        assert!(arrived.all(|next| next == first), "it arrives alike, however it comes");
        first
    }

    /// Sends a request that must arrive byte by byte.
    #[track_caller]
    fn unchanged(&self, path: &str, request: &[u8]) {
        assert_eq!(self.forward(path, request), request);
    }

    #[track_caller]
    fn refused(&self, path: &str, request: &[u8], why: &str) {
        for way in ways_of(PROTOBUF) {
            let answer = self.0.send(way, path, request);
            assert_eq!(answer.status, 400, "{way:?}: {}", answer.text());
            assert!(answer.text().contains(why), "{way:?}: {}", answer.text());
        }
    }

    /// What a counter says for one request, after as many as there are ways.
    #[track_caller]
    fn each_counted(&self, metric: &str) -> u64 {
        let counted = [&self.0.plain, &self.0.tls].map(|etalon| etalon.scrape().count(metric));
        let (counted, ways) = (counted.iter().sum::<u64>(), ways_of(PROTOBUF).count() as u64);
        assert_eq!(counted % ways, 0, "{metric}: {counted}");
        counted / ways
    }
}

fn double(number: u32, value: f64) -> Vec<u8> {
    fixed64(number, value.to_bits())
}

/// An attribute in the field with this number; its value is an encoded `AnyValue`.
fn attribute(number: u32, key: &[u8], value: &[u8]) -> Vec<u8> {
    field(number, &[field(1, key), field(2, value)].concat())
}

/// A request whose only item, in the field of spans, metrics or log records, has these fields.
fn item(fields: &[Vec<u8>]) -> Vec<u8> {
    field(1, &field(2, &field(2, &fields.concat())))
}

/// A request with one metric, whose data is in the field with this number and has one point.
fn point(data: u32, fields: &[Vec<u8>]) -> Vec<u8> {
    item(&[field(1, b"metric"), field(data, &field(1, &fields.concat()))])
}

const NUMBERS: u32 = 5;
const HISTOGRAM: u32 = 9;
const EXPONENTIAL: u32 = 10;
const SUMMARY: u32 = 11;

#[test]
fn p01_ids_of_a_wrong_length_are_refused_and_zero_ids_forwarded() {
    let hop = Hop::start();
    let link = |fields: &[Vec<u8>]| item(&[field(13, &fields.concat())]);
    for (trace_id, span_id) in [(16, 8), (0, 0), (16, 0), (0, 8)] {
        let ids = |trace, span| [field(trace, &vec![0; trace_id]), field(span, &vec![0; span_id])];
        hop.unchanged(TRACES, &item(&ids(1, 2)));
        hop.unchanged(TRACES, &link(&ids(1, 2)));
        hop.unchanged(LOGS, &item(&ids(9, 10)));
        hop.unchanged(METRICS, &point(NUMBERS, &[field(5, &ids(5, 4).concat())]));
    }
    // As in the Go collector, the whole request is refused: it could not be read further on.
    for length in [1, 7, 9, 15, 17, 32] {
        hop.refused(TRACES, &item(&[field(1, &vec![1; length])]), "trace_id");
        hop.refused(TRACES, &item(&[field(2, &vec![1; length])]), "span_id");
        hop.refused(TRACES, &item(&[field(4, &vec![1; length])]), "parent_span_id");
        hop.refused(TRACES, &link(&[field(1, &vec![1; length])]), "trace_id");
        hop.refused(LOGS, &item(&[field(10, &vec![1; length])]), "span_id");
        hop.refused(METRICS, &point(NUMBERS, &[field(5, &field(5, &vec![1; length]))]), "trace_id");
    }
}

#[test]
fn p02_all_32_bits_of_the_flags_are_forwarded() {
    let hop = Hop::start();
    for flags in [1, 0x300, 1 << 10, 1 << 31, u32::MAX] {
        let flags = flags.to_le_bytes();
        hop.unchanged(TRACES, &item(&[[&[0x85, 0x01][..], &flags].concat()]));
        hop.unchanged(TRACES, &item(&[field(13, &[&[0x35][..], &flags].concat())]));
        hop.unchanged(LOGS, &item(&[[&[0x45][..], &flags].concat()]));
    }
}

#[test]
fn p03_a_span_without_name_or_with_an_end_before_its_start_is_forwarded() {
    let hop = Hop::start();
    hop.unchanged(TRACES, &item(&[]));
    hop.unchanged(TRACES, &item(&[vec![0x30, 0], fixed64(7, 2_000_000_000), fixed64(8, 1_000_000_000)]));
    hop.unchanged(TRACES, &item(&[fixed64(7, u64::MAX), fixed64(8, 0)]));
    hop.unchanged(TRACES, &item(&[vec![0x30, 99]]));
}

#[test]
fn p04_attributes_with_the_same_key_are_forwarded_as_they_are() {
    let hop = Hop::start();
    let twice = [attribute(9, b"key", &field(1, b"first")), attribute(9, b"key", &field(1, b"second"))];
    hop.unchanged(TRACES, &item(&twice));
    let resource = [attribute(1, b"key", &[0x18, 1]), attribute(1, b"key", &[0x18, 2])].concat();
    let spans = field(2, &field(2, &field(5, b"name")));
    hop.unchanged(TRACES, &field(1, &[field(1, &resource), spans].concat()));
}

#[test]
fn p05_attributes_may_have_values_of_every_kind() {
    let hop = Hop::start();
    let array = field(5, &[field(1, &field(1, b"text")), field(1, b"")].concat());
    let list = field(6, &attribute(1, b"inner", &field(7, b"\x00\xff")));
    let values = [
        vec![],
        field(1, b""),
        vec![0x10, 1],
        [&[0x18][..], &[0xff; 9], &[1]].concat(),
        double(4, f64::NAN),
        double(4, -0.0),
        array.clone(),
        list,
        field(7, b"\x00\xff"),
    ];
    let attributes: Vec<_> = values.iter().map(|value| attribute(9, b"key", value)).collect();
    hop.unchanged(TRACES, &item(&attributes));
    // An array takes two levels, and the attribute is five levels deep.
    let nested = |levels: usize| (0..levels).fold(field(1, b"deep"), |value, _| field(5, &field(1, &value)));
    hop.unchanged(TRACES, &item(&[attribute(9, b"key", &nested(40))]));
    hop.refused(TRACES, &item(&[attribute(9, b"key", &nested(60))]), "nested");
}

#[test]
fn p06_references_to_strings_outside_profiles_are_forwarded_and_counted_as_any_item() {
    let hop = Hop::start();
    let key_reference = field(9, &[field(2, &field(1, b"value")), vec![0x18, 7]].concat());
    let value_reference = attribute(9, b"key", &[0x40, 7]);
    hop.unchanged(TRACES, &item(&[key_reference, value_reference]));
    assert_eq!(hop.each_counted("otelcol_receiver_accepted_spans"), 1);
}

#[test]
fn p07_entities_that_refer_to_missing_attributes_are_forwarded() {
    let hop = Hop::start();
    let entity = field(3, &[field(2, b"host"), field(3, b"host.id"), field(4, b"host.name")].concat());
    hop.unchanged(TRACES, &field(1, &[field(1, &entity), field(2, &field(2, b""))].concat()));
}

#[test]
fn p08_log_records_without_times_or_with_a_long_event_name_are_forwarded() {
    let hop = Hop::start();
    hop.unchanged(LOGS, &item(&[vec![0x10, 0]]));
    hop.unchanged(LOGS, &item(&[fixed64(1, 5), fixed64(11, 0)]));
    hop.unchanged(LOGS, &item(&[field(12, &[b'e'; 1000])]));
}

#[test]
fn p09_points_without_time_and_sums_without_temporality_are_forwarded() {
    let hop = Hop::start();
    hop.unchanged(METRICS, &point(NUMBERS, &[fixed64(3, 0), double(4, 1.5)]));
    hop.unchanged(METRICS, &item(&[field(7, &[field(1, &double(4, 1.5)), vec![0x10, 0]].concat())]));
}

#[test]
fn p10_histograms_whose_counts_do_not_add_up_are_forwarded() {
    let hop = Hop::start();
    let packed = |number, values: &[u64]| {
        field(number, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    };
    let bounds = |values: &[f64]| packed(7, &values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    hop.unchanged(
        METRICS,
        &point(HISTOGRAM, &[fixed64(4, 99), packed(6, &[1, 2]), bounds(&[1.0, 2.0, 3.0])]),
    );
    hop.unchanged(METRICS, &point(HISTOGRAM, &[packed(6, &[1, 2, 3]), bounds(&[5.0, 1.0])]));
    hop.unchanged(METRICS, &point(HISTOGRAM, &[packed(6, &[]), bounds(&[])]));
}

#[test]
fn p11_exponential_histograms_whose_counts_do_not_add_up_are_forwarded() {
    let hop = Hop::start();
    let buckets = field(8, &[vec![0x08, 3], field(2, &[1, 2, 0xff, 0x01])].concat());
    hop.unchanged(METRICS, &point(EXPONENTIAL, &[fixed64(4, 1), buckets, fixed64(7, 5)]));
}

#[test]
fn p12_summaries_with_any_quantiles_are_forwarded() {
    let hop = Hop::start();
    let quantile = |at, value| field(6, &[double(1, at), double(2, value)].concat());
    hop.unchanged(
        METRICS,
        &point(SUMMARY, &[quantile(2.0, -1.0), quantile(0.5, f64::NAN), quantile(0.1, 0.0)]),
    );
}

#[test]
fn p13_points_and_exemplars_without_value_are_forwarded() {
    let hop = Hop::start();
    hop.unchanged(METRICS, &point(NUMBERS, &[]));
    hop.unchanged(METRICS, &point(NUMBERS, &[vec![0x40, 1]]));
    hop.unchanged(METRICS, &point(NUMBERS, &[field(5, &fixed64(2, 5))]));
}

#[test]
fn p14_strings_that_are_not_utf8_are_repaired_without_a_change_of_length() {
    let hop = Hop::start();
    let request = |text: &[u8]| {
        item(&[field(5, text), attribute(9, text, &field(1, text)), field(15, &field(2, text))])
    };
    let broken = b"caf\xe9 \xf0\x9f\x9a ok \xc3\xa9";
    assert_eq!(hop.forward(TRACES, &request(broken)), request("caf? ??? ok é".as_bytes()));
    assert_eq!(hop.each_counted("etalon_receiver_repaired_strings"), 4);
    // Bytes are not text.
    hop.unchanged(TRACES, &item(&[attribute(9, b"key", &field(7, b"\xff\xfe"))]));
    assert_eq!(hop.each_counted("etalon_receiver_repaired_strings"), 4);
}

#[test]
fn p15_fields_that_are_not_known_are_forwarded() {
    let hop = Hop::start();
    // Field 1000, where requests of old versions have their spans, of every wire type, and in a group.
    let unknown = [
        &b"\xc0\x3e\x05"[..],
        b"\xc1\x3e12345678",
        b"\xc2\x3e\x03old",
        b"\xc5\x3e1234",
        b"\xc3\x3e\x08\x01\xc4\x3e",
    ]
    .concat();
    let span = field(2, &[field(5, b"name"), unknown.clone()].concat());
    let scope = field(2, &[unknown.clone(), span].concat());
    let resource = field(1, &[scope, unknown.clone()].concat());
    hop.unchanged(TRACES, &[resource, unknown.clone()].concat());
    // Only the old field: nothing of it counts as an item.
    let before = hop.each_counted("otelcol_receiver_accepted_spans");
    for way in ways_of(PROTOBUF) {
        assert_eq!(hop.0.send(way, TRACES, &field(1, &unknown)).status, 200, "{way:?}");
    }
    assert_eq!(hop.each_counted("otelcol_receiver_accepted_spans"), before);
}

#[test]
fn p16_an_empty_partial_success_is_none() {
    let hop = Hop::start();
    hop.0.sink.answer(Verdict::Answer(b"\x0a\x00".to_vec()));
    hop.unchanged(LOGS, &item(&[]));
    assert_eq!(hop.each_counted("otelcol_exporter_sent_log_records"), 1);
    assert_eq!(hop.each_counted("otelcol_exporter_send_failed_log_records"), 0);
    for etalon in [&hop.0.plain, &hop.0.tls] {
        let warned = etalon.lines().iter().any(|line| line.to_string().to_lowercase().contains("partial"));
        assert!(!warned, "nothing is said about a partial success");
    }
}
